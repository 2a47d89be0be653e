"""What a learner adds to plain descent on its devices' own losses."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Terms:
    """Additions to the descent of b devices, each left out where it is None.

    In every step device i follows the gradient

        sum over its minibatch of q_j grad loss_j / |minibatch|  +  linear_i  +  proximal_i (w - anchor_i)

    FedProx (Li et al. 2020, Algorithm 2) is ``proximal=mu``; SCAFFOLD (Karimireddy et al. 2020, eq. 3)
    ``linear=c - c_k``; FedDyn (Acar et al. 2021, Algorithm 1) ``linear=-g_k, proximal=alpha``; an M-step of FedEM
    (Marfoq et al. 2021, Algorithm 1) ``example_weights=q``.

    Raises:
        FedsimError: if an anchor is given without the pull towards it.
    """

    rates: Array | None = None  # (b,) step sizes in place of the solver's
    linear: Array | None = None  # (b, p)
    proximal: Array | None = None  # (b,) strength of the pull towards the anchor
    anchor: Array | None = None  # (b, p), where it is not the start
    example_weights: Array | None = None  # q of all examples of the first device, then of the second, and so on
    momentum: Array | None = None  # (b, p) velocity from an earlier round; None starts at rest

    def __post_init__(self) -> None:
        if self.anchor is not None and self.proximal is None:
            raise FedsimError("terms: an anchor needs proximal, the strength of the pull towards it")

    def check(self, start: Array, examples: int) -> None:
        """Refuse shapes that do not fit b devices with p parameters and so many examples together.

        Args:
            start: (b, p) parameters before.
            examples: of all b devices; those of a device that is there twice count twice.

        Raises:
            FedsimError: if one does not.
        """
        every, each = start.shape, start.shape[:1]
        shapes = {"rates": each, "proximal": each, "example_weights": (examples,)}
        for known in fields(self):
            given, wanted = getattr(self, known.name), shapes.get(known.name, every)
            if given is not None and np.shape(given) != wanted:
                raise FedsimError(f"terms: {known.name} must have shape {wanted}, got {np.shape(given)}")

    def of(self, chosen: IntArray, start: Array) -> Self:
        """Those of some of the devices, with the start (b, p) as the anchor where none is given.

        ``example_weights`` stay whole.
        """
        anchor = start if self.proximal is not None and self.anchor is None else self.anchor
        vectors = {"rates": self.rates, "linear": self.linear, "proximal": self.proximal, "anchor": anchor}
        picked = {name: given[chosen] for name, given in vectors.items() if given is not None}
        return replace(self, **picked)

    def add_to(self, gradient: Array, w: Array) -> None:
        """Add the linear and proximal terms of the first a devices to their gradients (a, p) at w (a, p)."""
        a = len(w)
        if self.linear is not None:
            gradient += self.linear[:a]
        if self.proximal is not None and self.anchor is not None:
            gradient += self.proximal[:a, None] * (w - self.anchor[:a])
