"""What happens to messages beside their transport: lost, doubled, late, corrupted; every pair has its own luck."""

import math
from dataclasses import dataclass

import numpy as np

from fedsim import units
from fedsim.kernel import Simulation
from fedsim.system.law import Law
from fedsim.system.retry import Retry


@dataclass(frozen=True, kw_only=True, slots=True)
class Lateness:
    """Messages are held up on their way with some probability, before their bytes move, for a time by law.

    Raises:
        ValueError: a probability that is not > 0 and <= 1, or a law that can be negative.
    """

    share: float
    by_s: Law

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share must be above 0 % and at most 100 %, got {units.per_cent(self.share)}")
        if not self.by_s.support[0] >= 0:
            raise ValueError(f"by must not be negative, got {self.by_s!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Manners:
    """What happens to messages beside their transport.

    message_loss: the probability that a message is sent in full and lost; or each of its chunks, where it is cut.
    corruption: likewise, that it arrives and its checksum does not match: then the receiver throws it away.
    duplication: the probability that a message that arrived comes once more, in vain.    lateness: how it is held up.
    retry: how a failed message is sent again; None leaves that to the protocol.    chunk_bytes: a message that breaks
    off loses only the chunk that was on its way; it is sent on after the last complete one.
    give_up_s: how long it takes a sender to find that there is no route.

    Raises:
        ValueError: a probability that is not >= 0 and < 1, a chunk that is not > 0, a time that is not > 0 and finite.
    """

    message_loss: float = 0.0
    corruption: float = 0.0
    duplication: float = 0.0
    lateness: Lateness | None = None
    retry: Retry | None = None
    chunk_bytes: float = math.inf
    give_up_s: float = 3.0

    def __post_init__(self) -> None:
        for name in ("message_loss", "corruption", "duplication"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise ValueError(f"{name} must be at least 0 % and below 100 %, got {units.per_cent(share)}")
        if not self.chunk_bytes > 0:
            raise ValueError(f"chunk_bytes must be > 0, got {self.chunk_bytes!r}")
        if not 0 < self.give_up_s < math.inf:
            raise ValueError(f"give_up_s must be > 0 and finite, got {self.give_up_s!r}")

    @property
    def mishaps(self) -> bool:
        """Whether anything may happen to a message."""
        return bool(self.message_loss or self.corruption or self.duplication or self.lateness)


class Fortune:
    """The luck of pairs with their messages. Each kind of mishap has its own, so that one more changes no other's."""

    def __init__(self, sim: Simulation, manners: Manners) -> None:
        self._sim = sim
        self._manners = manners
        self.may_spoil = manners.message_loss > 0 or manners.corruption > 0
        """Whether messages that went all their way can be lost or corrupted."""
        self._streams: dict[tuple[str, str, str], np.random.Generator] = {}

    def late_s(self, source: str, target: str) -> float:
        """How long the next message of a pair is held up."""
        lateness = self._manners.lateness
        if lateness is None:
            return 0.0
        luck = self._luck("lateness", source, target)
        return lateness.by_s.draw(luck) if luck.random() < lateness.share else 0.0

    def is_doubled(self, source: str, target: str) -> bool:
        """Whether a message that arrived comes once more."""
        share = self._manners.duplication
        return share > 0 and self._luck("duplication", source, target).random() < share

    def losses(self, source: str, target: str) -> tuple[float, np.random.Generator] | None:
        """The probability to be lost, and the luck that decides it; None where nothing is."""
        share = self._manners.message_loss
        return (share, self._luck("loss", source, target)) if share else None

    def corruptions(self, source: str, target: str) -> tuple[float, np.random.Generator] | None:
        """Likewise, to be corrupted."""
        share = self._manners.corruption
        return (share, self._luck("corruption", source, target)) if share else None

    def _luck(self, kind: str, source: str, target: str) -> np.random.Generator:
        luck = self._streams.get((kind, source, target))
        if luck is None:
            luck = self._streams[kind, source, target] = self._sim.rng(kind, source, target)
        return luck
