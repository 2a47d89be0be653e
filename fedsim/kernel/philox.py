"""Philox4x32-10 on arrays: the random block of a counter and a key, whoever else asks and in whatever order.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3 and the reference
implementation Random123. NumPy's own ``Philox`` is the 64-bit variant of one stream; this one takes a counter of
its own for every element.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]
WideWords = npt.NDArray[np.uint64]

_ROUNDS: Final = 10
_MULTIPLIERS: Final = (0xD2511F53, 0xCD9E8D57)
_WEYL: Final = (0x9E3779B9, 0xBB67AE85)
_MASK: Final = 0xFFFFFFFF

Block = tuple[int, int, int, int]


def philox(counter: Block, key: tuple[int, int]) -> Block:
    """The four 32-bit words of one counter under one key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        low, high = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (high >> 32) ^ c1 ^ k0, high & _MASK, (low >> 32) ^ c3 ^ k1, low & _MASK
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return c0, c1, c2, c3


def philox_blocks(counters: WideWords, key: tuple[int, int]) -> WideWords:
    """The words of n counters under one key, each word in 64 bits: (4, n) to (4, n).

    The rounds of ``philox``, on columns. A product of two words fits into 64 bits.
    """
    mask, wide = np.uint64(_MASK), np.uint64(32)
    c0, c1, c2, c3 = counters
    k0, k1 = key
    for _ in range(_ROUNDS):
        low, high = c0 * np.uint64(_MULTIPLIERS[0]), c2 * np.uint64(_MULTIPLIERS[1])
        c0 = (high >> wide) ^ c1 ^ np.uint64(k0)
        c2 = (low >> wide) ^ c3 ^ np.uint64(k1)
        c1, c3 = high & mask, low & mask
        k0, k1 = (k0 + _WEYL[0]) & _MASK, (k1 + _WEYL[1]) & _MASK
    return np.stack([c0, c1, c2, c3])
