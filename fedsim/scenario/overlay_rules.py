"""Which overlays are for the devices of a scenario."""

from collections.abc import Sequence
from typing import Any

from fedsim.scenario.group import DeviceGroup
from fedsim.scenario.refusal import Mistake
from fedsim.system.peers import Choosy


def overlay_rules(protocol: Any, fleet: Sequence[DeviceGroup] | None) -> list[Mistake]:
    """Which rules the overlay of a protocol, if it has one, breaks because of how many devices there are, and whom."""
    overlay = getattr(protocol, "overlay", None)
    if fleet is None or not isinstance(overlay, Choosy):
        return []
    names = [name for group in fleet for name in group.device_names()]
    return [(("overlay", *filter(None, key.split("."))), rule) for key, rule in overlay.misfits(names)]
