"""One run: a scenario in, a result out."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from threadpoolctl import threadpool_limits

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation, rare_collections
from fedsim.scenario import METRICS, Scenario, check, load, resolved
from fedsim.scenario.build import World, build
from fedsim.scenario.metric import ALSO, also_for
from fedsim.study.blame import blaming
from fedsim.study.devices import at_work, device_table
from fedsim.study.evaluation import Evaluation
from fedsim.study.folder import write
from fedsim.study.goal import Goal
from fedsim.study.links import link_table
from fedsim.study.monitor import TIME_IS_UP, Bounds, Point, RunMonitor, Watched
from fedsim.study.plateau import Plateau
from fedsim.study.result import Attended, Result, Summary, Waste
from fedsim.study.slowest import slowest
from fedsim.study.staging import check_place
from fedsim.version import __version__

Tell = Callable[[Point], None]


def run(
    scenario: Scenario | Mapping[str, Any] | str | Path,
    *,
    seed: int | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    out: str | Path | None = None,
    tell: Tell | None = None,
    dry: bool = False,
) -> Result:
    """Simulate a scenario.

    Args:
        scenario: a file, the mapping that a file would hold, or a checked scenario.
        seed: in place of the scenario's own.
        overrides: changes of single keys, ``{"learner.step_size": 0.05}`` or ``["learner.step_size=0.05"]``.
        out: where to write the run's folder; it must not exist yet, or be empty. Nothing is written without it.
        tell: called with every evaluation, as it happens in simulated time.
        dry: a timing run: messages and computing take their time and energy, and nothing is learned.

    Raises:
        ScenarioError: if the scenario cannot be used: a line for each mistake.
        FedsimError: if the run cannot go on, or the folder cannot be written.
    """
    checked = scenario_of(scenario, overrides, seed)
    if out is not None:
        check_place(out)
    result = simulate(checked, tell=tell, dry=dry)
    if out is not None:
        write(result, out)
    return result


def simulate(scenario: Scenario, *, tell: Tell | None = None, dry: bool = False) -> Result:
    """Run a checked scenario with its seed; see ``run``."""
    with rare_collections():  # nor while its tables are made
        world, monitor = play(scenario, Simulation(seed=scenario.seed), tell, dry=dry)
        return _result(scenario, world, monitor)


def play(
    scenario: Scenario, sim: Simulation, tell: Tell | None = None, *, dry: bool = False
) -> tuple[World, RunMonitor]:
    """Run a checked scenario in a fresh simulation, to look at the world that it leaves behind."""
    # One thread for linear algebra: the matrices of many devices are small, and sums must not depend on how many
    # cores a machine has.
    # Numbers of a learner that diverges are a result, which the curve and the report tell, and no warning of ours.
    with threadpool_limits(limits=1), np.errstate(over="ignore", invalid="ignore"), blaming(scenario.origin):
        world = build(scenario, sim, dry=dry)
        monitor = _monitor(scenario, world, tell)
        sim.run(_until_done(scenario, world, monitor))
    return world, monitor


def scenario_of(
    scenario: Scenario | Mapping[str, Any] | str | Path,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    seed: int | None = None,
) -> Scenario:
    """The scenario in a file or a mapping, or a checked one, with some keys changed; see ``run``.

    Raises:
        ScenarioError: if it cannot be used: a line for each mistake.
    """
    if isinstance(scenario, Scenario):
        if not overrides and seed is None:
            return scenario
        return check(yaml.safe_load(resolved(scenario)), overrides, seed=seed)
    if isinstance(scenario, Mapping):
        return check(scenario, overrides, seed=seed)
    return load(scenario, overrides, seed=seed)


def _monitor(scenario: Scenario, world: World, tell: Tell | None) -> RunMonitor:
    stop = scenario.stop
    if not world.learns and (stop.time_s, stop.rounds, stop.energy_j) == (None, None, None):
        raise FedsimError("stop: a timing run makes no progress and ends at no plateau: give time, rounds or energy")
    also = frozenset(scenario.evaluate.also) | also_for(scenario.stop.metric)
    watched = Watched(
        clock=lambda: world.sim.now,
        evaluation=Evaluation(training=world.training, unseen=world.unseen, also=also),
        spent=world.spent,
        record=world.sim.record,
        tell=tell or (lambda _: None),
    )
    return RunMonitor(watched, bounds_of(scenario), every_rounds=scenario.evaluate.every_rounds)


def bounds_of(scenario: Scenario) -> Bounds:
    """When a run of this scenario ends."""
    stop = scenario.stop
    return Bounds(
        goal=Goal.of(scenario, stop.metric, stop.target),
        time_s=stop.time_s,
        rounds=stop.rounds,
        energy_j=stop.energy_j,
        plateau=Plateau(**dict(stop.plateau)) if stop.plateau else None,
    )


async def _until_done(scenario: Scenario, world: World, monitor: RunMonitor) -> None:
    """Run the protocol until it ends, the monitor has enough, or the time is up."""
    monitor.evaluate()
    work = asyncio.create_task(world.protocol.run(world.session(monitor)), name="protocol")
    watches: list[asyncio.Task[Any]] = [asyncio.create_task(monitor.done.wait(), name="until done")]
    if scenario.evaluate.every_s is not None:
        ticks = _evaluate_every(scenario.evaluate.every_s, monitor)
        watches.append(asyncio.create_task(ticks, name="evaluation"))
    await asyncio.wait([work, *watches], timeout=scenario.stop.time_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (work, *watches):
        task.cancel()
    for outcome in await asyncio.gather(work, *watches, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise _innermost(outcome)
    monitor.stop(TIME_IS_UP)
    monitor.evaluate()


def _innermost(error: Exception) -> Exception:
    """The one failure inside groups of one: who asked for a run has never heard of its tasks."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


async def _evaluate_every(every_s: float, monitor: RunMonitor) -> None:
    while True:
        await asyncio.sleep(every_s)
        monitor.evaluate()


def _result(scenario: Scenario, world: World, monitor: RunMonitor) -> Result:
    curve = pd.DataFrame([point.row() for point in monitor.points])
    events = world.sim.events.frame()
    devices = device_table(world.devices)
    return Result(
        scenario=scenario,
        seed=world.sim.seed,
        curve=curve,
        events=events,
        devices=devices,
        links=link_table(world.network, world.sim.now),
        summary=_summary(scenario, world, monitor, (curve, events, devices)),
    )


def _summary(
    scenario: Scenario, world: World, monitor: RunMonitor, tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
) -> Summary:
    curve, events, devices = tables
    waste, groups = world.waste, _groups(scenario, devices)
    goal = Goal.of(scenario, scenario.stop.metric, scenario.stop.target)
    reached_s = goal.time_s(curve) if world.learns else None
    return Summary(
        name=scenario.name,
        seed=world.sim.seed,
        version=__version__,
        stopped_because=monitor.stopped_because,
        simulated_s=world.sim.now,
        rounds=monitor.round,
        metric=goal.metric,
        target=goal.target,
        falls=goal.falls,
        time_to_target_s=reached_s,
        final=_final(scenario, monitor.points[-1]) if world.learns else {},
        spent=world.spent(),
        server=world.served(),
        waste={cause: Waste(pieces=waste.pieces[cause], usage=waste.usage[cause]) for cause in sorted(waste.usage)},
        slowest=slowest(events, devices, reached_s),
        devices=len(world.devices),
        devices_at_work=sum(group.at_work for group in groups.values()),
        learned=world.learns,
        regression=world.training.problem.model.classes == 0,
        devices_spent=world.devices.empty(),
        groups=groups,
    )


def _final(scenario: Scenario, last: Point) -> dict[str, float]:
    """The test accuracies at the end, what else was asked for, and the metric."""
    row, metric = last.row(), scenario.stop.metric
    asked = [name for word, names in ALSO.items() if word in scenario.evaluate.also for name in names]
    return {name: row[name] for name in dict.fromkeys((*METRICS, *asked, metric))}


def _groups(scenario: Scenario, devices: pd.DataFrame) -> dict[str, Attended]:
    busy = at_work(devices)
    return {group.name: Attended(devices=group.count, at_work=busy[group.name]) for group in scenario.fleet}
