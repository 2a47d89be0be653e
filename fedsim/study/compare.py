"""Runs several scenarios with the same luck, for the same time."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from fedsim.errors import FedsimError
from fedsim.scenario import Scenario
from fedsim.study.comparison import Comparison
from fedsim.study.pool import Job, run_all
from fedsim.study.result import Result
from fedsim.study.run import run, scenario_of
from fedsim.study.terms import check_metric, check_seeds, goal_of, on_equal_terms, smallest_horizon_s


def compare(
    scenarios: Sequence[Scenario | str | Path],
    seeds: Sequence[int],
    *,
    metric: str = "mean_accuracy",
    target: float | None = None,
    workers: int = 1,
    tell: Callable[[Result], None] | None = None,
) -> Comparison:
    """Run every scenario with every seed.

    The same seeds for all: two scenarios share all the luck that they have in common, and differences are paired.
    To compare quality at equal time every run goes on, past its target and its other bounds, to the same
    horizon: the smallest ``stop.time`` among the scenarios. All are evaluated at the same instants, 200 of them: on
    curves that go up and down, who is looked at more often would reach a target earlier. The time to the target is
    read from the curves.

    Args:
        scenarios: scenarios or their files; the others are compared with the first.
        seeds: whole numbers, each once.
        metric: ``mean_accuracy``, ``worst_tenth`` or ``bottom_decile`` (each device on its own test data),
            ``accuracy`` (all test examples together), or what else all of them evaluate, such as ``objective``.
        target: of the metric; by default the first scenario's ``stop.target``, if that is of a metric of the same
            kind, a share or one and the same measure of the learner. There is none where no scenario
            learns: timing runs are compared by what they took.
        workers: processes to run on; with more than one, guard a script by ``if __name__ == "__main__"``.
        tell: hears every result as it comes, in any order.

    Raises:
        FedsimError: if the scenarios cannot be compared, or a run fails: the message names scenario and seed.
    """
    loaded = [scenario_of(scenario) for scenario in scenarios]
    _check(loaded, seeds, metric)
    goal, horizon_s = goal_of(loaded, metric, target), smallest_horizon_s(loaded)
    labels = _labels([scenario.name for scenario in loaded])
    jobs = [
        Job(name=f"{label}, seed {seed}", work=partial(run, on_equal_terms(scenario, metric, horizon_s, seed)))
        for label, scenario in zip(labels, loaded, strict=True)
        for seed in seeds
    ]
    results = run_all(jobs, workers=workers, tell=tell)
    grouped = {label: tuple(results[i * len(seeds) : (i + 1) * len(seeds)]) for i, label in enumerate(labels)}
    return Comparison(seeds=tuple(seeds), goal=goal, horizon_s=horizon_s, results=grouped)


def _check(scenarios: Sequence[Scenario], seeds: Sequence[int], metric: str) -> None:
    if not scenarios:
        raise FedsimError("compare needs at least one scenario")
    check_seeds(seeds)
    check_metric(scenarios, metric)


def _labels(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that an earlier scenario has, too."""
    labels: list[str] = []
    for name in names:
        tries = (name if i == 1 else f"{name}-{i}" for i in range(1, len(names) + 1))
        labels.append(next(label for label in tries if label not in labels))
    return labels
