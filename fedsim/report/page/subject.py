"""What a folder of results is about, whatever kind it is of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from fedsim.errors import FedsimError
from fedsim.study.comparison import Comparison
from fedsim.study.goal import Goal
from fedsim.study.reading import Kind, kind_of, read_comparison, read_result, read_summary
from fedsim.study.result import Result
from fedsim.study.study import Study, read_study

MOST_CURVES: Final = 7
"""Points of a study whose curves are drawn: as many as there are colours."""
MOST_SHOWN: Final = 3
"""Points of a study that are looked into: its first one, and the fastest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """The runs of a folder, side by side, and what else its ``summary.json`` says.

    One run, or the runs of one scenario, are a comparison of one. ``comparison`` has the curves, ``detail`` the runs
    with everything that is known of them: all of them, or some points of a ``study``.
    """

    kind: Kind
    comparison: Comparison
    detail: Comparison
    words: Mapping[str, Any]
    study: Study | None = None

    @property
    def first(self) -> Result:
        """The first run of the first scenario."""
        return self.comparison.results[self.comparison.names[0]][0]

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
    if kind == "sweep":
        return _of_study(read_study(folder), words)
    if kind == "comparison":
        comparison = read_comparison(folder)
    elif kind == "run":
        comparison = _of_one([read_result(folder)])
    elif kind == "seeds":
        comparison = _of_one(_of_seeds(Path(folder), words))
    else:
        return _of_changes(Path(folder), words)
    return Subject(kind=kind, comparison=comparison, detail=comparison, words=words)


def _of_seeds(folder: Path, words: Mapping[str, Any]) -> list[Result]:
    """The runs of one scenario, a seed each."""
    try:
        names = [f"{words['name']}-seed-{int(seed)}" for seed in words["seeds"]]
    except (KeyError, TypeError, ValueError) as error:
        raise _strange(folder, error) from None
    if not names:
        raise FedsimError(f"{folder}: is incomplete: it has no runs")
    return [read_result(folder / "runs" / name) for name in names]


def _strange(folder: Path, error: Exception) -> FedsimError:
    return FedsimError(f"{folder / 'summary.json'}: is not what fedsim writes: {error!r}")


def _of_one(results: list[Result]) -> Comparison:
    """The runs of one scenario as a comparison of one; timing runs have nothing to reach."""
    summary = results[0].summary
    return Comparison(
        seeds=tuple(result.seed for result in results),
        goal=summary.goal if summary.learned else replace(summary.goal, target=None),
        horizon_s=max(result.summary.simulated_s for result in results),
        results={summary.name: tuple(results)},
    )


def _of_study(study: Study, words: Mapping[str, Any]) -> Subject:
    """The curves of the points that can be told apart, and all that is known of a few of them."""
    if not any(study.seeds_of(label) for label in study.labels):
        raise FedsimError(f"{study.folder}: no run has finished: fedsim sweep goes on with it")
    curves, few = study.curves(MOST_CURVES), study.curves(MOST_SHOWN)
    whole = {name: tuple(study.result(name, seed) for seed in few.seeds) for name in few.names}
    detail = Comparison(seeds=few.seeds, goal=few.goal, horizon_s=few.horizon_s, results=whole)
    return Subject(kind="sweep", comparison=curves, detail=detail, words=words, study=study)


def _of_changes(folder: Path, words: Mapping[str, Any]) -> Subject:
    """A scenario as it is and with each change, by the names of these; most gain first."""
    try:
        names = [str(row["change"]) for row in words["table"]]
        seeds = tuple(int(seed) for seed in words["seeds"])
        goal = Goal(metric=str(words["metric"]), target=words["target"], falls=bool(words["falls"]))
        str(words["by"])
    except (KeyError, TypeError, ValueError) as error:
        raise _strange(folder, error) from None
    shown = names[:MOST_CURVES]
    results = {name: tuple(read_result(folder / "runs" / f"{name}-seed-{seed}") for seed in seeds) for name in shown}
    longest_s = max(run.summary.simulated_s for runs in results.values() for run in runs)
    whole = Comparison(seeds=seeds, goal=goal, horizon_s=longest_s, results=results)
    few = replace(whole, results={name: results[name] for name in shown[:MOST_SHOWN]})
    return Subject(kind="whatif", comparison=whole, detail=few, words=words)
