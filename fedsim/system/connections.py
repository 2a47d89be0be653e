"""Which connections are warm: what the last message between two names left behind."""

from dataclasses import dataclass

from fedsim.system.transport import Connection

_NONE = Connection()


@dataclass(frozen=True, slots=True)
class _Trace:
    """Of the last message in one direction."""

    ended_s: float
    window: float


class Connections:
    """Remembers when each pair last spoke, and the sender's window. A connection carries both directions."""

    def __init__(self) -> None:
        self._traces: dict[str, dict[str, _Trace | None]] = {}

    def look(self, source: str, target: str, now_s: float) -> Connection:
        """What a message that is sent now finds."""
        there, back = self._trace(source, target), self._trace(target, source)
        if there is None and back is None:
            return _NONE
        idle_s = min(now_s - trace.ended_s for trace in (there, back) if trace is not None)
        if there is None:
            return Connection(idle_s=idle_s)
        return Connection(idle_s=idle_s, window=there.window, quiet_s=now_s - there.ended_s)

    def keep(self, source: str, target: str, window: float, now_s: float) -> None:
        """A message arrived."""
        self._traces.setdefault(source, {})[target] = _Trace(now_s, window)
        self._traces.setdefault(target, {}).setdefault(source, None)

    def drop(self, name: str, peer: str | None = None) -> None:
        """The connections of ``name``, or the one with ``peer``, are gone."""
        for other in [peer] if peer is not None else list(self._traces.get(name, ())):
            self._traces.get(name, {}).pop(other, None)
            self._traces.get(other, {}).pop(name, None)

    def _trace(self, source: str, target: str) -> _Trace | None:
        return self._traces.get(source, {}).get(target)
