"""Whether a difference is real, and how large it is, in words."""

from dataclasses import dataclass
from typing import Final, Literal

from fedsim.study.difference import Difference
from fedsim.study.effect import effect

LEVEL: Final = 0.05
FEWEST_SEEDS: Final = 3
"""Two equal differences have an interval of no width, and times that are looked at now and then are often equal."""

State = Literal["real", "cannot tell", "the same", "too few seeds", "never reached", "diverged", "nothing to compare"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be said of one figure of the scenario ``name`` against ``first``.

    ``p`` is the difference's, corrected for all scenarios that are compared with the first one in this figure.
    """

    name: str
    first: str
    difference: Difference
    p: float | None

    @property
    def state(self) -> State:
        """In short."""
        found = self.difference
        if not found.pairs:
            return "nothing to compare"
        if found.not_finite:
            return "diverged"
        if not any(pair.own.complete or pair.first.complete for pair in found.pairs):
            return "never reached"
        if len(found.pairs) < FEWEST_SEEDS or self.p is None:
            return "too few seeds"
        if self.p < LEVEL:
            return "real"
        return "the same" if found.complete == len(found.pairs) and not any(found.differences) else "cannot tell"

    @property
    def words(self) -> str:
        """In a sentence: ``ring is 1.8 x slower to the target (1.5 to 2.2): real``."""
        state, found = self.state, self.difference
        text = found.measure.text
        if state == "nothing to compare":
            return f"{text}: nothing to compare"
        if state == "diverged":
            return f"{text}: not finite with {found.not_finite} of {len(found.pairs)} seeds"
        if state == "never reached":
            return f"{text}: neither {self.name} nor {self.first} reached the target"
        if state == "the same":
            return f"{self.name} has the same {text} as {self.first} with every seed"
        return f"{effect(self.name, found)}: {state}{self._more_seeds}"

    @property
    def _more_seeds(self) -> str:
        seen, needed = len(self.difference.pairs), self.difference.seeds_needed
        if self.state == "too few seeds":
            return f" for a verdict, {FEWEST_SEEDS} are the fewest"
        if self.state == "real" or needed is None or needed <= seen:
            return ""
        return f"; about {needed} seeds might tell"
