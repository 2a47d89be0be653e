"""What a topology carried, for a drawing."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

STEPS: Final = (0.0, 0.05, 0.25, 0.6)
"""Utilisations from which a link is drawn in the next colour; the first is for links that carried nothing."""
NAMES: Final = ("nothing", "up to 5 %", "5 to 25 %", "25 to 60 %", "above 60 %")
COLOURS: Final = ("#c3c9d0", "#e2a336", "#dd6a3b", "#b12a70", "#5b0f8b")
"""From light to dark, so that they are told apart without their hue."""


@dataclass(frozen=True, kw_only=True)
class Loads:
    """``utilisation`` of each direction of links, by (source, target); ``devices`` that worked at each node."""

    utilisation: Mapping[tuple[str, str], float]
    devices: Mapping[str, int]

    def of(self, a: str, b: str) -> float:
        """Of the busier direction of a link; 0 where nothing is known of it."""
        return max(self.utilisation.get((a, b), 0.0), self.utilisation.get((b, a), 0.0))

    def step(self, a: str, b: str) -> int:
        """The number of a link's colour, 0 to 4."""
        value = self.of(a, b)
        return bisect_right(STEPS, value) if value > 0 else 0
