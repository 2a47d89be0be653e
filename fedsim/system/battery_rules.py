"""What a device does about its battery: charges it, spares it, and restarts with it."""

from dataclasses import dataclass, field

from fedsim import units
from fedsim.system.battery import Charging
from fedsim.system.takes_part import TakesPart


@dataclass(frozen=True, kw_only=True, slots=True)
class BatteryRules:
    """How a battery is charged, None for never, and what a device does at which charge.

    Below ``floor_share`` it refuses jobs; empty, it comes back at ``restart_share``. ``takes_part`` says when it lets
    itself be chosen at all.

    Raises:
        ValueError: a share outside its range.
    """

    charging: Charging | None = None
    floor_share: float = 0.0
    restart_share: float = 0.05
    takes_part: TakesPart = field(default_factory=TakesPart)

    def __post_init__(self) -> None:
        if not 0 <= self.floor_share <= 1:
            raise ValueError(f"floor must be from 0 % to 100 %, got {units.per_cent(self.floor_share)}")
        if not 0 < self.restart_share <= 1:
            raise ValueError(f"restart must be above 0 % and at most 100 %, got {units.per_cent(self.restart_share)}")
