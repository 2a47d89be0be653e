"""A fleet: groups of devices with laws, drawn once into arrays; one device is a row."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fedsim.kernel import Luck
from fedsim.system.access import Access
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.chip import Chip
from fedsim.system.copula import correlated
from fedsim.system.course import OwnRates
from fedsim.system.device_spec import DeviceKind, DeviceSpec
from fedsim.system.faults import Faults
from fedsim.system.handover import Handover
from fedsim.system.interruption import Interrupted
from fedsim.system.law import Law
from fedsim.system.presence import Comings
from fedsim.system.process import Array, Crowd, Numbers, Ranks
from fedsim.system.takes_part import TakesPart
from fedsim.system.ways import Roamer, Roams, WayIn

Lucks = Callable[..., Luck]
Streams = Callable[..., np.random.Generator]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What devices of one kind share, and the laws from which each draws its own.

    ``way`` is their own way into the network. ``battery_j`` is the capacity, None on the mains; ``charge`` the law of
    the share of it at the start. ``correlation`` is the rank correlation of speed with the rate down.
    """

    way: WayIn
    step_overhead_s: float
    train_w: float
    idle_w: float
    sleep_w: float
    battery_j: float | None
    flops_per_s: Law
    charge: Law
    correlation: float = 0.0
    roams: Roams | None = None
    chip: Chip = field(default_factory=Chip)
    rules: BatteryRules = field(default_factory=BatteryRules)
    interrupted: Interrupted = "abort"
    faults: Faults | None = None

    @cached_property
    def shared(self) -> DeviceKind:
        """What they share."""
        return DeviceKind(
            step_overhead_s=self.step_overhead_s,
            train_w=self.train_w,
            idle_w=self.idle_w,
            sleep_w=self.sleep_w,
            link=self.way.link,
            radio=self.way.radio,
            paging_s=self.way.paging_s,
            chip=self.chip,
            capacity_j=self.battery_j,
            rules=self.rules,
            interrupted=self.interrupted,
            faults=self.faults,
        )

    def laws(self) -> dict[str, Law]:
        """The laws of what each device draws, by the column of the fleet."""
        way = self.way
        return {
            "flops_per_s": self.flops_per_s,
            "charge": self.charge,
            "up_bps": way.up_bps,
            "down_bps": way.down_bps,
            "rtt_s": way.rtt_s,
        }

    def correlations(self) -> dict[str, float]:
        """Rank correlations with the rate down."""
        return {"flops_per_s": self.correlation, "up_bps": self.way.correlation}

    @property
    def charges(self) -> bool:
        """Whether it has a charger."""
        return self.rules.charging is not None

    @property
    def is_choosy(self) -> bool:
        """Whether it takes part only now and then."""
        return self.rules.takes_part != TakesPart()

    @property
    def standby_w(self) -> float:
        """What a device draws that nobody works with: a processor asleep, a radio of each technology that listens."""
        others = self.roams.others if self.roams else ()
        radios = {way.link: way.radio for way in reversed(others)} | {self.way.link: self.way.radio}
        return self.sleep_w + sum(radio.idle_w for radio in radios.values())


@dataclass(frozen=True, kw_only=True)
class DeviceGroup:
    """Devices that come and go by the same rules, of one kind or of several.

    weights: of the kinds; each device draws its own    names: of the devices, one for each, where these have names
    of their own: then they are of the kinds in turn, and luck knows them by their names.

    Raises:
        ValueError: no devices or kinds, weights or names that are not as many, a name twice.
    """

    name: str
    count: int
    kinds: Sequence[Kind]
    weights: Sequence[float] = ()
    comings: Sequence[Comings] = ()
    names: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.count < 1 or not self.kinds:
            raise ValueError(f"group {self.name!r} needs devices and kinds, got {self.count}, {self.kinds!r}")
        if self.weights and (len(self.weights) != len(self.kinds) or not min(self.weights) >= 0):
            raise ValueError(f"group {self.name!r} needs a weight >= 0 for each kind, got {self.weights!r}")
        if self.names and (len(self.names) != self.count or len(set(self.names)) < self.count):
            raise ValueError(f"group {self.name!r} needs {self.count} different names, got {self.names!r}")

    def things(self) -> Numbers:
        """The numbers by which luck knows its devices: (count,)."""
        if not self.names:
            return np.arange(self.count, dtype=np.uint64)
        digests = b"".join(blake2b(name.encode(), digest_size=8).digest() for name in self.names)
        return np.frombuffer(digests, dtype="<u8").astype(np.uint64)

    def name_of(self, rank: int) -> str:
        """A device's own name, or group and rank, such as ``low-3g-07``; a larger group renames nobody."""
        return self.names[rank] if self.names else f"{self.name}-{rank:02d}"

    def kind_of(self, things: Numbers, luck: Lucks) -> Ranks:
        """The kind of each device: (count,)."""
        if self.names:
            return np.arange(self.count) % len(self.kinds)
        if len(self.kinds) == 1:
            return np.zeros(self.count, dtype=np.int64)
        weights = np.asarray(self.weights or np.ones(len(self.kinds)), dtype=np.float64)
        bounds = np.cumsum(weights) / weights.sum()
        drawn = np.searchsorted(bounds, luck("kind").uniforms(things, 0), side="right")
        return np.asarray(np.minimum(drawn, np.flatnonzero(weights)[-1]))


_DRAWN = ("flops_per_s", "charge", "up_bps", "down_bps", "rtt_s")


class Fleet:
    """All devices, group after group, each attribute one array.

    What a device draws depends on its group's name, its rank there (or its own name) and the seed: one device more
    at the end of a group, or one group more, leaves what the others drew as it was.

    Raises:
        ValueError: no group, or two groups or devices of one name.
    """

    def __init__(self, groups: Sequence[DeviceGroup], lucks: Lucks, streams: Streams) -> None:
        _check_names(groups)
        self.groups = tuple(groups)
        counts = [group.count for group in groups]
        self.offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._begins: list[int] = self.offsets[:-1].tolist()
        self.kinds = tuple(kind for group in groups for kind in group.kinds)
        self.things = np.concatenate([group.things() for group in groups])
        self.kind = np.empty(len(self.things), dtype=np.int32)
        self.flops_per_s, self.charge, self.up_bps, self.down_bps, self.rtt_s = (
            np.empty(len(self.things)) for _ in _DRAWN
        )
        self._lucks = lucks
        self._streams = streams
        first_kind = 0
        for number, group in enumerate(groups):
            rows = self.rows(number)
            own = group.kind_of(self.things[rows], self.luck(number))
            self.kind[rows] = own + first_kind
            self._draw(number, own)
            first_kind += len(group.kinds)
        np.clip(self.charge, 0.0, 1.0, out=self.charge)

    def __len__(self) -> int:
        return len(self.things)

    def rows(self, number: int) -> slice:
        """The rows of a group."""
        return slice(int(self.offsets[number]), int(self.offsets[number + 1]))

    def luck(self, number: int) -> Lucks:
        """The luck of a group, by name."""
        name = self.groups[number].name
        return lambda *names: self._lucks("fleet", name, *names)

    def crowd(self, number: int, measure: Callable[[str], Array]) -> Crowd:
        """A group, for processes; ``measure`` is one of the whole fleet."""
        rows = self.rows(number)
        return Crowd(things=self.things[rows], luck=self.luck(number), measure=lambda name: measure(name)[rows])

    def slowness(self) -> Array:
        """The share of the devices that are faster than each: (n,)."""
        ranked = np.sort(-self.flops_per_s)
        return np.searchsorted(ranked, -self.flops_per_s, side="left") / max(len(self) - 1, 1)

    def by_kind(self, attribute: str) -> Array:
        """What the kind of each device has for all: (n,)."""
        values = [getattr(kind, attribute) for kind in self.kinds]
        return np.array([math.inf if value is None else value for value in values])[self.kind]

    def capacity_j(self) -> Array:
        """Of the batteries, infinite on the mains: (n,)."""
        return self.by_kind("battery_j")

    def group_of(self, rows: Rows) -> Ranks:
        """The numbers of their groups: (n,) to (n,)."""
        return np.searchsorted(self.offsets, rows, side="right") - 1

    def place(self, row: int) -> tuple[int, int]:
        """The number of its group, and its rank there."""
        number = bisect_right(self._begins, row) - 1
        return number, row - self._begins[number]

    def name(self, index: int) -> str:
        """Of a device; see ``DeviceGroup.name_of``."""
        number, rank = self.place(index)
        return self.groups[number].name_of(rank)

    def node_of(self, index: int) -> str:
        """The node on which it hangs, as it is at the start."""
        node: str = self.kinds[self.kind[index]].way.place(self.place(index)[1])
        return node

    def spec(self, index: int) -> DeviceSpec:
        """One row as a value, as it is at the start."""
        number, rank = self.place(index)
        group, kind = self.groups[number], self.kinds[self.kind.item(index)]
        way, name = kind.way, group.name_of(rank)
        charge_j = math.inf if kind.battery_j is None else kind.battery_j * self.charge.item(index)
        return DeviceSpec(
            name=name,
            group=group.name,
            row=index,
            kind=kind.shared,
            flops_per_s=self.flops_per_s.item(index),
            charge_j=charge_j,
            place=way.place(rank),
            access=self._access(index, rank, name, way),
            handover=None if kind.roams is None else self._handover(index, kind.roams),
        )

    def _access(self, index: int, rank: int, name: str, way: WayIn) -> Access:
        up_bps, down_bps, rtt_s = self.up_bps.item(index), self.down_bps.item(index), self.rtt_s.item(index)
        if way.is_steady:
            return way.steady_access(up_bps, down_bps, rtt_s)
        return way.access(OwnRates(rank, up_bps, down_bps, partial(self._streams, "rate", name)), rtt_s)

    def _handover(self, index: int, roams: Roams) -> Handover:
        number, rank = self.place(index)
        who = Roamer(
            rank=rank,
            thing=self.things[index : index + 1],
            luck=self.luck(number),
            streams=partial(self._streams, "rate", self.name(index)),
        )
        return roams.handover(self.kinds[self.kind[index]].way.link, who)

    def _draw(self, number: int, own: Ranks) -> None:
        """The attributes of a group's devices, each from luck of its own; ``own`` is their kind in the group."""
        group, rows = self.groups[number], self.rows(number)
        order = np.argsort(own, kind="stable")
        bounds = np.searchsorted(own[order], np.arange(len(group.kinds) + 1))
        luck, things = self.luck(number), self.things[rows]
        for attribute in _DRAWN:
            q = luck(attribute).uniforms(things, 0)
            column = getattr(self, attribute)[rows]
            for kind, (begin, end) in zip(group.kinds, pairwise(bounds), strict=True):
                chosen = order[begin:end]
                own_q, spearman = q[chosen], kind.correlations().get(attribute, 0.0)
                if spearman:
                    own_q = correlated(own_q, luck("down_bps").uniforms(things[chosen], 0), spearman)
                column[chosen] = kind.laws()[attribute].isf(own_q)


def _check_names(groups: Sequence[DeviceGroup]) -> None:
    names = [group.name for group in groups]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a fleet needs groups, each with a name of its own, got {names!r}")
    named = [name for group in groups for name in group.names]
    twice = sorted({name for name in named if named.count(name) > 1}) if len(set(named)) < len(named) else []
    if twice:
        raise ValueError(f"devices need names of their own, got twice: {', '.join(twice)}")
