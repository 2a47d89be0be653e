"""What a folder of results is about, whatever kind it is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from fedsim.errors import FedsimError
from fedsim.study.comparison import Comparison
from fedsim.study.reading import kind_of, read_comparison, read_result, read_summary
from fedsim.study.result import Result

MOST_SHOWN: Final = 6
"""Of more scenarios than this, those with the best figure of merit are shown in detail."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """The runs of a folder, side by side, and what else its ``summary.json`` says.

    One run, or the runs of one scenario, are a comparison of one. ``points`` has a row for each point of a sweep,
    ``ranking`` one for each change that was tried; both are None elsewhere.
    """

    kind: str
    comparison: Comparison
    words: Mapping[str, Any]
    points: pd.DataFrame | None = None
    ranking: pd.DataFrame | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its scenarios."""
        return self.comparison.names

    @property
    def first(self) -> Result:
        """The first run of the first scenario."""
        return self.comparison.results[self.names[0]][0]

    def runs(self, name: str) -> tuple[Result, ...]:
        """The runs of one scenario."""
        return self.comparison.results[name]

    def text(self, key: str) -> str:
        """A text of ``summary.json``, empty where there is none."""
        value = self.words.get(key)
        return value if isinstance(value, str) else ""


def read_subject(folder: str | Path) -> Subject:
    """Read a folder that fedsim wrote.

    Raises:
        FedsimError: there is nothing of the kind, a piece is missing or damaged, or a later fedsim wrote it.
    """
    kind, words = kind_of(folder), read_summary(folder)
    if kind == "comparison":
        return Subject(kind=kind, comparison=read_comparison(folder), words=words)
    if kind == "run":
        result = read_result(folder)
        return Subject(kind=kind, comparison=of_one([result]), words=words)
    if kind == "seeds":
        below = sorted((Path(folder) / "runs").glob("*/summary.json"))
        if not below:
            raise FedsimError(f"{folder}: is incomplete: it has no runs")
        results = sorted((read_result(path.parent) for path in below), key=lambda result: result.seed)
        return Subject(kind=kind, comparison=of_one(results), words=words)
    raise FedsimError(f"{folder}: holds a {kind}, of which no report can be made")


def of_one(results: list[Result]) -> Comparison:
    """The runs of one scenario as a comparison of one."""
    summary = results[0].summary
    return Comparison(
        seeds=tuple(result.seed for result in results),
        goal=summary.goal,
        horizon_s=max(result.summary.simulated_s for result in results),
        results={summary.name: tuple(results)},
    )
