"""A walk back through time, from the end of a run to its start, that leaves no second out."""

from dataclasses import dataclass, field
from typing import Final

_NOISE_S: Final = 1e-9
_NOISE_SHARE: Final = 1e-13


def noise_s(time_s: float) -> float:
    """Instants that are no further apart than this are one: starts are told by differences of the clock's times."""
    return _NOISE_S + _NOISE_SHARE * abs(time_s)


def is_same(one_s: float, other_s: float) -> bool:
    """Whether two instants are one."""
    return abs(one_s - other_s) <= noise_s(one_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """What a step belongs to: a round, whoever was at work, the technology or the way of a message."""

    round: int = 0
    device: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One stretch of the path."""

    where: Where
    phase: str
    part: str
    start_s: float
    end_s: float


@dataclass(kw_only=True, slots=True)
class Walk:
    """Where it has come to, and the steps that it took, latest first. Every step begins where the next one ends."""

    at_s: float
    taken: list[Step] = field(default_factory=list)

    def back_to(self, start_s: float, phase: str, where: Where, part: str = "") -> None:
        """One step back; none if it is no longer than noise, which falls to the step before it in time.

        No step goes before the start of the run, or forward.
        """
        start_s = max(start_s, 0.0)
        if self.at_s - start_s <= noise_s(self.at_s):
            if start_s > 0 or not self.taken:
                return
            self._reach_the_start()
            return
        self.taken.append(Step(where=where, phase=phase, part=part, start_s=start_s, end_s=self.at_s))
        self.at_s = start_s

    def _reach_the_start(self) -> None:
        """Noise before the first step of a run falls to that step: there is none before it."""
        last = self.taken.pop()
        self.taken.append(Step(where=last.where, phase=last.phase, part=last.part, start_s=0.0, end_s=last.end_s))
        self.at_s = 0.0
