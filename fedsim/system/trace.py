"""A recorded rate: what a link carried, piece by piece."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trace:
    """A rate that is constant between instants; it begins at 0 s.

    ends_s: (n,), when each piece ends, rising    rates_bps: (n,)

    Raises:
        ValueError: arrays that do not go together, ends that do not rise from above 0, a rate that is not >= 0 and
            finite.
    """

    ends_s: Array
    rates_bps: Array

    def __post_init__(self) -> None:
        if not (self.ends_s.ndim == 1 and self.ends_s.shape == self.rates_bps.shape and len(self.ends_s) > 0):
            raise ValueError(
                f"a trace needs one rate for each of its pieces, got {self.rates_bps.shape}, {self.ends_s.shape}"
            )
        if not ((np.diff(self.ends_s, prepend=0.0) > 0).all() and np.isfinite(self.ends_s[-1])):
            raise ValueError("a trace's pieces must end one after the other, the first after 0 s")
        if not ((self.rates_bps >= 0) & np.isfinite(self.rates_bps)).all():
            raise ValueError("a trace's rates must be >= 0 and finite")

    @property
    def length_s(self) -> float:
        """When it ends."""
        return float(self.ends_s[-1])

    @property
    def mean_bps(self) -> float:
        """Bits over seconds, all told."""
        return float((self.rates_bps * np.diff(self.ends_s, prepend=0.0)).sum()) / self.length_s


def merged(ends_s: Array, rates_bps: Array) -> Trace:
    """The trace of these pieces, with neighbours of one rate made one piece."""
    last = np.append(rates_bps[1:] != rates_bps[:-1], True)
    return Trace(np.ascontiguousarray(ends_s[last]), np.ascontiguousarray(rates_bps[last]))
