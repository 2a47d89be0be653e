"""Which overlays are for the devices of a scenario."""

from collections.abc import Sequence
from typing import Any

from fedsim.learners.fastest_mixing import FastestMixing, Fdla
from fedsim.learners.mixing import MaxDegree, Metropolis, OverlayWeights
from fedsim.scenario.group import DeviceGroup
from fedsim.scenario.refusal import Mistake
from fedsim.system.overlay_matcha import Matcha
from fedsim.system.peers import Choosy

_MUTUAL = {Metropolis: "metropolis", MaxDegree: "max-degree", Fdla: "fdla", FastestMixing: "fastest-mixing"}
"""Weights that both ends of an edge give each other, and their names."""


def overlay_rules(protocol: Any, fleet: Sequence[DeviceGroup] | None) -> list[Mistake]:
    """Which rules the overlay of a protocol, if it has one, breaks because of how many devices there are, and whom."""
    overlay = getattr(protocol, "overlay", None)
    if fleet is None or not isinstance(overlay, Choosy):
        return []
    names = [name for group in fleet for name in group.device_names()]
    return [(("overlay", *filter(None, key.split("."))), rule) for key, rule in overlay.misfits(names)]


def mixing_rules(protocol: Any) -> list[Mistake]:
    """Which rules the mixing of a gossip, if it has one, breaks because of what kind of overlay it is for.

    What depends on the degrees of a graph whose luck is not drawn yet is seen when the run begins.
    """
    overlay, mixing = getattr(protocol, "overlay", None), getattr(protocol, "mixing", None)
    if getattr(getattr(overlay, "base", None), "directed", False):
        return [(("overlay", "base", "directed"), "must be false: both of a pair change")]
    if isinstance(mixing, OverlayWeights) and not isinstance(overlay, Matcha):
        advice = "take equal-shares" if getattr(overlay, "directed", False) else "take metropolis"
        return [(("mixing",), f"overlay-weights need an overlay that gives its edges weights, like matcha: {advice}")]
    if type(mixing) in _MUTUAL and getattr(overlay, "directed", False):
        rule = f"{_MUTUAL[type(mixing)]} weights go both ways, and the overlay has one-way edges: take equal-shares"
        return [(("mixing",), rule)]
    return []
