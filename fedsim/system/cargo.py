"""What of a message still has to go: whole chunks, or all of it."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from fedsim import limits, units

_NEARLY: Final = 1 + 1e-12
"""Bytes on the wire are counted, and what they carry follows: the last bit of a chunk may be lost in that."""


class Cargo:
    """A message of ``size_bytes`` in chunks; the last one may be shorter. Chunks go in order, and complete ones stay.

    Raises:
        ValueError: a size that is not a finite number >= 0, or a chunk that is not > 0.
        FedsimError: more chunks than are allowed.
    """

    def __init__(self, size_bytes: float, chunk_bytes: float = math.inf) -> None:
        if not 0 <= size_bytes < math.inf:
            raise ValueError(f"size_bytes must be >= 0 and finite, got {size_bytes!r}")
        if not chunk_bytes > 0:
            raise ValueError(f"chunk_bytes must be > 0, got {chunk_bytes!r}")
        parts = 1.0 if chunk_bytes >= size_bytes else size_bytes / chunk_bytes
        if parts > 1:  # words for every whole message would take longer than sending it
            limits.CHUNKS.check(parts, f"network.chunk: a message of {units.show(size_bytes, 'bytes')}")
        count = math.ceil(parts)
        whole_bytes = min(size_bytes, chunk_bytes)
        self._left = [whole_bytes] * (count - 1) + [size_bytes - (count - 1) * whole_bytes]
        self._broken_bytes = 0.0
        self._broken_wire_bytes = 0.0
        self.spoilt_bytes = 0.0
        """Bytes on the wire that were sent in vain because it broke off."""
        self.part: tuple[int, int] | None = None
        """With how many neighbours it shares access links under equal shares, if that was said when it was sent."""

    @property
    def left_bytes(self) -> float:
        """Bytes that still have to go."""
        return math.fsum(self._left)

    @property
    def chunks(self) -> int:
        """Chunks that still have to go."""
        return len(self._left)

    def broke_off(self, sent_bytes: float, payload_share: float) -> float:
        """So much was on the wire before it broke off, of which this share was payload; returns what was in vain."""
        self._broken_bytes = self.arrived(sent_bytes * payload_share)
        self._broken_wire_bytes = self._broken_bytes / payload_share if payload_share else 0.0
        self.spoilt_bytes += self._broken_wire_bytes
        return self._broken_wire_bytes

    def keep_broken(self) -> None:
        """What was there of the chunk that broke off last is not in vain after all: it goes on from that byte."""
        if self._broken_bytes and self._left:
            self._left[0] = max(0.0, self._left[0] - self._broken_bytes)
        self.spoilt_bytes -= self._broken_wire_bytes
        self._broken_bytes = self._broken_wire_bytes = 0.0

    def arrived(self, sent_bytes: float) -> float:
        """So much was sent before it broke off: complete chunks are there; returns what was sent in vain."""
        done = 0
        while done < len(self._left) and self._left[done] <= sent_bytes * _NEARLY:
            sent_bytes = max(0.0, sent_bytes - self._left[done])
            done += 1
        del self._left[:done]
        return sent_bytes

    def meet(self, mishaps: "Sequence[tuple[float, np.random.Generator] | None]") -> list[list[float]]:
        """All was sent, and each chunk meets each mishap with its probability, by its own luck; those struck remain.

        Returns the bytes of the chunks that each mishap struck; of two at once, the first counts.
        """
        struck: list[list[float]] = [[] for _ in mishaps]
        left = []
        for chunk_bytes in self._left:
            hits = [mishap is not None and mishap[1].random() < mishap[0] for mishap in mishaps]
            if any(hits):
                struck[hits.index(True)].append(chunk_bytes)
                left.append(chunk_bytes)
        self._left = left
        return struck
