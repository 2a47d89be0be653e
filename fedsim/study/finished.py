"""Comparisons of runs that are finished, without running anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fedsim.errors import FedsimError
from fedsim.study.comparison import Comparison
from fedsim.study.goal import Goal
from fedsim.study.outcome import is_whole
from fedsim.study.reading import kind_of, read_comparison, read_result
from fedsim.study.result import Result
from fedsim.study.seeds_folder import read_seeds
from fedsim.study.terms import check_metric, goal_of


def compare_folders(
    folders: Sequence[str | Path], *, metric: str | None = None, target: float | None = None
) -> Comparison:
    """Compare folders of results: single runs, runs of many seeds, or one comparison, which is looked at anew.

    By default the metric is that of the first folder's runs, and the target as well; see ``compare_results``.

    Raises:
        FedsimError: a folder cannot be read, or its runs cannot be compared with the others'.
    """
    kinds = [kind_of(folder) for folder in folders]
    if kinds == ["comparison"]:
        return with_goal(read_comparison(folders[0]), metric, target)
    runs = [_runs_in(folder, kind) for folder, kind in zip(folders, kinds, strict=True)]
    return compare_results(dict(zip(_labels(folders, runs), runs, strict=True)), metric=metric, target=target)


def compare_results(
    results: Mapping[str, Sequence[Result]], *, metric: str | None = None, target: float | None = None
) -> Comparison:
    """Compare runs that are finished: of each scenario one for each seed, in any order.

    All must have the same seeds and the same ``stop.time``. A run that was stopped before that must have reached the
    target: of any other nobody knows when it would have. What such runs came to in the end is not compared.

    Args:
        results: runs by what they are to be called; the others are compared with the first.
        metric: by default that of the first run.
        target: by default that of the first run, where it is one of this metric.

    Raises:
        FedsimError: they cannot be compared; a line for each reason.
    """
    _check_seeds(results)
    runs = {name: tuple(sorted(own, key=lambda result: result.seed)) for name, own in results.items()}
    every = [result for own in runs.values() for result in own]
    goal = _goal(every, every[0].summary.metric if metric is None else metric, target)
    horizon_s = _horizon_s(runs)
    _check_ends(runs, goal, horizon_s)
    seeds = tuple(result.seed for result in next(iter(runs.values())))
    return Comparison(seeds=seeds, goal=goal, horizon_s=horizon_s, results=runs, notes=tuple(_notes(runs)))


def with_goal(comparison: Comparison, metric: str | None, target: float | None) -> Comparison:
    """The same runs, judged by another metric or target where one is given.

    Raises:
        FedsimError: not all of its scenarios have the metric, or the target is none of it.
    """
    if metric is None and target is None:
        return comparison
    every = [result for own in comparison.results.values() for result in own]
    same = metric in {None, comparison.metric}
    wanted = comparison.target if target is None and same else target
    return replace(comparison, goal=_goal(every, metric or comparison.metric, wanted))


def _goal(results: Sequence[Result], metric: str, target: float | None) -> Goal:
    scenarios = [result.scenario for result in results]
    check_metric(scenarios, metric)
    if target is None and not any(result.summary.learned for result in results):
        return Goal.of(scenarios[0], metric, None)
    goal = goal_of(scenarios, metric, target)
    lacking = [result.summary.name for result in results if metric not in result.curve]
    if lacking:
        raise FedsimError(f"{lacking[0]} did not evaluate {metric}")
    return goal


def _check_seeds(results: Mapping[str, Sequence[Result]]) -> None:
    if not results:
        raise FedsimError("nothing to compare: there are no results")
    seeds = {name: sorted(result.seed for result in own) for name, own in results.items()}
    first = next(iter(seeds))
    for name, its in seeds.items():
        if not its or len(set(its)) < len(its):
            raise FedsimError(f"{name}: seeds must be different, and at least one, got {its!r}")
        if its != seeds[first]:
            raise FedsimError(
                f"runs are compared seed by seed: {first} has seeds {_listed(seeds[first])}, {name} has {_listed(its)}"
            )


def _horizon_s(runs: Mapping[str, Sequence[Result]]) -> float:
    """The bound on simulated time that all have in common."""
    bounds = {name: {result.scenario.stop.time_s for result in own} for name, own in runs.items()}
    every = set().union(*bounds.values())
    horizon_s = next(iter(every))
    if len(every) > 1 or horizon_s is None:
        told = "; ".join(f"{name} has {_listed(sorted(own, key=str))}" for name, own in bounds.items())
        raise FedsimError(f"runs are compared up to the same stop.time, in seconds: {told}")
    return horizon_s


def _check_ends(runs: Mapping[str, Sequence[Result]], goal: Goal, horizon_s: float) -> None:
    early = [
        f"{name}, seed {result.seed}: was stopped after {result.summary.simulated_s:.6g} s of {horizon_s:.6g} s "
        f"({result.summary.stopped_because}) without reaching {goal.metric} of {goal.target}"
        for name, own in runs.items()
        for result in own
        if not is_whole(result, horizon_s) and not goal.reached(result.curve).any()
    ]
    if early:
        raise FedsimError("\n".join([*early, "let these runs go on, or compare the scenario files"]))


def _notes(runs: Mapping[str, Sequence[Result]]) -> Iterable[str]:
    first, *others = ([tuple(result.curve["time_s"]) for result in own] for own in runs.values())
    if any(not _same_instants(one, its) for other in others for one, its in zip(first, other, strict=True)):
        yield "evaluated at different times: who is looked at more often may reach a target earlier"
    versions = sorted({result.summary.version for own in runs.values() for result in own})
    if len(versions) > 1:
        yield f"computed by fedsim {', '.join(versions)}"


def _same_instants(one: Sequence[float], other: Sequence[float]) -> bool:
    """As long as both go on."""
    together = min(len(one), len(other))
    return one[:together] == other[:together]


def _runs_in(folder: str | Path, kind: str) -> tuple[Result, ...]:
    if kind == "run":
        return (read_result(folder),)
    if kind != "seeds":
        alone = " with others: it is compared alone" if kind == "comparison" else ""
        raise FedsimError(f"{folder}: holds a {kind}, which cannot be compared{alone}")
    return read_seeds(folder).results


def _labels(folders: Sequence[str | Path], runs: Sequence[Sequence[Result]]) -> list[str]:
    """The names of the scenarios, or else of the folders, or else where these are: the first that are all different."""
    names = [own[0].summary.name if own else "" for own in runs]
    ways = (names, [Path(folder).resolve().name for folder in folders], [str(folder) for folder in folders])
    found = next((way for way in ways if len(set(way)) == len(way)), None)
    if found is None:
        raise FedsimError(f"a folder is named twice: {_listed(map(str, folders))}")
    return found


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
