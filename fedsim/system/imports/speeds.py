"""Capacities as people write them on the links of their maps: ``10 Gbps``, ``OC-48``, ``155 Mb/s - 2.5 Gb/s``."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PREFIX: Final[Mapping[str, float]] = MappingProxyType({"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12})
_SPEED: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:bit|b)(?:ps|/s|/sec|s)?(?![a-z])", re.IGNORECASE)
_CARRIER: Final = re.compile(r"\b(OC|STM)[- ]?(\d+)", re.IGNORECASE)
_CARRIER_BPS: Final[Mapping[str, float]] = MappingProxyType({"OC": 51.84e6, "STM": 155.52e6})
_LONGEST: Final = 200


def speed_bps(label: str) -> float | None:
    """The capacity that a label states, the upper end of a range; None where it states none.

    OC-n is n x 51.84 Mbit/s (SONET), STM-n is n x 155.52 Mbit/s (SDH).
    """
    text = label[:_LONGEST]
    found = [float(number) * _PREFIX[prefix.lower()] for number, prefix in _SPEED.findall(text)]
    found += [int(number) * _CARRIER_BPS[carrier.upper()] for carrier, number in _CARRIER.findall(text)]
    return max((speed for speed in found if speed > 0), default=None)


def prefixed_bps(number: float, unit: str) -> float | None:
    """The capacity ``10`` ``G``; None where the unit is unknown."""
    factor = _PREFIX.get(unit.strip().lower()[:1])
    return None if factor is None else number * factor
