"""Larger and smaller cohorts, and rounds without a deadline."""

import math
from dataclasses import dataclass

from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, Words, scenario_of, words_of

_SIZES = ("cohort", "concurrency")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cohort:
    """So many times as many devices in a round, or at work at once; of hierarchical rounds, in each edge's."""

    name: str
    factor: float
    text: str

    @property
    def alters_rounds(self) -> bool:
        """Yes."""
        return True

    def changed(self, scenario: Scenario) -> Scenario:
        """Not beyond the devices that there are, nor below one."""
        words = words_of(scenario)
        protocol = words["protocol"]
        key = next((size for size in _SIZES if size in protocol), None)
        if key is None:
            raise DoesNotApplyError("there are no cohorts: all peers take part")
        size = protocol[key] * self.factor
        if size > scenario.devices:
            raise DoesNotApplyError(f"a {key} of {size:g} is more than the {scenario.devices} devices that there are")
        protocol[key] = math.floor(size)
        if not protocol[key]:
            raise DoesNotApplyError(f"a {key} of 1 has no half")
        if "quorum" in protocol:
            protocol["quorum"] = min(protocol["quorum"], protocol[key])
        return scenario_of(words)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoDeadline:
    """Rounds wait for all who have not failed, which is noticed at once, without a deadline or a timeout."""

    name: str = "no-deadline"
    text: str = "rounds wait for everybody who has not failed"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where there is none."""
        words = words_of(scenario)
        if not _lift(words["protocol"]):
            raise DoesNotApplyError("there is no deadline")
        return scenario_of(words)


def _lift(protocol: Words) -> bool:
    """Take the bounds on waiting for devices off; whether there were any."""
    found = [key for key in ("deadline", "grace", "timeout", "cloud_deadline") if protocol.get(key) is not None]
    for key in found:
        protocol[key] = None
    return bool(found)
