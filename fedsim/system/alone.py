"""How long flows would have needed alone, to tell what sharing cost them.

A flow alone has the least of its cap and of what its links carry. The time it would have needed is the integral of
its rate over that one, and all of the time while that is 0: bytes over the lone rate wherever that is constant. So
it is settled when a capacity, a cap or a way changes, and at the end; rates may change as often as they like.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class AloneTimes:
    """Seconds up to the last settling, by slot."""

    def __init__(self, slots: int) -> None:
        self._spent_s = np.zeros(slots)
        self._since_s = np.zeros(slots)
        self._left_bytes = np.zeros(slots)

    def grow(self) -> None:
        """Twice as many slots."""
        for name in ("_spent_s", "_since_s", "_left_bytes"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))

    def begin(self, slot: int, left_bytes: float, now_s: float) -> None:
        """A flow with so much to send begins to move."""
        self._spent_s[slot] = 0.0
        self._since_s[slot] = now_s
        self._left_bytes[slot] = left_bytes

    def transplant(self, old: int, new: int) -> None:
        """The flow in a slot is in another now."""
        for column in (self._spent_s, self._since_s, self._left_bytes):
            column[new] = column[old]

    def settle(self, slots: IntArray, lone_bps: Array, left_bytes: Array, now_s: float) -> None:
        """Up to now these flows, each once, could have gone alone with these rates, (n,); so much is left, (n,)."""
        moved_bytes = self._left_bytes[slots] - left_bytes
        open_ = lone_bps > 0
        moved_s = 8 * moved_bytes / np.where(open_, lone_bps, 1.0)
        self._spent_s[slots] += np.where(open_, moved_s, now_s - self._since_s[slots])
        self._left_bytes[slots] = left_bytes
        self._since_s[slots] = now_s

    def settle_one(self, slot: int, lone_bps: float, left_bytes: float, now_s: float) -> float:
        """The same for one flow, without NumPy's overhead; returns its seconds."""
        spent_s = float(self._spent_s[slot])
        if lone_bps > 0:
            spent_s += 8 * (float(self._left_bytes[slot]) - left_bytes) / lone_bps
        else:
            spent_s += now_s - float(self._since_s[slot])
        self._spent_s[slot] = spent_s
        self._left_bytes[slot] = left_bytes
        self._since_s[slot] = now_s
        return spent_s
