"""A capacity that repeats what was recorded."""

import math

from fedsim.system.trace import Trace


class Replay:
    """A trace as a capacity: at time 0 it is ``offset_s`` into the trace.

    Where the trace ends it begins anew, at the same instant (``loop``), or its last rate holds for ever.
    """

    __slots__ = ("_loop", "_offset_s", "_trace")

    def __init__(self, trace: Trace, *, offset_s: float = 0.0, loop: bool = True) -> None:
        """Takes any offset >= 0.

        Raises:
            ValueError: an offset that is not >= 0 and finite, or a rate that would be 0 for ever.
        """
        if not trace.rates_bps.any():
            raise ValueError("a trace must not be 0 throughout")
        if not 0 <= offset_s < math.inf:
            raise ValueError(f"a trace's offset must be >= 0 and finite, got {offset_s!r}")
        if not loop and trace.rates_bps[-1] == 0:
            raise ValueError("a trace that is not looped must not end with a rate of 0, which would hold for ever")
        self._trace = trace
        self._offset_s = offset_s % trace.length_s if loop else offset_s
        self._loop = loop

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s at ``time_s`` >= 0, and the end of the piece in which that lies."""
        trace = self._trace
        if len(trace.ends_s) == 1:
            return float(trace.rates_bps[0]), math.inf
        lap, piece = self._guess(time_s)
        while (end_s := self._end_s(lap, piece)) <= time_s:
            lap, piece = self._next(lap, piece)
        while (before := self._before(lap, piece)) is not None and (earlier_s := self._end_s(*before)) > time_s:
            (lap, piece), end_s = before, earlier_s
        return float(trace.rates_bps[piece]), end_s

    def _guess(self, time_s: float) -> tuple[int, int]:
        """The piece at ``time_s``, or, by rounding, a neighbour of it."""
        into_s = time_s + self._offset_s
        lap = math.floor(into_s / self._trace.length_s) if self._loop else 0
        piece = int(self._trace.ends_s.searchsorted(into_s - lap * self._trace.length_s, side="right"))
        return lap, min(piece, len(self._trace.ends_s) - 1)

    def _end_s(self, lap: int, piece: int) -> float:
        """When a piece ends: always the same float, from wherever one comes to it."""
        if not self._loop and piece == len(self._trace.ends_s) - 1:
            return math.inf
        return lap * self._trace.length_s + float(self._trace.ends_s[piece]) - self._offset_s

    def _next(self, lap: int, piece: int) -> tuple[int, int]:
        return (lap, piece + 1) if piece + 1 < len(self._trace.ends_s) else (lap + 1, 0)

    def _before(self, lap: int, piece: int) -> tuple[int, int] | None:
        if piece > 0:
            return lap, piece - 1
        return (lap - 1, len(self._trace.ends_s) - 1) if self._loop else None
