"""A fleet: groups of devices with laws, drawn once into arrays; one device is a row."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from fedsim.system.battery_rules import BatteryRules
from fedsim.system.chip import Chip
from fedsim.system.course import STEADY, Course, OwnRates
from fedsim.system.device import DeviceSpec
from fedsim.system.faults import Faults
from fedsim.system.handover import Fate, Handover, Moves, Way
from fedsim.system.interruption import Interrupted
from fedsim.system.law import Law
from fedsim.system.network import Access
from fedsim.system.presence import Availability, Crashes
from fedsim.system.profiles import RadioProfile

Array = npt.NDArray[np.float64]
Streams = Callable[..., np.random.Generator]


@dataclass(frozen=True, kw_only=True)
class OtherWay:
    """A way into the network that a group's devices take at times: laws and places as those of the group."""

    link: str
    places: Sequence[str]
    radio: RadioProfile
    half_duplex: bool
    paging_s: float
    up_bps: Law
    down_bps: Law
    rtt_s: Law
    loss: float = 0.0
    course: Course = STEADY


@dataclass(frozen=True, kw_only=True)
class Roams:
    """How a group's devices change between their own link and others; see ``Handover``."""

    others: Sequence[OtherWay]
    moves: Moves
    then: Fate = "continue"


@dataclass(frozen=True, kw_only=True)
class DeviceGroup:
    """Devices of one kind: what they share, and the laws from which each draws its own.

    ``battery_j`` is the capacity, None on the mains; ``charge`` the law of the share of it at the start. ``loss`` is
    that of packets on the link, and ``course`` how its rates go over time.
    """

    name: str
    count: int
    link: str
    places: Sequence[str]
    radio: RadioProfile
    half_duplex: bool
    paging_s: float
    step_overhead_s: float
    train_w: float
    idle_w: float
    sleep_w: float
    battery_j: float | None
    flops_per_s: Law
    charge: Law
    up_bps: Law
    down_bps: Law
    rtt_s: Law
    availability: Availability | None
    crashes: Crashes | None
    loss: float = 0.0
    course: Course = STEADY
    roams: Roams | None = None
    chip: Chip = field(default_factory=Chip)
    rules: BatteryRules = field(default_factory=BatteryRules)
    interrupted: Interrupted = "abort"
    faults: Faults | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or not self.places:
            raise ValueError(f"group {self.name!r} needs devices and places, got {self.count}, {self.places!r}")


class Fleet:
    """All devices, group after group, each attribute one array.

    Every group draws each attribute from a stream of its own, in order: one device more at the end of a group, or
    one group more, leaves what the others drew as it was.

    Raises:
        ValueError: no group, or two of one name.
    """

    def __init__(self, groups: Sequence[DeviceGroup], streams: Streams) -> None:
        names = [group.name for group in groups]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a fleet needs groups, each with a name of its own, got {names!r}")

        def drawn(attribute: str, law: Callable[[DeviceGroup], Law]) -> Array:
            parts = [law(group).draws(streams("fleet", group.name, attribute), group.count) for group in groups]
            return np.concatenate(parts)

        self.groups = tuple(groups)
        self._streams = streams
        self._others = [_others(group, streams) for group in groups]
        counts = [group.count for group in groups]
        self.group = np.repeat(np.arange(len(groups)), counts)
        self.rank = np.concatenate([np.arange(count) for count in counts])
        self.flops_per_s = drawn("flops_per_s", lambda group: group.flops_per_s)
        self.charge = np.clip(drawn("charge", lambda group: group.charge), 0.0, 1.0)
        self.up_bps = drawn("up_bps", lambda group: group.up_bps)
        self.down_bps = drawn("down_bps", lambda group: group.down_bps)
        self.rtt_s = drawn("rtt_s", lambda group: group.rtt_s)

    def __len__(self) -> int:
        return len(self.group)

    def name(self, index: int) -> str:
        """DeviceGroup and number in it, such as ``low-3g-07``; a larger group renames nobody."""
        group, rank = self.groups[self.group[index]], int(self.rank[index])
        return f"{group.name}-{rank:02d}"

    def spec(self, index: int) -> DeviceSpec:
        """One row as a value."""
        group, rank = self.groups[self.group[index]], int(self.rank[index])
        charge_j = math.inf if group.battery_j is None else group.battery_j * float(self.charge[index])
        return DeviceSpec(
            name=self.name(index),
            group=group.name,
            index=index,
            flops_per_s=float(self.flops_per_s[index]),
            step_overhead_s=group.step_overhead_s,
            train_w=group.train_w,
            idle_w=group.idle_w,
            sleep_w=group.sleep_w,
            chip=group.chip,
            capacity_j=group.battery_j,
            rules=group.rules,
            charge_j=charge_j,
            link=group.link,
            place=group.places[rank % len(group.places)],
            access=_access(
                group,
                (float(self.up_bps[index]), float(self.down_bps[index])),
                float(self.rtt_s[index]),
                rank=rank,
                luck=partial(self._streams, "rate", self.name(index)),
            ),
            radio=group.radio,
            paging_s=group.paging_s,
            availability=group.availability,
            crashes=group.crashes,
            handover=self._handover(index),
            interrupted=group.interrupted,
            faults=group.faults,
        )

    def _handover(self, index: int) -> Handover | None:
        number, rank = int(self.group[index]), int(self.rank[index])
        roams = self.groups[number].roams
        if roams is None:
            return None
        ways = tuple(
            Way(
                link=way.link,
                place=way.places[rank % len(way.places)],
                access=_access(
                    way,
                    (float(drawn["up_bps"][rank]), float(drawn["down_bps"][rank])),
                    float(drawn["rtt_s"][rank]),
                    rank=rank,
                    luck=partial(self._streams, "rate", self.name(index), *_technology(way, self.groups[number])),
                ),
                radio=way.radio,
                paging_s=way.paging_s,
            )
            for way, drawn in zip(roams.others, self._others[number], strict=True)
        )
        return Handover(others=ways, moves=roams.moves, then=roams.then)


_Drawn = Mapping[str, Array]


def _technology(way: OtherWay, group: DeviceGroup) -> tuple[str, ...]:
    """What tells the luck on this way from that on the group's own link."""
    return () if way.link == group.link else (way.link,)


def _others(group: DeviceGroup, streams: Streams) -> list[_Drawn]:
    """What the devices of a group draw for each of their other ways.

    By technology, not by way: a device has the same luck with 4G in one cell as in the next.
    """
    drawn: list[_Drawn] = []
    for way in group.roams.others if group.roams else ():
        about = ("fleet", group.name, *_technology(way, group))
        laws = {"up_bps": way.up_bps, "down_bps": way.down_bps, "rtt_s": way.rtt_s}
        drawn.append({name: law.draws(streams(*about, name), group.count) for name, law in laws.items()})
    return drawn


def _access(
    way: DeviceGroup | OtherWay, rates: tuple[float, float], rtt_s: float, *, rank: int, luck: Streams
) -> Access:
    """A device's link; rates: its means up and down."""
    up_bps, down_bps = rates
    up, down = way.course.of(OwnRates(rank=rank, up_bps=up_bps, down_bps=down_bps, luck=luck))
    return Access(
        up_bps=up_bps,
        down_bps=down_bps,
        delay_s=rtt_s / 2,
        half_duplex=way.half_duplex,
        up=up,
        down=down,
        loss=way.loss,
    )
