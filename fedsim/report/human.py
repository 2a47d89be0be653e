"""Quantities for people: three significant digits and the unit that suits, ``3.1 min``, ``12.4 MB``, ``310 J``."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_SCALES: Final[Mapping[str, tuple[tuple[float, str], ...]]] = MappingProxyType({
    "s": ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us")),
    "bytes": ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
    "J": ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"), (1e-6, "uJ")),
    "bit/s": ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"), (1.0, "bit/s")),
    "flop/s": ((1e12, "TFLOP/s"), (1e9, "GFLOP/s"), (1e6, "MFLOP/s"), (1.0, "FLOP/s")),
    "W": ((1.0, "W"), (1e-3, "mW")),
    "": ((1.0, ""),),
})  # fmt: skip

NOTHING: Final = "-"
_LONG_SHARE: Final = 1e4  # a regression that diverges explains less than nothing, by many digits


def about(value: float, unit: str) -> str:
    """``value`` to three significant digits in the largest unit of its kind in which it is at least 1.

    The unit is ``s``, ``bytes``, ``J``, ``bit/s``, ``flop/s``, ``W``, ``1`` (a share, in per cent with one decimal),
    or empty for a plain number.
    """
    if unit == "1":
        return _share(value)
    if not math.isfinite(value):
        return "never" if unit == "s" and value > 0 else str(value)
    rounded = float(f"{value:.3g}")
    scales = _SCALES[unit]
    if rounded == 0:
        return f"0 {'B' if unit == 'bytes' else unit}".strip()
    scale, name = next((pair for pair in scales if abs(rounded) >= pair[0]), scales[-1])
    exact = value if abs(value) >= scale else rounded  # 59.96 s is 1 min, not 0.999 min
    return f"{_digits(exact / scale)} {name}".strip()


def scale_for(largest: float, unit: str) -> tuple[float, str]:
    """The unit for an axis from 0 to ``largest``, and how large it is: the largest of which the axis holds two."""
    if unit == "1":
        return 0.01, "%"
    scales = _SCALES[unit]
    return next((pair for pair in scales if largest >= 2 * pair[0]), scales[-1] if largest > 0 else (1.0, unit))


def gain(value: float, unit: str) -> str:
    """A difference, always with its sign; a difference of shares is in percentage points."""
    text = f"{100 * value:.1f} pt" if unit == "1" else about(value, unit)
    return text if text.startswith("-") or value == 0 else f"+{text}"


def _share(value: float) -> str:
    if not math.isfinite(value):
        return "not a number"
    return f"{100 * value:.1e} %" if abs(value) >= _LONG_SHARE else f"{100 * value:.1f} %"


def plural(number: int, noun: str) -> str:
    """``1 seed``, ``5 seeds``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _digits(value: float) -> str:
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:.3g}"
