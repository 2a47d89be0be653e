"""Which way a message goes, and how: what wiring, transport, jitter and warm connections make of it."""

from dataclasses import dataclass

from fedsim.system.approach import Approach, Crossings
from fedsim.system.cargo import Cargo
from fedsim.system.connections import Connections
from fedsim.system.equal_split import EqualSplit
from fedsim.system.jitter import Jitter
from fedsim.system.links import SharedLinks
from fedsim.system.passage import AT_HOME, Way
from fedsim.system.track import Both, Track
from fedsim.system.transport import Connection, Path, Plan, Transport
from fedsim.system.wiring import Wiring


@dataclass(slots=True)
class Leg:
    """The plan, and the links: those there, and those back that acknowledgements use."""

    plan: Plan
    way: Way = AT_HOME
    tracks: tuple[Track, ...] = ()

    @property
    def over(self) -> frozenset[int]:
        """Links of which an outage ends it."""
        return frozenset(link for track in self.tracks for link in track.numbers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planner:
    """Plans messages in a network as it is now. With ``split``, links are replaced by a pipe for each pair."""

    links: SharedLinks
    wiring: Wiring
    crossings: Crossings
    transport: Transport
    connections: Connections
    jitter: Jitter
    split: EqualSplit | None

    def leg(self, source: str, target: str, cargo: Cargo, now_s: float) -> Leg:
        """For a message that sets out now.

        Raises:
            NoRouteError: no way leads from source to target, or back if the transport needs that.
            ValueError: an unknown name.
        """
        if source == target:
            self.wiring.check(source)
            return Leg(Plan(wire_bytes=cargo.left_bytes, delay_s=0.0))
        factor, connection = self.jitter.factor(source, target), self.connections.look(source, target, now_s)
        return self._leg(self._roadway(source, target, cargo), cargo.left_bytes, connection, factor)

    def detour(self, source: str, target: str, cargo: Cargo, left_bytes: float) -> Leg:
        """For what is left on the wire of a message under way, whose connection goes on.

        Raises:
            NoRouteError: as for ``leg``.
        """
        if source == target:
            return Leg(Plan(wire_bytes=left_bytes, delay_s=0.0))
        return self._leg(self._roadway(source, target, cargo), left_bytes, Connection(idle_s=0.0), 1.0)

    @property
    def is_plain(self) -> bool:
        """Whether what a message meets follows from the network and its connection alone."""
        return self.split is None and self.jitter.is_none

    def approaches(self, source: str, target: str) -> tuple[Approach, Approach] | None:
        """What messages there and back will meet, in a network as it is now; None if that is not steady.

        Raises:
            NoRouteError, ValueError: as for ``leg``.
        """
        there, back = self.wiring.foresee(source, target)
        if back is None or (self.links.vary and not self._are_steady(there, back)):
            return None
        return Approach(self.crossings, there, back), Approach(self.crossings, back, there)

    @property
    def is_split(self) -> bool:
        """Whether every message has a rate of its own, and delays do not differ from one to the next."""
        return self.split is not None and self.jitter.is_none

    def road(self, source: str, target: str) -> Path | None:
        """The path of messages that have a rate of their own, in a network as it is now; None where they share links.

        Raises:
            NoRouteError, ValueError: as for ``leg``.
        """
        if self.split is None:
            return None
        there, back = self.wiring.foresee(source, target)
        bps = self.split.rate_bps(source, target, there)
        return Path(there.delay_s, None if back is None else back.delay_s, rates_bps=(bps,), loss=there.loss)

    def release(self, leg: Leg) -> None:
        """No message is on this leg any more."""
        if self.split is not None:
            for link in leg.way.links if leg.tracks else ():
                self.split.release(link)

    def _are_steady(self, *tracks: Track) -> bool:
        return all(self.links.are_steady(track.links) for track in tracks)

    def _roadway(self, source: str, target: str, cargo: Cargo) -> tuple[Both, int | None]:
        """The links there and back, and the pipe in their place."""
        both = self.wiring.both(source, target)
        return both, None if self.split is None else self.split.pipe(source, target, both.there, cargo.part).link

    def _leg(self, roadway: tuple[Both, int | None], size_bytes: float, connection: Connection, factor: float) -> Leg:
        both, pipe = roadway
        path = Path(
            delay_s=factor * both.delay_s,
            back_s=None if both.back_s is None else factor * both.back_s,
            rates_bps=self.links.rates_bps(both.numbers if pipe is None else (pipe,)),
            loss=both.loss,
        )
        plan = self.transport.plan(path, size_bytes, connection)
        way = both.way(plan.back_share) if pipe is None else Way((pipe,), (1.0,))
        return Leg(plan, way, both.tracks(plan.back_share))
