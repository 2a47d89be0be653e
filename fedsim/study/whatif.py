"""Tries single changes of a scenario by running it with each of them, with the same luck."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from fedsim.errors import FedsimError
from fedsim.scenario import Scenario
from fedsim.study.changes.all import changes_named
from fedsim.study.changes.change import Change, DoesNotApplyError
from fedsim.study.gains import AS_IT_IS, By, WhatIf, checked_by
from fedsim.study.goal import Goal
from fedsim.study.pool import Job, run_all
from fedsim.study.result import Result
from fedsim.study.run import run, scenario_of
from fedsim.study.terms import check_seeds, with_seed

_EVALUATIONS: Final = 400


def whatif(
    scenario: Scenario | Mapping[str, Any] | str | Path,
    *,
    seeds: Sequence[int] | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    changes: Sequence[str | Change] | None = None,
    by: By = "time",
    workers: int = 1,
    tell: Callable[[Result | str], None] | None = None,
) -> WhatIf:
    """Run a scenario as it is, and with each change by itself, over the same seeds.

    Every run ends at the scenario's target, or else its bound on rounds, and at no plateau or energy; one that never
    gets there counts with the horizon, ``stop.time``. All are evaluated at the same instants, 400 of them.

    Args:
        scenario: a file, the mapping that a file would hold, or a checked scenario.
        seeds: whole numbers, each once; by default the scenario's own and the two after it.
        overrides: changes of single keys before any other, as ``fedsim.run`` takes them.
        changes: names of changes (``fedsim whatif --list``), or changes of one's own; by default all of the list.
        by: what they are ranked by, ``"time"``, ``"energy"`` or ``"bytes"``.
        workers: processes to run on; with more than one, guard a script by ``if __name__ == "__main__"``.
        tell: hears every result as it comes, in any order, or why a run with a change failed.

    Raises:
        ScenarioError: if the scenario cannot be used.
        FedsimError: if the scenario has no goal or horizon, a change is unknown, or the scenario as it is fails.
    """
    by = checked_by(by)
    base = scenario_of(scenario, overrides)
    chosen, horizon_s = _chosen(changes), _check(base)
    listed = tuple(seeds) if seeds is not None else tuple(range(base.seed, base.seed + 3))
    check_seeds(listed)
    tried, refused = _tried(chosen, [_altered(base, horizon_s, seed) for seed in listed])
    found = run_all(_jobs(tried), workers=workers, tell=tell)
    grouped = {name: found[rank * len(listed) : (rank + 1) * len(listed)] for rank, name in enumerate(tried)}
    failed = {name: one for name, own in grouped.items() for one in reversed(own) if isinstance(one, str)}
    return WhatIf(
        name=base.name,
        seeds=listed,
        goal=Goal.of(base, base.stop.metric, base.stop.target if base.learns else None),
        rounds=base.stop.rounds,
        horizon_s=horizon_s,
        by=by,
        changes=chosen,
        results={
            name: tuple(one for one in own if isinstance(one, Result))
            for name, own in grouped.items()
            if name not in failed
        },
        refused=refused | failed,
    )


def _chosen(changes: Sequence[str | Change] | None) -> tuple[Change, ...]:
    if changes is None:
        return changes_named(None)
    named = {change.name: change for change in changes_named([one for one in changes if isinstance(one, str)])}
    chosen = tuple(named[one] if isinstance(one, str) else one for one in changes)
    names = [change.name for change in chosen]
    if len(set(names)) < len(names) or AS_IT_IS in names:
        raise FedsimError(f"changes must have names of their own, got {', '.join(names)}")
    return chosen


def _check(scenario: Scenario) -> float:
    """How long runs are at most; there must be something to get to before that."""
    stop = scenario.stop
    if stop.time_s is None:
        raise FedsimError(f"{scenario.name!r} has no stop.time: what never gets there must count with something")
    if stop.rounds is None and (stop.target is None or not scenario.learns):
        raise FedsimError(f"{scenario.name!r} has nothing to get to: give it a stop.target, or stop.rounds")
    return stop.time_s


def _altered(scenario: Scenario, horizon_s: float, seed: int) -> Scenario:
    """As it is run: to the target if there is one and anything is learned, else to the end of its rounds.

    No other bound stops it: a plateau of other evaluations than these would be another one, and a run that its energy
    stopped would count with a horizon that it never saw.
    """
    goes_by_target = scenario.learns and scenario.stop.target is not None
    lifted = {"rounds" if goes_by_target else "target": None, "energy_j": None, "plateau": None}
    stop = scenario.stop.model_copy(update=lifted)
    evaluate = scenario.evaluate.model_copy(update={"every_rounds": None, "every_s": horizon_s / _EVALUATIONS})
    return with_seed(scenario.model_copy(update={"stop": stop, "evaluate": evaluate}), seed)


def _tried(changes: Sequence[Change], base: Sequence[Scenario]) -> tuple[dict[str, Sequence[Scenario]], dict[str, str]]:
    """The scenarios of every change, seed by seed, after those without any; and why other changes do not apply."""
    tried: dict[str, Sequence[Scenario]] = {AS_IT_IS: base}
    refused: dict[str, str] = {}
    for change in changes:
        try:
            tried[change.name] = [_changed(change, one) for one in base]
        except DoesNotApplyError as error:
            refused[change.name] = str(error)
    return tried, refused


def _changed(change: Change, scenario: Scenario) -> Scenario:
    if change.alters_rounds and scenario.stop.target is None:
        raise DoesNotApplyError("runs are over after so many rounds, and these would be others: give a stop.target")
    return change.changed(scenario)


def _jobs(tried: Mapping[str, Sequence[Scenario]]) -> list[Job[Result | str]]:
    return [
        Job(name=f"{name}, seed {one.seed}", work=partial(_attempt, one, may_fail=name != AS_IT_IS))
        for name, scenarios in tried.items()
        for one in scenarios
    ]


def _attempt(scenario: Scenario, *, may_fail: bool) -> Result | str:
    """The run's result, or why it cannot be run."""
    try:
        return run(scenario)
    except FedsimError as error:
        if not may_fail:
            raise
        return str(error)
