"""Named random streams: luck that belongs to a name, and to nobody else."""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

_TEXT, _NUMBER = b"s", b"i"


class _Key(ISeedSequence):
    """A finished Philox key in the form in which NumPy's bit generators ask for a seed."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: object = np.uint32) -> np.ndarray:  # noqa: ARG002
        return np.frombuffer(self._key, dtype="<u8", count=n_words).astype(np.uint64)


class Streams:
    """Independent generators by name, each a pure function of the run's seed and the name.

    A stream is numpy's counter-based ``Philox`` (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3")
    with a 128-bit key, the BLAKE2b hash of seed and names. Asking again for a name gives a new generator at the
    start of the same stream.
    """

    def __init__(self, seed: int) -> None:
        _check_part(seed, "seed")
        self.seed = int(seed)
        self._prefix = blake2b(_part(self.seed), digest_size=16)

    def generator(self, *names: str | int) -> np.random.Generator:
        """The stream of this name: one or more texts or whole numbers; ``1`` and ``"1"`` are different names."""
        if not names:
            raise ValueError("a random stream needs a name")
        state = self._prefix.copy()
        for name in names:
            state.update(_part(name))
        key: Any = _Key(state.digest())  # NumPy asks for an ISeedSequence; its type stubs say SeedSequence
        return np.random.Generator(np.random.Philox(key))


def _part(name: str | int) -> bytes:
    """Type, length, content: so that no two lists of names have the same bytes."""
    _check_part(name, "name")
    tag, text = (_TEXT, name) if isinstance(name, str) else (_NUMBER, str(int(name)))
    content = text.encode()
    return b"%b%d:%b" % (tag, len(content), content)


def _check_part(part: object, what: str) -> None:
    if isinstance(part, bool) or not isinstance(part, str | int | np.integer):
        raise TypeError(f"{what} must be a text or a whole number, got {part!r}")
