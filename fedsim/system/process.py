"""What turns on and off for many devices, each by itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.kernel import Luck

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ranks = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.uint64]


class Process(Protocol):
    """An on/off process of every device of a group, advanced for whom and when somebody looks.

    A device must be looked at in order of time; no device minds whether, when or with whom others are looked at.
    """

    def at(self, ranks: Ranks, time_s: float) -> tuple[Bools, Array]:
        """Whether these devices are on at ``time_s``, and until when that is certain (later than ``time_s``)."""

    def one(self, rank: int, time_s: float) -> tuple[bool, float]:
        """The same for one device."""


def _nothing(name: str) -> Array:
    raise FedsimError(f"nothing is known of the {name} of these devices")


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """The devices of a group, for the processes that are made for them.

    things: (n,) the number by which luck knows each device; in a named group a hash of its name, else its rank
    luck: the group's luck by name    measure: what a law may depend on, from 0 to 1, by name: (n,)
    """

    things: Numbers
    luck: Callable[..., Luck]
    measure: Callable[[str], Array] = _nothing

    def __len__(self) -> int:
        return len(self.things)
