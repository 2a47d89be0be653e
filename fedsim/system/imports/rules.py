"""What an import does about what a file lacks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fedsim.system.delay_rule import DelayRule


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRules:
    """How a network is made from a file in another format.

    name: the topology's; the file's by default.
    capacity_bps: of links that do not say theirs. 10 Gbit/s is the middle of the 1 to 100 Gbit/s of backbones.
    delay_s: of links that do not say theirs and whose ends have no places; by default the median of all others.
    delay_from: which counts where a file says both, its delays or its lengths and places.
    delay_factor: times the delays that the file says, where these are light in a straight fibre.
    least_delay_s: of a link between two places that are one; 50 us are some 7 km of fibre across a city.
    rule: from distance to delay.
    latency: what the numbers of a matrix are; by default its file's name must say it.
    latency_unit_s: the unit of a matrix.
    capacity_unit_bps: the unit of an SNDlib instance.
    kinds: of nodes by name; others are what the file says if that is one of our kinds, and otherwise routers.
    attachments: named sets of nodes; ``all`` is there anyway.
    externals: whether nodes stay that the file marks as another network's.
    largest_part: take the largest part of a network in pieces, rather than refuse it.
    digest: of the file's content; where it is given, no other content will do.

    Raises:
        ValueError: a number that is out of its range.
    """

    name: str | None = None
    capacity_bps: float = 10e9
    delay_s: float | None = None
    delay_from: Literal["file", "distance"] = "file"
    delay_factor: float = 1.0
    least_delay_s: float = 50e-6
    rule: DelayRule = field(default_factory=DelayRule)
    latency: Literal["rtt", "one-way"] | None = None
    latency_unit_s: float = 1e-3
    capacity_unit_bps: float = 1e6
    kinds: Mapping[str, str] = field(default_factory=dict)
    attachments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    externals: bool = True
    largest_part: bool = False
    digest: str | None = None

    def __post_init__(self) -> None:
        for name, value in (
            ("capacity", self.capacity_bps),
            ("delay_factor", self.delay_factor),
            ("latency_unit", self.latency_unit_s),
            ("capacity_unit", self.capacity_unit_bps),
        ):
            if not 0 < value < math.inf and not (name == "capacity" and value > 0):
                raise ValueError(f"{name} must be > 0 and finite, got {value!r}")
        for name, delay_s in (("delay", self.delay_s), ("least_delay", self.least_delay_s)):
            if delay_s is not None and not 0 <= delay_s < math.inf:
                raise ValueError(f"{name} must be >= 0 and finite, got {delay_s!r}")
        if self.name is not None and not self.name.strip():
            raise ValueError(f"name must be a text, got {self.name!r}")
