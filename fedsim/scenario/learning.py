"""From the words about data and model to the learning problem of all devices."""

from collections.abc import Callable

import numpy as np

from fedsim.errors import FedsimError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario.data import Counts
from fedsim.scenario.fleets import make_fleet
from fedsim.scenario.schema import Scenario
from fedsim.system.fleet import Fleet
from fedsim.system.profiles import load_profiles
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.device_data import DeviceData
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Outline, Problem


def learning_problem(scenario: Scenario, sim: Simulation) -> Problem:
    """What the devices of a scenario have to learn, without anything else.

    Raises:
        ScenarioError: if the data cannot be had, do not go around, or do not suit the model.
    """
    return make_problem(scenario, sim, lambda: make_fleet(scenario, load_profiles(), sim, ()))


def make_problem(scenario: Scenario, sim: Simulation, fleet: Callable[[], Fleet]) -> Problem:
    """The data of all devices with the model to train; ``fleet`` is asked only where it says how many examples."""
    source = scenario.data.value
    try:
        if isinstance(source, Counts):
            counts = _counts(source, fleet())
        else:
            data: DeviceData = source.deal(scenario.data.name, scenario.devices, sim.rng)
    except FedsimError as error:
        raise ScenarioError(f"{scenario.origin}: data: {error}") from None
    if isinstance(source, Counts):
        model = _model(scenario, source.features, source.classes)
        return Outline(model=model, examples=counts, name=scenario.data.name)
    return data.problem(_model(scenario, data.train.features, data.classes))


def _model(scenario: Scenario, features: int, classes: int) -> Model:
    """The model for data of this shape; ``classes`` is 0 where they have targets.

    Raises:
        ScenarioError: if the model is not for such data.
    """
    part = scenario.model
    known = {"features": features, "classes": classes}
    tells_apart = "classes" in part.kind.provided
    if tells_apart != bool(classes):
        has = f"{classes} classes" if classes else "targets and no classes"
        takes = "tells classes apart" if tells_apart else "is a regression"
        raise ScenarioError(f"{scenario.origin}: model: {part.name} {takes}, and {scenario.data.name} has {has}")
    try:
        model: Model = part.make(**{name: known[name] for name in part.kind.provided})
    except FedsimError as error:
        raise ScenarioError(f"{scenario.origin}: model: {error}") from None
    return model


def _counts(share: Counts, fleet: Fleet) -> IntArray:
    """Examples of each device, from luck of its own: (m,)."""
    q = [
        fleet.luck(number)("examples").uniforms(fleet.things[fleet.rows(number)], 0)
        for number in range(len(fleet.groups))
    ]
    return np.maximum(np.rint(share.examples.isf(np.concatenate(q))), 1).astype(np.int64)
