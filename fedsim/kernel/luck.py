"""Luck of many things at once: the k-th draw of each is a pure function of its number, k, and the name of the luck."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from fedsim.kernel.philox import philox, philox_blocks

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.uint64]

_FEW: Final = 16  # up to so many blocks plain Python is faster than NumPy (6 us each against 110 us for them all)
_MASK: Final = np.uint64(0xFFFFFFFF)
_WORD: Final = np.uint64(32)
_FINEST: Final = 2.0**-52


@dataclass(frozen=True, slots=True)
class Luck:
    """Uniform numbers by the number of a thing (64 bits) and of a draw (32 bits), Philox4x32-10 under one key.

    Every draw is a *pair* of independent numbers on (0, 1), never 0 or 1: multiples of 2**-52, plus 2**-53.
    """

    key: tuple[int, int]

    def pairs(self, things: Numbers, draws: npt.ArrayLike) -> Array:
        """Draw number ``draws`` of each of n things: (n,) and (n,) or one for all, to (2, n)."""
        words = self._words(things, draws)
        whole = (words[0::2] << np.uint64(20)) | (words[1::2] >> np.uint64(12))
        return (whole.astype(np.float64) + 0.5) * _FINEST

    def hashes(self, things: Numbers) -> Numbers:
        """A number of 64 random bits for each of n things: (n,) to (n,)."""
        words = self._words(things, 0)
        return np.asarray((words[0] << np.uint64(32)) | words[1])

    def uniforms(self, things: Numbers, draws: npt.ArrayLike) -> Array:
        """The first numbers of the pairs: (n,)."""
        first: Array = self.pairs(things, draws)[0]
        return first

    def _words(self, things: Numbers, draws: npt.ArrayLike) -> Numbers:
        counters = np.zeros((4, len(things)), dtype=np.uint64)
        counters[0] = draws
        counters[1] = things & _MASK
        counters[2] = things >> _WORD
        if len(things) > _FEW:
            return philox_blocks(counters, self.key)
        words = [philox(counter, self.key) for counter in zip(*counters.tolist(), strict=True)]
        return np.array(words, dtype=np.uint64).reshape(-1, 4).T
