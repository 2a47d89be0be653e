"""Which connections are warm: what the last message between two names left behind."""

from fedsim.system.transport import Connection

_NONE = Connection()


Trace = tuple[float, float]
"""Of the last message in one direction: when it ended, and its window."""


class Connections:
    """Remembers when each pair last spoke, and the sender's window. A connection carries both directions."""

    def __init__(self) -> None:
        self._traces: dict[str, dict[str, Trace | None]] = {}

    def look(self, source: str, target: str, now_s: float) -> Connection:
        """What a message that is sent now finds."""
        return warmth(*self.traces(source, target), now_s)

    def traces(self, source: str, target: str) -> tuple[Trace | None, Trace | None]:
        """What the last message from source to target left, and the last one back; None of those that never were."""
        traces = self._traces.get(source)
        if traces is None or target not in traces:
            return None, None
        return traces[target], self._traces[target][source]

    def keep(self, source: str, target: str, window: float, now_s: float) -> None:
        """A message arrived."""
        self._of(source)[target] = (now_s, window)
        theirs = self._of(target)
        if source not in theirs:
            theirs[source] = None

    def keep_both(self, source: str, target: str, there: Trace, back: Trace) -> None:
        """A message arrived, and one that went back."""
        ours, theirs = self._traces.get(source), self._traces.get(target)
        if ours is None or theirs is None:
            ours, theirs = self._of(source), self._of(target)
        ours[target], theirs[source] = there, back

    def drop(self, name: str, peer: str | None = None) -> None:
        """The connections of ``name``, or the one with ``peer``, are gone."""
        for other in [peer] if peer is not None else list(self._traces.get(name, ())):
            self._traces.get(name, {}).pop(other, None)
            self._traces.get(other, {}).pop(name, None)

    def _of(self, name: str) -> dict[str, Trace | None]:
        traces = self._traces.get(name)
        if traces is None:
            traces = self._traces[name] = {}
        return traces


def warmth(there: Trace | None, back: Trace | None, now_s: float) -> Connection:
    """What a message finds that is sent now."""
    if there is None:
        return _NONE if back is None else Connection(idle_s=now_s - back[0])
    ended_s, window = there
    idle_s = now_s - (ended_s if back is None else max(ended_s, back[0]))
    return Connection(idle_s=idle_s, window=window, quiet_s=now_s - ended_s)
