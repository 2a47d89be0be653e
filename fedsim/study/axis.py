"""What quality is drawn against: time, energy, bytes or rounds, each in the unit that suits."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from fedsim.errors import FedsimError
from fedsim.problems import unknown

Array = npt.NDArray[np.float64]

_SI: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A unit, and how many of the SI unit, seconds, joules or bytes, are one of it."""

    name: str
    size: float


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Columns of a curve that are added up, and that never fall; words for people; and units from the largest."""

    name: str
    columns: tuple[str, ...]
    text: str
    scales: tuple[Scale, ...]
    preposition: str = "for"

    def of(self, curve: pd.DataFrame) -> Array:
        """Where on the axis each evaluation of a curve stands: (evaluations,), in the SI unit."""
        return curve[list(self.columns)].sum(axis=1).to_numpy(dtype=np.float64)

    def scale(self, span: float) -> Scale:
        """The unit for an axis from 0 to ``span``: the largest of which it holds three or more."""
        return next((scale for scale in self.scales if span >= 3 * scale.size), self.scales[-1])

    def amount(self, value: float, scale: Scale) -> str:
        """``in 3.1 min``, ``for 12 kJ``, ``in 40 rounds``."""
        number = float(f"{value / scale.size:.3g}")
        return f"{self.preposition} {number:,.10g} {scale.name or self.text}"

    def label(self, scale: Scale) -> str:
        """``simulated time (min)``."""
        return f"{self.text} ({scale.name})" if scale.name else self.text


def axis(name: str) -> Axis:
    """The axis of that name.

    Raises:
        FedsimError: if there is none: the message names the nearest.
    """
    if name not in AXES:
        raise FedsimError(unknown(name, "axis", AXES))
    return AXES[name]


def _si(unit: str) -> tuple[Scale, ...]:
    return (*(Scale(name=f"{prefix}{unit}", size=size) for size, prefix in _SI), Scale(name=unit, size=1.0))


TIME: Final = Axis(
    name="time",
    columns=("time_s",),
    text="simulated time",
    scales=(
        Scale(name="days", size=86400.0),
        Scale(name="h", size=3600.0),
        Scale(name="min", size=60.0),
        Scale(name="s", size=1.0),
    ),
    preposition="in",
)

AXES: Final = MappingProxyType({
    "time": TIME,
    "energy": Axis(name="energy", columns=("energy_j",), text="energy of all devices", scales=_si("J")),
    "bytes": Axis(name="bytes", columns=("up_bytes", "down_bytes"), text="bytes up and down", scales=_si("B")),
    "rounds": Axis(
        name="rounds", columns=("round",), text="rounds", scales=(Scale(name="", size=1.0),), preposition="in"
    ),
})  # fmt: skip
