"""Label skew on devices of equal size: each device has a prior over classes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.partition import apportioned
from fedsim.tasks.partitions.partition import check_minimum
from fedsim.tasks.partitions.quantity import lognormal_shares
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class ClassPrior:
    """Label skew with equal sizes: each device draws its classes from a prior of its own, drawn from Dir(alpha).

    Acar et al., "Federated learning based on dynamic regularization", ICLR 2021 (FedDyn), as their code has it:
    a random device that has room draws a class from its prior, and again if no row of the class is left, and is given
    a row of it; and so on. Sizes differ by one at most; with ``size_sigma`` above 0 they are in proportion to
    lognormal draws of that sigma (their unbalanced case has 0.3). Their code drops the rows that do not divide evenly;
    here the first devices get one more each, so that every row is dealt.

    What the drawing again amounts to, the prior confined to the classes that are left, is drawn at once; where the
    prior of these is 0 in double precision, all classes left are equally likely.
    """

    source: ClassVar[str] = "Acar et al., FedDyn, ICLR 2021; the authors' code"

    alpha: float = 0.3
    """Of the Dirichlet law of the priors: small ones are one-sided; > 0."""
    size_sigma: float = 0.0
    """Spread of the sizes, as the sigma of a lognormal law; 0 for equal ones."""
    min_examples: int = 2
    """Examples that every device has at least."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise FedsimError(f"alpha must be > 0 and finite, got {self.alpha!r}")
        if not 0 <= self.size_sigma < math.inf:
            raise FedsimError(f"size_sigma must be >= 0 and finite, got {self.size_sigma!r}")
        check_minimum(self.min_examples)

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        labels = rows.labels
        shares = lognormal_shares(devices, self.size_sigma, rng)
        sizes = apportioned(shares, len(rows), minimum=self.min_examples)
        priors = rng.dirichlet(np.full(rows.classes, self.alpha), size=devices)
        left = [list(rng.permutation(np.flatnonzero(labels == label))) for label in range(rows.classes)]
        device = np.empty(len(rows), dtype=np.int64)
        for one in _turns(sizes, rng):
            device[left[_class_of(priors[one], left, rng)].pop()] = one
        return device


def _turns(sizes: IntArray, rng: np.random.Generator) -> Iterator[int]:
    """Whose turn it is: any device that has room, all equally likely, until there is no room."""
    room = sizes.tolist()
    waiting = [one for one, size in enumerate(room) if size]
    while waiting:
        place = int(rng.integers(len(waiting)))
        one = waiting[place]
        room[one] -= 1
        if not room[one]:
            del waiting[place]
        yield one


def _class_of(prior: Array, left: list[list[int]], rng: np.random.Generator) -> int:
    """A class of which rows are left, drawn from the prior confined to these."""
    there = np.array([bool(rows) for rows in left])
    confined = np.where(there, prior, 0.0)
    if not confined.sum() > 0:
        confined = there.astype(np.float64)
    steps = np.cumsum(confined)
    return int(np.searchsorted(steps, rng.random() * steps[-1], side="right"))
