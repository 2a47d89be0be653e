"""What an import does about what a file lacks."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fedsim.system.delay_rule import DelayRule


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportRules:
    """How a network is made from a file in another format.

    Raises:
        ValueError: a number that is out of its range.
    """

    name: str | None = None
    """The topology's; null for the file's."""
    capacity_bps: float = 10e9
    """Of links that do not say theirs; 10 Gbit/s is the middle of the 1 to 100 Gbit/s of backbones."""
    delay_s: float | None = None
    """Of links that do not say theirs and whose ends have no places; null for the median of all others."""
    delay_from: Literal["file", "distance"] = "file"
    """Which counts where a file says both: its delays, or its lengths and places."""
    delay_factor: float = 1.0
    """Times the delays that the file says, where these are light in a straight fibre; > 0."""
    least_delay_s: float = 50e-6
    """Of a link between two places that are one; 50 us are some 7 km of fibre across a city."""
    rule: DelayRule = field(default_factory=DelayRule)
    """From distance to delay."""
    latency: Literal["rtt", "one-way"] | None = None
    """What the numbers of a matrix are; null where its file's name says it."""
    latency_unit_s: float = 1e-3
    """The unit of a matrix; > 0."""
    capacity_unit_bps: float = 1e6
    """The unit of an SNDlib instance; > 0."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    """Kinds of nodes by name; others are what the file says if that is one of our kinds, and otherwise routers."""
    attachments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Named sets of nodes; all is there anyway."""
    externals: bool = True
    """Whether nodes stay that the file marks as another network's."""
    largest_part: bool = False
    """Whether to take the largest part of a network in pieces, rather than refuse it."""
    digest: str | None = None
    """Of the file's content; where it is given, no other content will do."""

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
