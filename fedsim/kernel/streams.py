"""Named random streams: luck that belongs to a name, and to nobody else."""

from functools import cached_property
from hashlib import blake2b
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from fedsim.kernel.draws import Blocks, Draws
from fedsim.kernel.luck import Luck

_START: Final = np.zeros(4, dtype=np.uint64)
"""Where a stream begins: said as an array, Philox is made in two thirds of the time."""
_WORDS: Final = Struct("<2Q")
_MANY: Final = 4096
"""So many parts of names are remembered."""


class _Key(ISeedSequence):
    """A finished Philox key in the form in which NumPy's bit generators ask for a seed."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """The first words of the key, of this size: an array, or what is read like one."""
        if dtype is np.uint64 and n_words == 2:  # what Philox asks for, and reads one by one
            return _WORDS.unpack(self._key)
        wide = np.dtype(dtype)
        return np.frombuffer(self._key, dtype=wide.newbyteorder("<"), count=n_words).astype(wide)


class Streams:
    """Independent generators by name, each a pure function of the run's seed and the name.

    A stream is NumPy's counter-based ``Philox`` (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3",
    Philox4x64-10) with a 128-bit key: the BLAKE2b hash of seed and names, each as its type (``i`` or ``s``), its
    length in bytes, a colon and its text. Asking again for a name gives a new generator at the start of the same
    stream.

    Raises:
        TypeError: if the seed is not a whole number.
    """

    def __init__(self, seed: int) -> None:
        if not _is_whole(seed):
            raise TypeError(f"seed must be a whole number, got {seed!r}")
        self.seed = int(seed)
        self._prefix = blake2b(_part(self.seed), digest_size=16)
        self._texts: dict[str, bytes] = {}  # parts of names that came before: most streams share theirs with others

    def generator(self, *names: str | int) -> np.random.Generator:
        """The stream of this name: one or more texts or whole numbers; ``1`` and ``"1"`` are different names.

        Raises:
            TypeError: if a part of the name is something else.
            ValueError: if there is no name.
        """
        key: Any = _Key(self._digest(names))  # NumPy takes an ISeedSequence; its type hints say SeedSequence
        return np.random.Generator(np.random.Philox(key, counter=_START))

    def draws(self, *names: str | int) -> Draws:
        """The uniform numbers of this stream, those of ``generator(*names).random()``, for a stream of few draws.

        Raises:
            TypeError, ValueError: as ``generator``.
        """
        return Draws(self._blocks, self._digest(names))

    @cached_property
    def _blocks(self) -> Blocks:
        return Blocks()

    def luck(self, *names: str | int) -> Luck:
        """The luck of many things under this name; see ``Luck``. It has nothing in common with any generator.

        Raises:
            TypeError, ValueError: as ``generator``.
        """
        first, second = np.frombuffer(self._digest(names, b"luck of many"), dtype="<u4", count=2).tolist()
        return Luck((first, second))

    def _digest(self, names: tuple[str | int, ...], use: bytes = b"") -> bytes:
        if not names:
            raise ValueError("a random stream needs a name")
        state, texts = self._prefix.copy(), self._texts
        parts = use
        for name in names:
            if type(name) is str:
                part = texts.get(name)
                parts += self._of_text(name) if part is None else part
            else:
                parts += _part(name)
        state.update(parts)
        return state.digest()

    def _of_text(self, text: str) -> bytes:
        if len(self._texts) > _MANY:
            self._texts.clear()
        part = self._texts[text] = _part(text)
        return part


def _part(name: str | int) -> bytes:
    """Type, length, content: so that no two lists of names have the same bytes."""
    if isinstance(name, str):
        content = name.encode()
        return b"s%d:%b" % (len(content), content)
    if type(name) is int or _is_whole(name):
        content = b"%d" % name
        return b"i%d:%b" % (len(content), content)
    raise TypeError(f"name must be a text or a whole number, got {name!r}")


def _is_whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
