"""What a study is made of: its points, those of its runs that failed, and rows of tables with what varies in them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from fedsim.scenario import METRICS
from fedsim.study.outcome import GOAL

_FIGURES: Final = ("_s", "_j", "_bytes", "_to_target", *METRICS, GOAL)
"""How names of figures end that a run may not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A run that came to nothing, and why."""

    label: str
    seed: int
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyPoint:
    """A point of a study: its label, and what it has of what varies, by key path."""

    label: str
    settings: Mapping[str, Any]
    fingerprint: str


def with_settings(frames: Sequence[tuple[StudyPoint, pd.DataFrame]]) -> pd.DataFrame:
    """One table of the rows of each point, with its label and what varies in it before them."""
    tables = []
    for point, frame in frames:
        told = {"point": point.label, **{key: cell(value) for key, value in point.settings.items()}}
        tables.append(pd.concat([pd.DataFrame([told] * len(frame), index=frame.index), frame], axis=1))
    return _as_numbers(pd.concat(tables, ignore_index=True)) if tables else pd.DataFrame()


def _as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """A table in which a figure that is not there is NaN, also where none of its column is there."""
    empty = [name for name in table.columns if table[name].dtype == object and table[name].isna().any()]
    return table.assign(**{name: pd.to_numeric(table[name]) for name in empty if str(name).endswith(_FIGURES)})


def cell(value: Any) -> Any:
    """A value as a table holds it: a block or a list as text."""
    return json.dumps(value) if isinstance(value, (Mapping, list)) else value
