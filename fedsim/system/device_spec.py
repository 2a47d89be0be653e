"""What a device is: what it shares with others of its kind, and what is its own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

from fedsim.kernel import Simulation
from fedsim.system.access import Access
from fedsim.system.battery import Battery
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.chip import Chip
from fedsim.system.faults import Faults
from fedsim.system.handover import Handover
from fedsim.system.interruption import Interrupted
from fedsim.system.profiles import RadioProfile
from fedsim.system.takes_part import TakesPart

_ALWAYS: Final = TakesPart()


@dataclass(frozen=True, kw_only=True)
class DeviceKind:
    """What devices of one kind share, and what follows from it; ``link`` and ``radio`` are those of their own way.

    ``capacity_j`` None means that a device's battery began full.

    Raises:
        ValueError: an overhead that is not >= 0.
    """

    step_overhead_s: float
    train_w: float
    idle_w: float
    sleep_w: float
    link: str
    radio: RadioProfile
    paging_s: float
    chip: Chip = field(default_factory=Chip)
    capacity_j: float | None = None
    rules: BatteryRules = field(default_factory=BatteryRules)
    interrupted: Interrupted = "abort"
    faults: Faults | None = None

    def __post_init__(self) -> None:
        if not self.step_overhead_s >= 0:
            raise ValueError(f"step_overhead_s must be >= 0, got {self.step_overhead_s!r}")

    @cached_property
    def full_w(self) -> float:
        """What the processor draws that computes for the learner alone."""
        return self.chip.power_w(self.train_w, self.idle_w)

    @cached_property
    def most_w(self) -> float:
        """The most that the processor ever draws, in any state."""
        return max(self.full_w, self.idle_w, self.sleep_w)

    @cached_property
    def standby(self) -> tuple[str, float]:
        """What the processor draws that nobody works with: on what, and how much."""
        return "sleep", self.sleep_w

    @cached_property
    def radios(self) -> Mapping[str, RadioProfile]:
        """Of devices that do not roam: by technology, as all of them have it."""
        return {self.link: self.radio}

    @cached_property
    def peak_w(self) -> float:
        """The most that a device of one radio can ever draw: each part is in one state at a time."""
        return self.most_w + self.radio.peak_w

    @cached_property
    def may_rest(self) -> bool:
        """Whether it neither charges nor chooses when it takes part."""
        return self.rules.charging is None and self.rules.takes_part == _ALWAYS

    @cached_property
    def is_plain(self) -> bool:
        """Whether what a device does that does not roam follows from how it stands."""
        is_undisturbed = self.interrupted == "abort" and self.faults is None
        return is_undisturbed and self.may_rest and not self.rules.floor_share


class DeviceSpec(NamedTuple):
    """What one device is: the row of a fleet. ``charge_j`` is infinite where it hangs on the mains.

    As a tuple it is made in half the time that a frozen dataclass takes.
    """

    name: str
    group: str
    row: int
    kind: DeviceKind
    flops_per_s: float
    charge_j: float
    place: str
    access: Access
    handover: Handover | None = None

    @property
    def link(self) -> str:
        """The technology of its own way."""
        return self.kind.link

    @property
    def radio(self) -> RadioProfile:
        """The radio of its own way."""
        return self.kind.radio

    @property
    def paging_s(self) -> float:
        """How often that radio listens."""
        return self.kind.paging_s

    @property
    def peak_w(self) -> float:
        """The most that it can ever draw: its processor and its radios, each in one state at a time."""
        if self.handover is None:
            return self.kind.peak_w
        return self.kind.most_w + sum(radio.peak_w for radio in self.radios.values())

    @property
    def radios(self) -> Mapping[str, RadioProfile]:
        """By technology; of several ways by one technology those of the first."""
        if self.handover is None:
            return self.kind.radios
        return {**{way.link: way.radio for way in reversed(self.handover.others)}, **self.kind.radios}

    @property
    def is_settled(self) -> bool:
        """Whether it stays where it is, and its messages are over when it goes."""
        return self.kind.interrupted == "abort" and self.handover is None

    @property
    def is_plain(self) -> bool:
        """Whether what it does follows from how it stands."""
        return self.handover is None and self.kind.is_plain

    def battery(self, sim: Simulation) -> Battery | None:
        """Its battery, None on the mains."""
        charge_j, kind = self.charge_j, self.kind
        if math.isinf(charge_j):
            return None
        charging = kind.rules.charging
        return Battery(
            capacity_j=charge_j if kind.capacity_j is None else kind.capacity_j,
            charge_j=charge_j,
            charger=None if charging is None else charging.charger,
            times=None if charging is None else charging.plug.times(sim.rng("plug", self.name)),
            restart_share=kind.rules.restart_share,
        )
