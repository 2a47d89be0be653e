"""Values of a key that varies, as numbers with a unit where they are quantities, and as names where they are not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fedsim import units
from fedsim.errors import FedsimError

_UNITS: Final = ("s", "bytes", "bit/s", "J", "J/bit", "W", "flop", "flop/s", "m", "1")


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisValues:
    """Where each value is on an axis, rising for numbers; ``names`` are what stands there for other values."""

    at: tuple[float, ...]
    unit: str = ""
    names: tuple[str, ...] = ()

    @property
    def is_numeric(self) -> bool:
        """Whether the values are quantities of one kind."""
        return not self.names


def axis_values(values: Sequence[Any]) -> AxisValues:
    """Places for all values: themselves in SI if they are numbers or quantities of one kind, or else 0, 1, 2 ..."""
    for unit in _UNITS:
        found = [_number(value, unit) for value in values]
        if all(number is not None for number in found):
            plain = all(not isinstance(value, str) for value in values)
            shown = "" if plain or unit == "1" else unit
            return AxisValues(at=tuple(number for number in found if number is not None), unit=shown)
    names = list(dict.fromkeys(map(str, values)))
    return AxisValues(at=tuple(float(names.index(str(value))) for value in values), names=tuple(names))


def _number(value: Any, unit: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return units.parse(value, unit)
    except FedsimError:
        return None
