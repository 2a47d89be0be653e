"""What is measured along an axis, and in which unit it is drawn."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from fedsim.report.human import scale_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """A quantity and its unit on paper: what is drawn is the SI value over ``factor``.

    ``unit`` is the one of ``fedsim.report.human.about``: ``s``, ``bytes``, ``J``, ``1`` (a share), or empty.
    """

    text: str
    unit: str = ""
    factor: float = 1.0
    shown: str = ""
    log: bool = False

    @classmethod
    def of(cls, text: str, unit: str, values: Iterable[float], *, log: bool = False) -> Self:
        """The axis on which these values, in SI units, are easily read."""
        largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        factor, shown = scale_for(largest, unit)
        return cls(text=text, unit=unit, factor=factor, shown=shown, log=log)

    @property
    def title(self) -> str:
        """``simulated time (min)``."""
        return f"{self.text} ({self.shown})" if self.shown else self.text

    def drawn(self, value: float) -> float | None:
        """A value as it is drawn, to six digits; None for what cannot be."""
        if not math.isfinite(value) or (self.log and not value > 0):
            return None
        return float(f"{value / self.factor:.6g}")
