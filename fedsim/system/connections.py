"""Which connections are warm: what the last message between two names left behind."""

from fedsim.system.transport import Connection

_NONE = Connection()


_Trace = tuple[float, float]
"""Of the last message in one direction: when it ended, and its window."""


class Connections:
    """Remembers when each pair last spoke, and the sender's window. A connection carries both directions."""

    def __init__(self) -> None:
        self._traces: dict[str, dict[str, _Trace | None]] = {}

    def look(self, source: str, target: str, now_s: float) -> Connection:
        """What a message that is sent now finds."""
        traces = self._traces.get(source)
        if traces is None or target not in traces:
            return _NONE
        there, back = traces[target], self._traces[target][source]
        if there is None:
            return _NONE if back is None else Connection(idle_s=now_s - back[0])
        ended_s, window = there
        idle_s = now_s - (ended_s if back is None else max(ended_s, back[0]))
        return Connection(idle_s=idle_s, window=window, quiet_s=now_s - ended_s)

    def keep(self, source: str, target: str, window: float, now_s: float) -> None:
        """A message arrived."""
        self._traces.setdefault(source, {})[target] = (now_s, window)
        self._traces.setdefault(target, {}).setdefault(source, None)

    def drop(self, name: str, peer: str | None = None) -> None:
        """The connections of ``name``, or the one with ``peer``, are gone."""
        for other in [peer] if peer is not None else list(self._traces.get(name, ())):
            self._traces.get(name, {}).pop(other, None)
            self._traces.get(other, {}).pop(name, None)
