"""How numbers are coded on their way: what the receiver reads, and how many bytes that took."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


class Codec(Protocol):
    """A small frozen value. Codes have a fixed width: their size depends on how many numbers there are alone."""

    @property
    def is_dense(self) -> bool:
        """Whether every number arrives, more or less: only then can it carry a model as well as a change."""

    @property
    def keeps_rest(self) -> bool:
        """Whether the sender keeps what it did not send, and adds it to what it sends next (error feedback)."""

    @property
    def flops_per_number(self) -> float:
        """Floating-point operations to code a number, an engineering count."""

    def size_bytes(self, numbers: int) -> int:
        """Bytes of the code of so many numbers."""

    def damping(self, numbers: int) -> float:
        """How much of a code of so many numbers may count, so that it is nearer to them than 0 is in the mean."""

    def carried(self, numbers: Array, rng: np.random.Generator) -> Array:
        """What the receiver reads: (n,) to (n,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Float16:
    """IEEE half precision, rounded to nearest; beyond +-65504 numbers are cut off. 2 bytes each."""

    @property
    def is_dense(self) -> bool:
        """All arrive."""
        return True

    @property
    def keeps_rest(self) -> bool:
        """What is lost is about 0.05 % of each number."""
        return False

    @property
    def flops_per_number(self) -> float:
        """A conversion."""
        return 1.0

    def size_bytes(self, numbers: int) -> int:
        """Two each."""
        return 2 * numbers

    def damping(self, numbers: int) -> float:
        """All of it."""
        del numbers
        return 1.0

    def carried(self, numbers: Array, rng: np.random.Generator) -> Array:
        """Nothing is drawn."""
        del rng
        most = float(np.finfo(np.float16).max)
        return np.clip(numbers, -most, most).astype(np.float16).astype(np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Qsgd:
    """Alistarh et al., "QSGD", NeurIPS 2017, section 3.1: each number to one of ``levels`` shares of a norm, by chance.

    v_i becomes ||v||_2 sign(v_i) l / s, where l is one of the two whole numbers around s |v_i| / ||v||_2, drawn so that
    the mean is v_i; ||v|| is that of each ``bucket`` of b numbers. The variance is at most
    min(b / s^2, sqrt(b) / s) ||v||^2 (Lemma 3.1). Charged is a plain code of fixed width: the norm in float32 for each
    bucket, and for each number one of 2 s + 1 values in whole bits. The paper's Elias code is shorter where s is small
    against sqrt(b), and its length depends on the numbers.
    """

    levels: int = 127  # s: 255 values, 8 bits
    """s, the number of shares of the norm on either side of 0; >= 1."""
    bucket: int = 512
    """b, the number of numbers that share a norm; >= 1."""

    def __post_init__(self) -> None:
        for name, count in (("levels", self.levels), ("bucket", self.bucket)):
            if not count >= 1:
                raise FedsimError(f"qsgd: {name} must be >= 1, got {count!r}")

    @property
    def is_dense(self) -> bool:
        """All arrive, right in the mean."""
        return True

    @property
    def keeps_rest(self) -> bool:
        """It is right in the mean."""
        return False

    @property
    def flops_per_number(self) -> float:
        """Square and sum, scale, round, compare with luck, subtract."""
        return 6.0

    @property
    def bits(self) -> int:
        """Of one number."""
        return math.ceil(math.log2(2 * self.levels + 1))

    def size_bytes(self, numbers: int) -> int:
        """Norms, then numbers in bits without gaps."""
        return 4 * -(-numbers // self.bucket) + -(-numbers * self.bits // 8)

    def damping(self, numbers: int) -> float:
        """1 / (1 + variance); Koloskova, Stich and Jaggi 2019, section 3.5."""
        width = min(self.bucket, max(numbers, 1))
        return 1.0 / (1.0 + min(width / self.levels**2, math.sqrt(width) / self.levels))

    def carried(self, numbers: Array, rng: np.random.Generator) -> Array:
        """A uniform number is drawn for each."""
        norms = np.repeat(self.norms(numbers), min(self.bucket, len(numbers)))[: len(numbers)]
        return self.whole(numbers, norms, rng) * (norms / self.levels)

    def norms(self, numbers: Array) -> Array:
        """Of each bucket, (n / bucket,), in float32, never below the true one: no number is above its norm."""
        squares = np.add.reduceat(numbers**2, np.arange(0, len(numbers), self.bucket)) if len(numbers) else numbers
        norms = np.sqrt(squares)
        short = norms.astype(np.float32)
        return np.where(short < norms, np.nextafter(short, np.float32(np.inf)), short).astype(np.float64)

    def whole(self, numbers: Array, norms: Array, rng: np.random.Generator) -> Array:
        """The whole number from -levels to levels for each, (n,)."""
        ratio = np.divide(np.abs(numbers), norms, out=np.zeros(len(numbers)), where=norms > 0) * self.levels
        return np.sign(numbers) * np.floor(ratio + rng.random(len(numbers)))


@dataclass(frozen=True, kw_only=True, slots=True)
class TopK:
    """The largest ``share`` of the numbers, at least one; the rest is 0, and is kept for later.

    Error feedback as in Stich, Cordonnier and Jaggi, "Sparsified SGD with memory", NeurIPS 2018, Algorithm 1, unless
    ``error_feedback`` is off: then the rest is lost. Charged are 4 bytes for each value and whole bits
    for its place.
    """

    share: float = 0.01
    """Share of the numbers that travel; above 0 and at most 1."""
    error_feedback: bool = True
    """Whether what was left out is added to the next message; otherwise it is lost."""

    def __post_init__(self) -> None:
        _check_share("top-k", self.share)

    @property
    def is_dense(self) -> bool:
        """Most are missing."""
        return False

    @property
    def keeps_rest(self) -> bool:
        """What is small now may add up."""
        return self.error_feedback

    @property
    def flops_per_number(self) -> float:
        """Size, compare, and the rest."""
        return 3.0

    def size_bytes(self, numbers: int) -> int:
        """Values and places without gaps."""
        return -(-_kept(self.share, numbers) * (32 + _place_bits(numbers)) // 8)

    def damping(self, numbers: int) -> float:
        """All of it."""
        del numbers
        return 1.0

    def carried(self, numbers: Array, rng: np.random.Generator) -> Array:
        """Nothing is drawn."""
        del rng
        most = _kept(self.share, len(numbers))
        places = np.argpartition(-np.abs(numbers), most - 1)[:most]
        return _only(numbers, places, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomK:
    """A random ``share`` of the numbers, at least one, each n / k times its value: right in the mean.

    Both sides draw the places from a seed, so that 8 bytes for it and 4 for each value travel, and no places
    (Konecny et al., "Federated learning: strategies for improving communication efficiency", 2016, section 3).
    """

    share: float = 0.01
    """Share of the numbers that travel; above 0 and at most 1."""

    def __post_init__(self) -> None:
        _check_share("random-k", self.share)

    @property
    def is_dense(self) -> bool:
        """Most are missing."""
        return False

    @property
    def keeps_rest(self) -> bool:
        """It is right in the mean."""
        return False

    @property
    def flops_per_number(self) -> float:
        """Draw."""
        return 2.0

    def size_bytes(self, numbers: int) -> int:
        """The seed and the values."""
        return 8 + 4 * _kept(self.share, numbers)

    def damping(self, numbers: int) -> float:
        """K / n: the numbers themselves, of the places that were drawn."""
        return _kept(self.share, numbers) / max(numbers, 1)

    def carried(self, numbers: Array, rng: np.random.Generator) -> Array:
        """Places are drawn."""
        most = _kept(self.share, len(numbers))
        places = rng.choice(len(numbers), size=most, replace=False)
        return _only(numbers, places, len(numbers) / most)


def _check_share(name: str, share: float) -> None:
    if not 0 < share <= 1:
        raise FedsimError(f"{name}: share must be > 0 and <= 1, got {share!r}")


def _kept(share: float, numbers: int) -> int:
    return max(1, round(share * numbers))


def _place_bits(numbers: int) -> int:
    return max(numbers - 1, 1).bit_length()


def _only(numbers: Array, places: npt.NDArray[np.intp], factor: float) -> Array:
    """Zeros but for some places, where the values are in float32."""
    result = np.zeros(len(numbers))
    result[places] = (factor * numbers[places]).astype(np.float32)
    return result
