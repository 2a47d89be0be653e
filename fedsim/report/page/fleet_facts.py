"""What each device was like at the start of a run: drawn again from the scenario and the seed, as the run drew it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation
from fedsim.report.data_summary import class_counts
from fedsim.scenario import Scenario
from fedsim.scenario.build import comings_and_goings
from fedsim.scenario.learning import make_problem
from fedsim.system.fleet import Fleet
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Outline, Problem

MOST_DEVICES: Final = 100_000
"""A larger fleet is not drawn again for a report."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FleetFacts:
    """A fleet as a run found it.

    ``devices`` has a row for each: ``device``, ``group``, ``link``, ``charge`` (a share, NaN on the mains) and, if
    the data are here, ``examples``; ``labels`` is how many examples of each class each has, (m, c), None where there
    are no classes.
    """

    devices: pd.DataFrame
    labels: Array | None


def fleet_facts(scenario: Scenario) -> FleetFacts | None:
    """Of the devices of a scenario with its own seed; None for a fleet that is too large, or cannot be had here."""
    if scenario.devices > MOST_DEVICES:
        return None
    try:
        fleet, _ = comings_and_goings(scenario, Simulation(seed=scenario.seed))
    except FedsimError:  # of another machine: its traces are not here
        return None
    ways = [kind.way.link for kind in fleet.kinds]
    groups = [fleet.groups[number].name for number in fleet.group_of(np.arange(len(fleet))).tolist()]
    table = pd.DataFrame({
        "device": [fleet.name(index) for index in range(len(fleet))],
        "group": groups,
        "link": [ways[kind] for kind in fleet.kind.tolist()],
        "charge": np.where(np.isfinite(fleet.capacity_j()), fleet.charge, np.nan),
    })  # fmt: skip
    problem = _problem(scenario, fleet)
    if problem is None:
        return FleetFacts(devices=table, labels=None)
    table["examples"] = problem.sizes
    labelled = bool(problem.model.classes) and not isinstance(problem, Outline)
    labels = class_counts(problem.train, problem.model.classes) if labelled else None
    return FleetFacts(devices=table, labels=labels)


def _problem(scenario: Scenario, fleet: Fleet) -> Problem | None:
    try:
        return make_problem(scenario, Simulation(seed=scenario.seed), lambda: fleet)
    except FedsimError:  # the data are not on this machine
        return None
