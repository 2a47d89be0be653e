"""Philox4x32-10 on arrays: the random block of a counter and a key, whoever else asks and in whatever order.

Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3 and the reference
implementation Random123. NumPy's own ``Philox`` is the 64-bit variant of one stream; this one takes a counter of
its own for every element.
"""

from functools import lru_cache
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

    The rounds of ``philox``, on columns: its two halves go together. A product of two words fits into 64 bits.
    """
    mask, wide, multipliers = np.uint64(_MASK), np.uint64(32), np.array(_MULTIPLIERS, dtype=np.uint64)[:, None]
    even, odd = counters[0::2], counters[1::2]
    for keys in _round_keys(key):
        products = (even * multipliers)[::-1]
        even, odd = (products >> wide) ^ odd ^ keys, products & mask
    words = np.empty_like(counters)
    words[0::2], words[1::2] = even, odd
    return words


@lru_cache
def _round_keys(key: tuple[int, int]) -> WideWords:
    """Those of each round: (10, 2, 1)."""
    numbers = np.array(key, dtype=np.uint64) + np.arange(_ROUNDS, dtype=np.uint64)[:, None] * np.array(_WEYL, np.uint64)
    keys: WideWords = (numbers & np.uint64(_MASK))[:, :, None]
    return keys
