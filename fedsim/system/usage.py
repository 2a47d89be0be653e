"""What work costs: joules by cause, bytes each way, seconds of computing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fedsim.system.meter import CAUSES


def _nothing() -> dict[str, float]:
    return dict.fromkeys(CAUSES, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What one device or many spent so far; the difference of two is what a piece of work cost."""

    energy_j: Mapping[str, float] = field(default_factory=_nothing)
    sent_bytes: float = 0.0
    received_bytes: float = 0.0
    compute_s: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return self._combine(other, 1.0)

    def __sub__(self, other: "Usage") -> "Usage":
        return self._combine(other, -1.0)

    @property
    def work_j(self) -> float:
        """Joules spent for the learner: everything but the sleep that would have been drawn anyway."""
        return sum(self.energy_j[cause] for cause in CAUSES if cause != "sleep")

    @property
    def computing(self) -> "Usage":
        """The part that went into computing."""
        return computing(self.energy_j["compute"], self.compute_s)

    @property
    def not_negative(self) -> "Usage":
        """Each part, or 0 where it is below."""
        return Usage(
            energy_j={cause: max(joules, 0.0) for cause, joules in self.energy_j.items()},
            sent_bytes=max(self.sent_bytes, 0.0),
            received_bytes=max(self.received_bytes, 0.0),
            compute_s=max(self.compute_s, 0.0),
        )

    def _combine(self, other: "Usage", sign: float) -> "Usage":
        return Usage(
            energy_j={cause: self.energy_j[cause] + sign * other.energy_j[cause] for cause in CAUSES},
            sent_bytes=self.sent_bytes + sign * other.sent_bytes,
            received_bytes=self.received_bytes + sign * other.received_bytes,
            compute_s=self.compute_s + sign * other.compute_s,
        )


NOTHING: Final = Usage()
"""Of those to whom nothing has happened."""


def total(usages: Iterable[Usage]) -> Usage:
    """All of these together; of many in half the time of adding one to the next, to the same sums."""
    energy_j = _nothing()
    sent_bytes = received_bytes = compute_s = 0.0
    for usage in usages:
        for cause, joules in usage.energy_j.items():
            energy_j[cause] += joules
        sent_bytes += usage.sent_bytes
        received_bytes += usage.received_bytes
        compute_s += usage.compute_s
    return Usage(energy_j=energy_j, sent_bytes=sent_bytes, received_bytes=received_bytes, compute_s=compute_s)


def computing(energy_j: float, compute_s: float) -> Usage:
    """So many joules and seconds of computing, and nothing else."""
    return Usage(energy_j={**_nothing(), "compute": energy_j}, compute_s=compute_s)


class WasteBook:
    """Work that was spent and did not count, by cause: crash, left, battery, late, surplus, lost ..."""

    def __init__(self) -> None:
        self.pieces: dict[str, int] = {}
        self.usage: dict[str, Usage] = {}

    def add(self, cause: str, usage: Usage) -> None:
        """One more piece of work lost to ``cause``."""
        self.pieces[cause] = self.pieces.get(cause, 0) + 1
        self.usage[cause] = self.usage.get(cause, Usage()) + usage

    @property
    def total(self) -> Usage:
        """Everything wasted, whatever the cause."""
        return sum(self.usage.values(), Usage())
