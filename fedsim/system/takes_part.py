"""When a device lets itself be chosen for a round."""

from dataclasses import dataclass

from fedsim import units


@dataclass(frozen=True, kw_only=True, slots=True)
class TakesPart:
    """A policy: enough charge, on its charger, on some access technologies only. By default always.

    A device on the mains is always charging, and full.

    Raises:
        ValueError: a share outside 0 to 1.
    """

    min_charge_share: float = 0.0
    """Charge, as a share of the battery, below which it does not."""
    only_charging: bool = False
    """Whether only while it is plugged in."""
    only_links: tuple[str, ...] = ()
    """Access technologies over which it does; empty for all."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_charge_share <= 1:
            raise ValueError(f"min_charge_share must be from 0 % to 100 %, got {units.per_cent(self.min_charge_share)}")
