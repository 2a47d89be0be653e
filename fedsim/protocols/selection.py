"""Whom the server asks: a small value that begins a run, and from then on chooses by round.

All luck is in lots, which are functions of the run's seed, the device and the round alone: two runs that differ in
who is there share the luck of those that they have in common. Everything is done on arrays of all devices, so that a
crew of a million makes only those that it chooses.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

import numpy as np

from fedsim.learners.learner import Array
from fedsim.protocols.node import DeviceNode
from fedsim.protocols.session import CentralSession

_MILLION: Final = 1e6

Choose = Callable[[CentralSession, int, int], Awaitable[Sequence[DeviceNode]]]
"""So many of the session's devices, or fewer, in the round of this number (1, 2, ...)."""


class Selection(Protocol):
    """How devices are chosen among those that are there."""

    def begin(self, devices: int) -> Choose:
        """What chooses in one run with so many devices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Uniform:
    """Everybody who is there has the same chance."""

    def begin(self, devices: int) -> Choose:
        """Remembers nothing."""
        del devices
        return self._choose

    async def _choose(self, session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
        return session.devices.choose(wanted, number)


@dataclass(frozen=True, kw_only=True, slots=True)
class ByProbability:
    """Each device that is there, independently, with this probability; drawn again if that is nobody.

    As many as that may be: it does not ask how many are wanted. As in FedDyn's experiments (Acar et al. 2021).
    """

    probability: float
    """Chance of each device, independent of the others; above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be > 0 and <= 1, got {self.probability!r}")

    def begin(self, devices: int) -> Choose:
        """Remembers nothing."""
        del devices
        return self._choose

    async def _choose(self, session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
        del wanted
        crew = session.devices
        if not crew.first(1, np.arange(len(crew))):
            return ()
        for attempt in count():
            lots = crew.uniforms(number, attempt)
            if chosen := crew.first(len(crew), np.where(lots < self.probability, lots, np.inf)):
                return chosen
        raise AssertionError


@dataclass(frozen=True, kw_only=True, slots=True)
class ByCharge:
    """Only devices with at least ``min_share`` of their charge; ``fullest_first``, or uniformly among these.

    What hangs on the mains counts as full; among those that are equally full, to a millionth, the lot decides.
    """

    min_share: float = 0.0
    """Charge, as a share of the battery, below which a device is not chosen."""
    fullest_first: bool = True
    """Whether the fullest are taken; otherwise all with enough charge are alike."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_share <= 1:
            raise ValueError(f"min_share must be between 0 and 1, got {self.min_share!r}")

    def begin(self, devices: int) -> Choose:
        """Remembers nothing."""
        del devices
        return self._choose

    async def _choose(self, session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
        charge, lots = session.devices.charge_share(), session.devices.uniforms(number)
        keys = lots - np.floor(charge * _MILLION) if self.fullest_first else lots
        return session.devices.first(wanted, np.where(charge >= self.min_share, keys, np.inf))


@dataclass(frozen=True, kw_only=True, slots=True)
class BySpeed:
    """With chances in proportion to speed to this power: 0 is uniform, a large one takes the fastest.

    Drawn one after the other without putting back.
    """

    power: float = 1.0
    """Chances are in proportion to speed to this power: 0 is uniform, a large one takes the fastest."""

    def __post_init__(self) -> None:
        if not 0 <= self.power < np.inf:
            raise ValueError(f"power must be >= 0 and finite, got {self.power!r}")

    def begin(self, devices: int) -> Choose:
        """Remembers nothing."""
        del devices
        return self._choose

    async def _choose(self, session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
        crew = session.devices
        weights = _relative(crew.speeds_flops_per_s()) ** self.power
        return crew.first(wanted, races(crew.uniforms(number), weights))


@dataclass(frozen=True, kw_only=True, slots=True)
class ByExamples:
    """With chances in proportion to a device's training examples, as in FedProx (Li et al. 2020, Algorithm 2).

    Drawn one after the other without putting back.
    """

    def begin(self, devices: int) -> Choose:
        """Remembers nothing."""
        del devices
        return self._choose

    async def _choose(self, session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
        return session.devices.first(wanted, by_examples(session, number))


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundRobin:
    """Whoever has waited longest since it was last chosen, in the order of the devices."""

    def begin(self, devices: int) -> Choose:
        """Remembers who was chosen when."""
        turn = np.zeros(devices)

        async def choose(session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
            chosen = session.devices.first(wanted, turn * devices + np.arange(devices))
            turn[[device.index for device in chosen]] = number
            return chosen

        return choose


def by_examples(session: CentralSession, number: int) -> Array:
    """Keys of which the k lowest are k devices drawn in proportion to their training examples: (n,)."""
    return races(session.devices.uniforms(number), session.training.problem.sizes.astype(np.float64))


def races(lots: Array, weights: Array) -> Array:
    """Arrival times of exponential races: the k first are k drawn in proportion to weights, without putting back.

    Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir", in the form -ln(u) / w. Where the weight
    is 0 the time is infinite.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-lots) / weights)


def _relative(speeds: Array) -> Array:
    fastest = float(speeds.max())
    return (speeds == fastest).astype(np.float64) if np.isinf(fastest) else speeds / fastest
