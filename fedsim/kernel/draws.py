"""Uniform numbers of many streams from each of which few are drawn."""

from struct import Struct
from typing import Any, Final

import numpy as np

_WORDS: Final = Struct("<2Q")
_SPARE: Final = 11
_FINEST: Final = 2.0**-53
"""A number is the first 53 of 64 random bits, as in ``Generator.random``."""


class Blocks:
    """Reads any block of four numbers of any stream: one bit generator, put where it is needed, does for all of them.

    One for each stream would take more than twice the memory.
    """

    def __init__(self) -> None:
        self._philox = np.random.Philox(0)
        self._state: Any = self._philox.state  # a mapping of arrays, whatever its type hint says; the buffer is empty

    def read(self, key: bytes, number: int) -> list[float]:
        """What ``Generator.random`` would give from draw ``4 * number`` on, the first last."""
        where = self._state["state"]
        where["counter"][0] = number
        where["key"][0], where["key"][1] = _WORDS.unpack(key)
        self._philox.state = self._state
        bits = self._philox.random_raw(4).tolist()
        return [(word >> _SPARE) * _FINEST for word in reversed(bits)]


class Draws:
    """Uniform numbers on [0, 1) of a stream, one by one. Those that are given back come again."""

    __slots__ = ("_blocks", "_key", "_left", "_number")

    def __init__(self, blocks: Blocks, key: bytes) -> None:
        """``key`` is that of the stream: 16 bytes."""
        self._blocks = blocks
        self._key = key
        self._number = 0
        self._left: list[float] = []  # the next one last

    def take(self) -> float:
        """The next one."""
        if not self._left:
            self._left = self._blocks.read(self._key, self._number)
            self._number += 1
        return self._left.pop()

    def give_back(self, draw: float) -> None:
        """The latest that was taken and not given back yet."""
        self._left.append(draw)
