"""Which way a message goes, and how: what wiring, transport, jitter and warm connections make of it."""

from dataclasses import dataclass

from fedsim.errors import NoRouteError
from fedsim.system.connections import Connections
from fedsim.system.equal_split import EqualSplit
from fedsim.system.jitter import Jitter
from fedsim.system.links import SharedLinks
from fedsim.system.passage import AT_HOME, Way, way
from fedsim.system.track import Track
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
        return frozenset(line.link for track in self.tracks for line in track.lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planner:
    """Plans messages in a network as it is now. With ``split``, links are replaced by a pipe for each pair."""

    links: SharedLinks
    wiring: Wiring
    transport: Transport
    connections: Connections
    jitter: Jitter
    split: EqualSplit | None

    def leg(self, source: str, target: str, size_bytes: float, now_s: float) -> Leg:
        """For a message that is sent now.

        Raises:
            NoRouteError: no way leads from source to target, or back if the transport needs that.
            ValueError: an unknown name.
        """
        if source == target:
            self.wiring.check(source)
            return Leg(Plan(wire_bytes=size_bytes, delay_s=0.0))
        factor = self.jitter.factor(source, target)
        return self._leg(source, target, size_bytes, self.connections.look(source, target, now_s), factor)

    def detour(self, source: str, target: str, left_bytes: float) -> Leg:
        """For what is left of a message under way, whose connection goes on.

        Raises:
            NoRouteError: as for ``leg``.
        """
        if source == target:
            return Leg(Plan(wire_bytes=left_bytes, delay_s=0.0))
        return self._leg(source, target, left_bytes, Connection(idle_s=0.0), 1.0)

    def release(self, leg: Leg) -> None:
        """No message is on this leg any more."""
        if self.split is not None:
            for link in leg.way.links if leg.tracks else ():
                self.split.release(link)

    def _leg(self, source: str, target: str, size_bytes: float, connection: Connection, factor: float) -> Leg:
        track = self.wiring.track(source, target)
        back = self._back(source, target)
        pipe = None if self.split is None else self.split.pipe(source, target, track).link
        path = Path(
            delay_s=factor * track.delay_s,
            back_s=None if back is None else factor * back.delay_s,
            rates_bps=self.links.rates_bps(track.numbers if pipe is None else (pipe,)),
            loss=track.loss,
        )
        plan = self.transport.plan(path, size_bytes, connection)
        answers = back if plan.back_share else None
        tracks = (track,) if answers is None else (track, answers)
        if pipe is not None:
            return Leg(plan, Way((pipe,), (1.0,)), tracks)
        back_links = () if answers is None else answers.links
        return Leg(plan, way(track.links or AT_HOME.links, back_links, plan.back_share), tracks)

    def _back(self, source: str, target: str) -> Track | None:
        try:
            return self.wiring.track(target, source)
        except NoRouteError:
            return None
