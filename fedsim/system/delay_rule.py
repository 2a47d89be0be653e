"""From distance to delay."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

Medium = Literal["wire", "fibre", "radio", "satellite"]
MEDIA: Final[tuple[Medium, ...]] = get_args(Medium)

_SPEED_M_PER_S: Final[Mapping[str, float]] = MappingProxyType({
    "wire": 2e8,  # two thirds of light in a vacuum, for glass (index 1.47) and for twisted pairs
    "fibre": 2e8,
    "radio": 299_792_458.0,
    "satellite": 299_792_458.0,
})  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class DelayRule:
    """One-way delay of a link from the distance of its ends, as the crow flies.

    Along a cable, ``route_factor * distance / (200 km/ms) + 2 * site_s``: no cable goes straight (1.5 is typical of
    fibre routes), and each site may add time of its own. Through the air or space, ``distance / (300 km/ms) +
    2 * site_s``.

    Raises:
        ValueError: a factor that is not >= 1 and finite, or a time that is not >= 0 and finite.
    """

    route_factor: float = 1.5
    """How much longer a cable is than the way as the crow flies; >= 1."""
    site_s: float = 0.0
    """What each end of a link adds; >= 0."""

    def __post_init__(self) -> None:
        if not 1 <= self.route_factor < math.inf:
            raise ValueError(f"route_factor must be >= 1 and finite, got {self.route_factor!r}")
        if not 0 <= self.site_s < math.inf:
            raise ValueError(f"site must be >= 0 and finite, got {self.site_s!r}")

    def delay_s(self, length_m: float, medium: str = "wire") -> float:
        """The delay over ``length_m`` metres."""
        factor = self.route_factor if medium in {"wire", "fibre"} else 1.0
        return factor * length_m / _SPEED_M_PER_S[medium] + 2 * self.site_s


DELAY_RULES: Final[Mapping[str, DelayRule]] = MappingProxyType({
    "typical": DelayRule(),
    # fits round trips between cloud regions and between cities, above about 1000 km
    "measured": DelayRule(route_factor=1.8, site_s=0.002),
})  # fmt: skip
