"""Results back from the folders in which they were written."""

import json
import math
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final, Literal, get_args

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import Scenario, load
from fedsim.study.comparison import Comparison
from fedsim.study.folder import FORMAT
from fedsim.study.goal import Goal
from fedsim.study.result import Result, Summary
from fedsim.study.terms import with_seed

Kind = Literal["run", "seeds", "comparison", "sweep", "whatif"]
"""What a folder of results holds: one run, one scenario's runs, several scenarios', a study's, or changes of one."""

_SUMMARY: Final = "summary.json"


def read_result(folder: str | Path) -> Result:
    """The run in a folder, equal to the one that was written.

    Raises:
        FedsimError: it is no run's folder, a piece of it is missing or damaged, or a later fedsim wrote it.
    """
    place, summary = Path(folder), read_summary(folder)
    if summary["kind"] != "run":
        raise FedsimError(f"{folder}: holds a {summary['kind']}, not one run: name a folder below {place / 'runs'}")
    try:
        scenario = load(place / "scenario.yaml")
    except ScenarioError as error:
        raise FedsimError(f"{folder}: its scenario cannot be used here:\n{error}") from None
    return Result(
        scenario=scenario,
        seed=scenario.seed,
        curve=_table(place, "metrics"),
        events=_table(place, "events"),
        devices=_table(place, "devices"),
        links=_table(place, "links"),
        summary=_checked(summary, place),
    )


def read_outline(folder: str | Path, scenario: Scenario) -> Result:
    """The run in a folder without its events, devices and links, of which there may be very many.

    ``scenario`` is that of the run, which takes long to read and is the same for many runs but for its seed.

    Raises:
        FedsimError: as ``read_result``.
    """
    place, nothing = Path(folder), pd.DataFrame()
    summary = _checked(read_summary(place), place)
    curve, seed = _table(place, "metrics"), summary.seed
    own = with_seed(scenario, seed)
    return Result(scenario=own, seed=seed, curve=curve, events=nothing, devices=nothing, links=nothing, summary=summary)


def read_comparison(folder: str | Path) -> Comparison:
    """The comparison in a folder, with every run of it.

    Raises:
        FedsimError: it is no comparison's folder, a piece of it is missing or damaged, or a later fedsim wrote it.
    """
    place, words = Path(folder), read_summary(folder)
    if words["kind"] != "comparison":
        raise FedsimError(f"{folder}: holds a {words['kind']}, not a comparison")
    try:
        names, seeds = [str(name) for name in words["scenarios"]], tuple(int(seed) for seed in words["seeds"])
        goal = Goal(metric=str(words["metric"]), target=words["target"], falls=bool(words.get("falls", False)))
        horizon_s, notes = float(words["horizon_s"]), tuple(map(str, words.get("notes", ())))
    except (KeyError, TypeError, ValueError) as error:
        raise FedsimError(f"{place / _SUMMARY}: is not what fedsim writes: {error!r}") from None
    runs = [(name, read_result(place / "runs" / f"{name}-seed-{seed}")) for name in names for seed in seeds]
    results = {name: tuple(run for _, run in own) for name, own in groupby(runs, key=lambda pair: pair[0])}
    return Comparison(seeds=seeds, goal=goal, horizon_s=horizon_s, results=results, notes=notes)


def kind_of(folder: str | Path) -> Kind:
    """What a folder holds.

    Raises:
        FedsimError: nothing that fedsim wrote, or a later fedsim wrote it.
    """
    kind: Kind = read_summary(folder)["kind"]
    return kind


def read_summary(folder: str | Path) -> dict[str, Any]:
    """What ``summary.json`` of any folder of results says, in plain values.

    Folders from before there was a ``format`` are read as well: the first format has only added to them.

    Raises:
        FedsimError: there is none, it is damaged, or a later fedsim wrote it.
    """
    path = Path(folder) / _SUMMARY
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FedsimError(f"{folder}: is no folder of results: it has no {_SUMMARY}") from None
    except NotADirectoryError:
        raise FedsimError(f"{folder}: is a file: name the folder of results") from None
    except (OSError, ValueError) as error:
        raise FedsimError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not isinstance(words, dict):
        raise FedsimError(f"{path}: is not what fedsim writes: it must be a mapping")
    written = words.setdefault("format", 0)
    if not isinstance(written, int) or not 0 <= written <= FORMAT:
        by = words.get("versions", {}).get("fedsim", "an unknown fedsim")
        raise FedsimError(f"{path}: is in format {written!r} of {by}, and this fedsim reads formats up to {FORMAT}")
    kind = words.setdefault("kind", "comparison" if "scenarios" in words else "run")
    if kind not in get_args(Kind):
        raise FedsimError(f"{path}: holds a {kind!r}, and this fedsim knows {', '.join(get_args(Kind))}")
    return words


def _checked(words: Mapping[str, Any], place: Path) -> Summary:
    """What is null in ``final`` was not finite: JSON has no word for it."""
    final = {name: math.nan if value is None else value for name, value in words.get("final", {}).items()}
    try:
        return TypeAdapter(Summary).validate_python({**words, "final": final})
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"]))
        raise FedsimError(f"{place / _SUMMARY}: {at}: is not what fedsim writes: {first['msg']}") from None


def _table(place: Path, name: str) -> pd.DataFrame:
    path = place / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise FedsimError(f"{place}: is incomplete: it has no {path.name}") from None
    except (OSError, ValueError) as error:  # what pyarrow raises on damaged files is a ValueError
        raise FedsimError(f"{path}: cannot be read: {error}") from None
