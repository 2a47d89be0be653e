"""How many of some runs did something, and what that says of all that one might have run."""

import math
from dataclasses import dataclass

from scipy.special import ndtri


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """``count`` of ``of`` runs."""

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of or not self.of >= 1:
            raise ValueError(f"a share is a count of at least one run, got {self.count!r} of {self.of!r}")

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson's score interval for the probability.

        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. Brown, Cai and
        DasGupta ("Interval estimation for a binomial proportion", 2001) recommend it for 40 runs and fewer; it says
        something where none or all of the runs did it, too.
        """
        z2 = float(ndtri((1 + confidence) / 2)) ** 2
        share = self.count / self.of
        centre = (share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        half = math.sqrt(z2 * (share * (1 - share) / self.of + z2 / (4 * self.of**2))) / (1 + z2 / self.of)
        # At the ends the formula gives 0 and 1 exactly, which rounding may miss.
        return (0.0 if self.count == 0 else centre - half, 1.0 if self.count == self.of else centre + half)
