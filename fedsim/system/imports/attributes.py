"""What the attributes of nodes and links are called in various formats, and what they mean."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from fedsim import units
from fedsim.problems import shown
from fedsim.system.delay_rule import MEDIA
from fedsim.system.imports.raw import RawLink, RawNode
from fedsim.system.imports.speeds import prefixed_bps, speed_bps
from fedsim.system.place import Geo, Place, Plane

Attributes = Mapping[str, Any]
"""By name in lower case; None, NaN and empty texts are left out by ``tidy``."""

_DEGREES: Final = (("latitude", "longitude"), ("lat", "lon"), ("lat", "lng"), ("lat", "long"))
_METRES: Final = ("x_m", "y_m")
_DUPLEX: Final = ("full", "half")
_SCALED: Final[Mapping[str, Mapping[str, float]]] = {
    "delay": {"delay_s": 1, "latency_s": 1, "delay_ms": 1e3, "latency_ms": 1e3, "rtt_ms": 2e3, "rtt_p50_ms": 2e3},
    "length": {"length_m": 1, "distance_m": 1, "length_km": 1e-3, "distance_km": 1e-3},
    "capacity": {"capacity_bps": 1, "bandwidth_bps": 1, "linkspeedraw": 1},
}
_WORDS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "delay": (("delay", "latency"), "s"),
    "length": (("length", "distance"), "m"),
    "capacity": (("capacity", "bandwidth"), "bit/s"),
}
_RULES: Final[Mapping[str, tuple[Callable[[float], bool], str]]] = {
    "delay": (lambda value: 0 <= value < math.inf, "must be >= 0 and finite"),
    "length": (lambda value: 0 <= value < math.inf, "must be >= 0 and finite"),
    "capacity": (lambda value: value > 0, "must be > 0"),
    "loss": (lambda value: 0 <= value < 1, "must be at least 0 and below 1"),
}


def tidy(attributes: Mapping[Any, Any]) -> Attributes:
    """Attributes by name in lower case, without those that say nothing."""
    return {str(key).strip().lower(): value for key, value in attributes.items() if not _is_nothing(value)}


def node_from(name: str, attributes: Attributes) -> RawNode:
    """A node from its attributes.

    Raises:
        ValueError: a place that is none.
    """
    is_inside = str(attributes.get("internal", 1)).strip()
    kind = attributes.get("kind")
    return RawNode(
        name=name,
        kind=kind if isinstance(kind, str) else None,
        place=_place(attributes),
        is_external=is_inside in {"0", "0.0", "False"} or kind == "external",
    )


def link_from(source: str, target: str, where: str, attributes: Attributes) -> RawLink:
    """A link from its attributes.

    Raises:
        ValueError: a number that cannot be read, or is out of its range.
    """
    medium, duplex, loss = attributes.get("medium"), attributes.get("duplex", "full"), attributes.get("loss", 0.0)
    if medium is not None and medium not in MEDIA:
        raise ValueError(f"medium must be one of {', '.join(MEDIA)}, got {shown(medium)}")
    if duplex not in _DUPLEX:
        raise ValueError(f"duplex must be one of {', '.join(_DUPLEX)}, got {shown(duplex)}")
    return RawLink(
        source=source,
        target=target,
        where=where,
        capacity_bps=_capacity_bps(attributes),
        delay_s=_stated("delay", attributes),
        length_m=_stated("length", attributes),
        loss=_checked("loss", "loss", units.parse(loss, "1"), loss),
        medium=medium,
        is_half_duplex=duplex == "half",
    )


def number_in(value: Any) -> float:
    """A number, or a text that is one.

    Raises:
        ValueError: it is not.
    """
    try:
        return float("no" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be a number, got {shown(value)}") from None


def _place(attributes: Attributes) -> Place | None:
    for north, east in _DEGREES:
        if north in attributes and east in attributes:
            return Geo(number_in(attributes[north]), number_in(attributes[east]))
    if set(_METRES) <= attributes.keys():
        return Plane(*(number_in(attributes[name]) for name in _METRES))
    return None


def _capacity_bps(attributes: Attributes) -> float | None:
    """As a number, else as speed and prefix (Topology Zoo), else as the link's label has it."""
    stated = _stated("capacity", attributes)
    if stated is not None:
        return stated
    if {"linkspeed", "linkspeedunits"} <= attributes.keys():
        try:
            speed = prefixed_bps(number_in(attributes["linkspeed"]), str(attributes["linkspeedunits"]))
        except ValueError:
            speed = None  # such as '<10', which the label says again
        if speed is not None:
            return _checked("capacity", "LinkSpeed", speed, attributes["linkspeed"])
    label = attributes.get("linklabel", attributes.get("label"))
    return speed_bps(label) if isinstance(label, str) else None


def _stated(what: str, attributes: Attributes) -> float | None:
    for name, per_unit in _SCALED[what].items():
        if name in attributes:
            try:
                number = number_in(attributes[name])
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
            return _checked(what, name, number / per_unit, attributes[name])
    names, unit = _WORDS[what]
    for name in names:
        if name in attributes:
            return _checked(what, name, units.parse(attributes[name], unit), attributes[name])
    return None


def _checked(what: str, name: str, number: float, words: Any) -> float:
    holds, rule = _RULES[what]
    if not holds(number):
        raise ValueError(f"{name} {rule}, got {shown(words)}")
    return number


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value != value  # noqa: PLR0124  # NaN
