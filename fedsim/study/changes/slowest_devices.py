"""The slowest devices never take part."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.kernel import Simulation
from fedsim.learners.training import CentralTraining
from fedsim.scenario import Scenario
from fedsim.scenario.build import build, comings_and_goings
from fedsim.study.changes.change import DoesNotApplyError, scenario_of, words_of
from fedsim.system.process import Array

_FOR_EVER = "1e12 s"


@dataclass(frozen=True, kw_only=True, slots=True)
class WithoutSlowest:
    """A share of the devices, those whose own part of a round takes longest, are down from the start on.

    A device's part is rehearsed from what it has drawn, with this seed: its message down and up at its own mean rates,
    one round trip, and its computing at its own speed. Data stay where they are: those of these devices are not learned
    from, and count in the quality as those of all others do.
    """

    share: float = 0.1
    name: str = "drop-slowest"
    text: str = "the slowest 10 % of the devices never take part"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not of so few that there is no tenth of them, nor where a learner needs everybody."""
        count = int(self.share * scenario.devices)
        if not count:
            raise DoesNotApplyError(f"{self.share:.0%} of {scenario.devices} devices is none")
        if getattr(scenario.learner.make(), "needs_everybody", False):
            raise DoesNotApplyError(f"{scenario.learner.name!r} needs an answer from every device")
        names, seconds = rehearsed_s(scenario)
        order = np.argsort(-seconds, kind="stable")[:count]
        words = words_of(scenario)
        down = {"devices": sorted(names[index] for index in order), "schedule": [{"from": "0 s", "for": _FOR_EVER}]}
        words["outages"] = [*words["outages"], down]
        return scenario_of(words)


def rehearsed_s(scenario: Scenario) -> tuple[list[str], Array]:
    """The names of all devices, and how long each one's part of a round takes if it is alone: (n,)."""
    fleet, _ = comings_and_goings(scenario, Simulation(seed=scenario.seed))
    training = build(scenario, Simulation(seed=scenario.seed), dry=True).training
    down_bytes, up_bytes = _sizes(training)
    costs = [training.costs[index] for index in range(len(fleet))]
    flops = np.array([cost.flops(cost.steps) for cost in costs])
    dispatches = np.array([cost.dispatches(cost.steps) for cost in costs])
    computing_s = flops / fleet.flops_per_s + dispatches * fleet.by_kind("step_overhead_s")
    messages_s = 8 * (down_bytes / fleet.down_bps + up_bytes / fleet.up_bps) + fleet.rtt_s
    return [fleet.name(index) for index in range(len(fleet))], computing_s + messages_s


def _sizes(training: Any) -> tuple[float, float]:
    if isinstance(training, CentralTraining):
        learner, problem = training.learner, training.problem
        return learner.down_bytes(problem), learner.up_bytes(problem)
    return (training.message_bytes(1),) * 2
