"""Links, nodes and cells that are down for a while, by law or by timetable, alone or together."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from fedsim.kernel import Simulation
from fedsim.system.presence import Crashes
from fedsim.system.process import Crowd, Process
from fedsim.system.timetable import Timetable

Fate = Literal["reroute", "stall", "fail"]
FATES: tuple[Fate, ...] = ("reroute", "stall", "fail")


class Breakable(Protocol):
    """A network of which parts can be down."""

    def set_node_up(self, node: str, up: bool, *, flows: Fate = "reroute") -> None:  # noqa: FBT001  # as in "set up"
        """From now on a node is up or down, and its flows meet this fate."""

    def set_link_up(self, a: str, b: str, up: bool, *, flows: Fate = "reroute") -> None:  # noqa: FBT001  # the same
        """From now on both directions of a link are up or down, and its flows meet this fate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """Down from each of ``from_s`` on for as many of ``for_s``; with ``repeat_s`` again and again.

    Raises:
        ValueError: outages that overlap, last no time, or do not fit into ``repeat_s``.
    """

    from_s: tuple[float, ...]
    for_s: tuple[float, ...]
    repeat_s: float = math.inf

    def __post_init__(self) -> None:
        if not all(0 < seconds < math.inf for seconds in self.for_s):
            raise ValueError(f"an outage must last > 0 s and be finite, got {self.for_s!r}")
        self.process()

    def process(self) -> Timetable:
        """1 while it is down, 0 while it is up."""
        switches = [(start, start + lasts) for start, lasts in zip(self.from_s, self.for_s, strict=True)]
        starts_s = [time_s for switch in switches for time_s in switch]
        return Timetable(starts_s, [1, 0] * len(switches), repeat_s=self.repeat_s)


@dataclass(frozen=True, kw_only=True)
class Outage:
    """What is down together, when, and what becomes of the flows on it.

    ``nodes`` are down with all their links; ``link`` is the two ends of one link, both of whose directions are.
    "reroute": flows take another way from where they are, and wait if there is none. "stall": they wait until it is
    over. "fail": their messages fail. ``machines`` name what goes down with these, or alone, beside the network.

    Raises:
        ValueError: nothing that could be down, or an unknown fate.
    """

    nodes: tuple[str, ...] = ()
    link: tuple[str, str] | None = None
    machines: tuple[str, ...] = ()
    times: Crashes | Schedule
    then: Fate = "reroute"

    def __post_init__(self) -> None:
        if not self.parts and not self.machines:
            raise ValueError("an outage needs nodes, a link or machines")
        if self.then not in FATES:
            raise ValueError(f"then must be one of {', '.join(FATES)}, got {self.then!r}")

    @property
    def parts(self) -> "tuple[str | tuple[str, str], ...]":
        """The nodes and the link that are down."""
        return self.nodes if self.link is None else (*self.nodes, self.link)

    @property
    def name(self) -> str:
        """What is down, in words."""
        parts = self.parts or self.machines
        return ", ".join(part if isinstance(part, str) else " -- ".join(part) for part in parts)

    def cut(self, sim: Simulation) -> "MachineCut":
        """What its machines see of it."""
        return MachineCut(_process(sim, self))


class MachineCut:
    """An outage as a device or a server sees it: what it hangs on is there, or not; looked at in order of time."""

    def __init__(self, process: "Timetable | _Repairs") -> None:
        self._process = process

    def at(self, time_s: float) -> tuple[bool, float]:
        """Whether it is there at ``time_s``, and until when that holds (later than ``time_s``)."""
        is_down, until_s = self._process.at(time_s)
        return not is_down, until_s


class Outages:
    """Switches parts of a network off and on.

    It looks only while somebody is inside (``with``), which is while a message is under way: otherwise nothing is
    scheduled, and who looks next finds the network as it then is.
    """

    def __init__(self, sim: Simulation, network: Breakable, outages: Sequence[Outage]) -> None:
        self._sim = sim
        self._network = network
        self._watched = [_Watched(outage, _process(sim, outage)) for outage in outages if outage.parts]
        self._holders: dict[str | tuple[str, str], int] = {}
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = -math.inf if self._watched else math.inf

    @property
    def may_come(self) -> bool:
        """Whether there are any."""
        return bool(self._watched)

    def __enter__(self) -> None:
        """Within this, parts go down and come back at their instants."""
        self._users += 1
        if self._users == 1:
            self._look()

    def __exit__(self, *error: object) -> None:
        self._users -= 1
        if not self._users and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Bring the network up to date, and be there for the next switch."""
        if self._sim.now >= self._next_s:
            self._next_s = min(self._update(watched) for watched in self._watched)
        if self._next_s < math.inf:
            self._timer = self._sim.loop.call_at(self._next_s, self._ring)

    def _ring(self) -> None:
        """The instant is there; what arrives in it arrives first."""
        self._timer = self._sim.loop.call_at(self._sim.now, self._look)

    def _update(self, watched: "_Watched") -> float:
        """Bring one outage up to date; when it switches next."""
        is_down, until_s = watched.process.at(self._sim.now)
        if bool(is_down) != watched.is_down:
            watched.is_down = bool(is_down)
            outage = watched.outage
            self._sim.record("outage" if is_down else "repaired", subject=outage.name)
            for part in outage.parts:
                self._switch(part, outage.then, is_down=watched.is_down)
        return until_s

    def _switch(self, part: str | tuple[str, str], then: Fate, *, is_down: bool) -> None:
        """A part is down as long as one outage at least keeps it down."""
        before = self._holders.get(part, 0)
        after = self._holders[part] = before + (1 if is_down else -1)
        if bool(before) == bool(after):
            return
        if isinstance(part, tuple):
            self._network.set_link_up(*part, not after, flows=then)
        else:
            self._network.set_node_up(part, not after, flows=then)


@dataclass(slots=True)
class _Watched:
    """An outage, and how things stand."""

    outage: Outage
    process: "Timetable | _Repairs"
    is_down: bool = False


class _Repairs:
    """1 while it is down, 0 while it is up, by laws."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def at(self, time_s: float) -> tuple[int, float]:
        is_up, until_s = self._process.one(0, time_s)
        return int(not is_up), until_s


def _process(sim: Simulation, outage: Outage) -> "Timetable | _Repairs":
    if isinstance(outage.times, Schedule):
        return outage.times.process()
    alone = Crowd(things=np.zeros(1, dtype=np.uint64), luck=lambda *names: sim.luck("outage", outage.name, *names))
    ((process, _),) = outage.times.processes(alone)
    return _Repairs(process)
