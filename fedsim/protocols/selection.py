"""Whom the server asks: a small value that begins a run, and from then on chooses by round.

All luck is in lots, which are functions of the run's seed, the device and the round alone: two runs that differ in
who is there share the luck of those that they have in common. Everything is done on arrays of all devices, so that a
crew of a million makes only those that it chooses.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.learners.learner import Array
from fedsim.protocols.node import Crew, DeviceNode
from fedsim.protocols.session import CentralSession

Choose = Callable[[int, int], Awaitable[Sequence[DeviceNode]]]
"""So many devices, or fewer, in the round of this number (1, 2, ...)."""


class Selection(Protocol):
    """How devices are chosen among those that are there."""

    def begin(self, session: CentralSession) -> Choose:
        """What chooses in one run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Uniform:
    """Everybody who is there has the same chance."""

    def begin(self, session: CentralSession) -> Choose:
        """The lowest lots."""

        async def choose(wanted: int, number: int) -> Sequence[DeviceNode]:
            return session.devices.choose(wanted, number)

        return choose


@dataclass(frozen=True, kw_only=True, slots=True)
class ByProbability:
    """Each device that is there, independently, with this probability; drawn again if that is nobody.

    As many as that may be: ``wanted`` bounds nothing. As in FedDyn's experiments (Acar et al. 2021).
    """

    probability: float

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be > 0 and <= 1, got {self.probability!r}")

    def begin(self, session: CentralSession) -> Choose:
        """Lots below the probability."""

        async def choose(wanted: int, number: int) -> Sequence[DeviceNode]:
            del wanted
            crew = session.devices
            if not crew.first(1, np.arange(len(crew))):
                return ()
            attempt = 0
            while True:
                lots = crew.uniforms(number, attempt)
                chosen = crew.first(len(crew), np.where(lots < self.probability, lots, np.inf))
                if chosen:
                    return chosen
                attempt += 1

        return choose


@dataclass(frozen=True, kw_only=True, slots=True)
class ByCharge:
    """Only devices with at least ``min_share`` of their charge; ``fullest_first``, or uniformly among these.

    What hangs on the mains counts as full; among equally full ones the lot decides.
    """

    min_share: float = 0.0
    fullest_first: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.min_share <= 1:
            raise ValueError(f"min must be between 0 and 1, got {self.min_share!r}")

    def begin(self, session: CentralSession) -> Choose:
        """By the charge of now."""

        async def choose(wanted: int, number: int) -> Sequence[DeviceNode]:
            charge, lots = session.devices.charge_share(), session.devices.uniforms(number)
            rank = _rank(-charge, lots) if self.fullest_first else lots
            return session.devices.first(wanted, np.where(charge >= self.min_share, rank, np.inf))

        return choose


@dataclass(frozen=True, kw_only=True, slots=True)
class BySpeed:
    """With chances in proportion to speed to this power: 0 is uniform, a large one takes the fastest."""

    power: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.power < np.inf:
            raise ValueError(f"power must be >= 0 and finite, got {self.power!r}")

    def begin(self, session: CentralSession) -> Choose:
        """By speeds relative to the fastest, which never change."""
        speeds = session.devices.speeds_flops_per_s()
        return _in_proportion(session.devices, _relative(speeds) ** self.power)


@dataclass(frozen=True, kw_only=True, slots=True)
class ByExamples:
    """With chances in proportion to a device's training examples, as in FedProx (Li et al. 2020, Algorithm 2).

    Drawn one after the other without putting back.
    """

    def begin(self, session: CentralSession) -> Choose:
        """By the sizes of the problem."""
        return _in_proportion(session.devices, session.training.problem.sizes.astype(np.float64))


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundRobin:
    """Whoever has waited longest since it was last chosen, in the order of the devices."""

    def begin(self, session: CentralSession) -> Choose:
        """Remembers who was chosen when, in this run."""
        turn = np.zeros(len(session.devices))

        async def choose(wanted: int, number: int) -> Sequence[DeviceNode]:
            chosen = session.devices.first(wanted, turn * len(turn) + np.arange(len(turn)))
            turn[[device.index for device in chosen]] = number
            return chosen

        return choose


def races(lots: Array, weights: Array) -> Array:
    """Arrival times of exponential races: the k first are k drawn in proportion to weights, without putting back.

    Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir", in the form -ln(u) / w. Where the weight
    is 0 the time is infinite.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(-np.log1p(-lots) / weights)


def _in_proportion(crew: Crew, weights: Array) -> Choose:
    async def choose(wanted: int, number: int) -> Sequence[DeviceNode]:
        return crew.first(wanted, races(crew.uniforms(number), weights))

    return choose


def _relative(speeds: Array) -> Array:
    fastest = float(speeds.max())
    return (speeds == fastest).astype(np.float64) if np.isinf(fastest) else speeds / fastest


def _rank(keys: Array, lots: Array) -> Array:
    """The place of each in the order of keys, then lots."""
    order = np.lexsort((lots, keys))
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order))
    return rank
