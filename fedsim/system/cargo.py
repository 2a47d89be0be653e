"""What of a message still has to go: whole chunks, or all of it."""

import math
from typing import Final

import numpy as np

_NEARLY: Final = 1 + 1e-12
"""Bytes on the wire are counted, and what they carry follows: the last bit of a chunk may be lost in that."""


class Cargo:
    """A message of ``size_bytes`` in chunks; the last one may be shorter. Chunks go in order, and complete ones stay.

    Raises:
        ValueError: a size that is not a finite number >= 0, or a chunk that is not > 0.
    """

    def __init__(self, size_bytes: float, chunk_bytes: float = math.inf) -> None:
        if not 0 <= size_bytes < math.inf:
            raise ValueError(f"size_bytes must be >= 0 and finite, got {size_bytes!r}")
        if not chunk_bytes > 0:
            raise ValueError(f"chunk_bytes must be > 0, got {chunk_bytes!r}")
        count = 1 if chunk_bytes >= size_bytes else math.ceil(size_bytes / chunk_bytes)
        whole_bytes = min(size_bytes, chunk_bytes)
        self._left = [whole_bytes] * (count - 1) + [size_bytes - (count - 1) * whole_bytes]

    @property
    def left_bytes(self) -> float:
        """Bytes that still have to go."""
        return math.fsum(self._left)

    @property
    def chunks(self) -> int:
        """Chunks that still have to go."""
        return len(self._left)

    def arrived(self, sent_bytes: float) -> float:
        """So much was sent before it broke off: complete chunks are there; returns what was sent in vain."""
        done = 0
        while done < len(self._left) and self._left[done] <= sent_bytes * _NEARLY:
            sent_bytes = max(0.0, sent_bytes - self._left[done])
            done += 1
        del self._left[:done]
        return sent_bytes

    def lose(self, loss: float, luck: np.random.Generator) -> float:
        """All was sent, and each chunk is lost with this probability: lost ones remain; returns their bytes."""
        self._left = [chunk_bytes for chunk_bytes in self._left if luck.random() < loss]
        return self.left_bytes
