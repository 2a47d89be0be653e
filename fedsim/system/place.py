"""Where a node is, and how far it is from there to another."""

import math
from dataclasses import dataclass
from typing import Final

EARTH_RADIUS_M: Final = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Geo:
    """A spot on the earth, in degrees (WGS84): north and east are positive."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not -90 <= self.lat <= 90:
            raise ValueError(f"a latitude must lie between -90 and 90 degrees, got {self.lat!r}")
        if not -180 <= self.lon <= 180:
            raise ValueError(f"a longitude must lie between -180 and 180 degrees, got {self.lon!r}")


@dataclass(frozen=True, slots=True)
class Plane:
    """A spot on a plan, in metres: x to the right, y upwards."""

    x_m: float
    y_m: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x_m) and math.isfinite(self.y_m)):
            raise ValueError(f"a place on a plan must be finite, got {self.x_m!r}, {self.y_m!r}")


Place = Geo | Plane


def distance_m(here: Place, there: Place) -> float:
    """As the crow flies, in metres: a great circle (haversine formula, a sphere of 6371 km) or a straight line.

    Raises:
        ValueError: one is on the earth and the other on a plan.
    """
    if isinstance(here, Plane) and isinstance(there, Plane):
        return math.hypot(here.x_m - there.x_m, here.y_m - there.y_m)
    if isinstance(here, Geo) and isinstance(there, Geo):
        south, north = math.radians(here.lat), math.radians(there.lat)
        rise, turn = north - south, math.radians(there.lon - here.lon)
        share = math.sin(rise / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(turn / 2) ** 2
        return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(share, 1.0)))
    raise ValueError(f"no distance leads from {here!r} to {there!r}: one is on the earth, the other on a plan")
