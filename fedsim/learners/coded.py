"""What a server and devices keep whose messages are coded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.learners.learner import CentralLearner
from fedsim.tasks.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CodedState:
    """A server's state, how often it has changed, and the luck of what is sent down."""

    inner: Any
    version: int
    seed: int
    shared: Array | None = None
    """Where changes go down: the message that a device reads which has had all of them."""

    def rng(self) -> np.random.Generator:
        """The luck of the present version's messages."""
        return np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, self.version, 0]))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Kept:
    """What a device remembers, and what it has not sent: the shape of a message, None for nothing yet."""

    inner: Any
    rest: Array | None = None


class Inner(Mapping[int, Any]):
    """Memories as the learner itself knows them."""

    def __init__(self, memory: Mapping[int, Kept]) -> None:
        self._memory = memory

    def __getitem__(self, device: int) -> Any:
        return self._memory[device].inner

    def __iter__(self) -> Iterator[int]:
        return iter(self._memory)

    def __len__(self) -> int:
        return len(self._memory)


def apart(rng: np.random.Generator) -> np.random.Generator:
    """Luck for a code that takes none from the learner: the same bits, 2^128 draws on."""
    bits: Any = rng.bit_generator
    return np.random.Generator(bits.jumped())


def number_bytes(learner: CentralLearner) -> int:
    """Bytes of a number of its messages, float64 where it does not say."""
    return np.dtype(getattr(learner, "precision", "float64")).itemsize
