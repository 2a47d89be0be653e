"""Profiles of devices, links and radios by name; in ``profiles.yaml`` every number has its source."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from fedsim import units
from fedsim.errors import FedsimError
from fedsim.system.fading import FadingShape
from fedsim.system.law import Lognormal
from fedsim.system.meter import Stage
from fedsim.system.throttle import Throttle
from fedsim.yamlfile import read_yaml

Profile = TypeVar("Profile")


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceProfile:
    """A tier of devices. Speeds are effective ones of training, far below peak.

    ``flops_per_s`` is what a managed (Java) training library reaches on phones, ``native_flops_per_s`` what
    native kernels do. ``idle_w`` is drawn while awake and waiting, ``sleep_w`` while asleep. ``battery_j`` is
    None on the mains.
    """

    name: str
    example: str
    flops_per_s: float
    native_flops_per_s: float
    step_overhead_s: float
    train_w: float
    idle_w: float
    sleep_w: float
    ram_bytes: float
    battery_j: float | None
    charger_w: float | None
    throttle: Throttle | None
    step_cv: float

    def speed(self, runtime: object) -> float:
        """Operations per second of a runtime: "native", or else managed."""
        return self.native_flops_per_s if runtime == "native" else self.flops_per_s


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkProfile:
    """An access technology: round trip to a near server, mean rates of its users, and its usual radio.

    ``fading`` names the shape of their change in time, None where there is none; ``loss`` is the share of packets
    that the link layer loses for good. A message pushed to an idle device waits U(0, ``paging_wait_max_s``) before
    its radio wakes.
    """

    name: str
    radio: str
    half_duplex: bool
    rtt_s: Lognormal
    up_bps: Lognormal
    down_bps: Lognormal
    fading: str | None
    loss: float
    paging_wait_max_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Doze:
    """Discontinuous reception: connected, but silent for more than ``after_s``, a radio listens only now and then.

    The first byte then waits U(``min_s``, ``max_s``), at the power of the first tail.

    Raises:
        ValueError: a time that is not >= 0 and finite, or bounds in the wrong order.
    """

    after_s: float
    min_s: float
    max_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.after_s < math.inf:
            raise ValueError(f"after_s must be >= 0 and finite, got {self.after_s!r}")
        if not 0 <= self.min_s <= self.max_s < math.inf:
            raise ValueError(f"0 <= min_s <= max_s must hold, got {self.min_s!r} and {self.max_s!r}")


@dataclass(frozen=True, kw_only=True)
class RadioProfile:
    """Power of a radio: ``min(max_w, beta_w + alpha_up * up + alpha_down * down)`` while bytes move.

    Rates in bit/s. A promotion precedes the first byte; the ``tails``, (seconds, watts) each, follow the last.
    """

    name: str
    alpha_up_w_per_bps: float
    alpha_down_w_per_bps: float
    beta_w: float
    max_w: float
    promotion_s: float
    promotion_w: float
    tails: tuple[tuple[float, float], ...]
    idle_w: float
    doze: Doze | None = None

    @cached_property
    def peak_w(self) -> float:
        """The most that it ever draws."""
        return max(self.max_w, self.idle_w, self.promotion_w, *[power_w for _, power_w in self.tails])

    @cached_property
    def idle(self) -> Stage:
        """Listening, for ever."""
        return Stage(math.inf, self.idle_w, "sleep", "idle")

    @cached_property
    def idleness(self) -> tuple[Stage, ...]:
        """The stages of a radio that has not woken yet."""
        return (self.idle,)

    @cached_property
    def is_flat(self) -> bool:
        """Whether one rate is as good as another."""
        return not (self.alpha_up_w_per_bps or self.alpha_down_w_per_bps)

    @cached_property
    def silence(self) -> Stage:
        """Connected without moving bytes."""
        connected_w, cause = (self.tails[0][1], "radio") if self.tails else (self.idle_w, "sleep")
        return Stage(math.inf, connected_w, cause, "silent")

    @cached_property
    def names_of_tails(self) -> tuple[str, ...]:
        """Of the states that the tails are."""
        return tuple([state for state, _, _ in self.named_tails])

    @cached_property
    def named_tails(self) -> tuple[tuple[str, float, float], ...]:
        """The tails: the name of the state, seconds, watts."""
        return tuple([(f"tail-{number}", *tail) for number, tail in enumerate(self.tails, start=1)])


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeedProfile:
    """Measured speeds of many devices, in flop/s: with a managed training library, and with native kernels."""

    name: str
    managed: Lognormal
    native: Lognormal


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiles:
    """What there is, by name."""

    devices: Mapping[str, DeviceProfile]
    links: Mapping[str, LinkProfile]
    radios: Mapping[str, RadioProfile]
    speeds: Mapping[str, SpeedProfile]
    fading: Mapping[str, FadingShape]

    def __post_init__(self) -> None:
        for link in self.links.values():
            if link.radio not in self.radios:
                raise FedsimError(f"link {link.name!r} has an unknown radio, {link.radio!r}")
            if link.fading is not None and link.fading not in self.fading:
                raise FedsimError(f"link {link.name!r} has an unknown shape of fading, {link.fading!r}")


@cache
def load_profiles() -> Profiles:
    """The profiles that ship with fedsim; read once."""
    table = read_yaml(Path(__file__).with_name("profiles.yaml"))
    return Profiles(
        devices=_named(table["devices"], _device),
        links=_named(table["links"], _link),
        radios=_named(table["radios"], _radio),
        speeds=_named(table["speeds"], _speeds),
        fading=_named(table["fading"], partial(_shape, table["fading_probabilities"])),
    )


def _named(table: Mapping[str, Any], make: Callable[[str, Any], Profile]) -> Mapping[str, Profile]:
    return MappingProxyType({name: make(name, row) for name, row in table.items()})


def _value(cited: tuple[str | float, str], unit: str) -> float:
    """The number of a pair of number and evidence."""
    number, _ = cited
    return units.parse(number, unit)


def _device(name: str, row: Mapping[str, Any]) -> DeviceProfile:
    return DeviceProfile(
        name=name,
        example=row["example"],
        flops_per_s=_value(row["speed"], "flop/s"),
        native_flops_per_s=_value(row["native_speed"], "flop/s"),
        step_overhead_s=_value(row["step_overhead"], "s"),
        train_w=_value(row["train"], "W"),
        idle_w=_value(row["idle"], "W"),
        sleep_w=_value(row["sleep"], "W"),
        ram_bytes=_value(row["ram"], "bytes"),
        battery_j=_value(row["battery"], "J") if "battery" in row else None,
        charger_w=_value(row["charger"], "W") if "charger" in row else None,
        throttle=_throttle(row["throttle"]) if "throttle" in row else None,
        step_cv=_value(row["step_cv"], "1"),
    )


def _throttle(row: Mapping[str, Any]) -> Throttle:
    return Throttle(after_s=_value(row["after"], "s"), speed_share=_value(row["speed"], "1"))


def _speeds(name: str, row: Mapping[str, Any]) -> SpeedProfile:
    def law(runtime: str) -> Lognormal:
        return Lognormal(_value(row[runtime]["median"], "flop/s"), _value(row[runtime]["sigma"], "1"))

    return SpeedProfile(name=name, managed=law("managed"), native=law("native"))


def _link(name: str, row: Mapping[str, Any]) -> LinkProfile:
    def law(key: str, unit: str) -> Lognormal:
        return Lognormal(_value(row[key]["median"], unit), _value(row[key]["sigma"], "1"))

    return LinkProfile(
        name=name,
        radio=row["radio"],
        half_duplex=row.get("half_duplex", False),
        rtt_s=law("rtt", "s"),
        up_bps=law("up", "bit/s"),
        down_bps=law("down", "bit/s"),
        fading=row.get("fading"),
        loss=_value(row["loss"], "1"),
        paging_wait_max_s=_value(row["paging_wait"], "s"),
    )


def _radio(name: str, row: Mapping[str, Any]) -> RadioProfile:
    return RadioProfile(
        name=name,
        alpha_up_w_per_bps=_value(row["send"], "J/bit"),
        alpha_down_w_per_bps=_value(row["receive"], "J/bit"),
        beta_w=_value(row["beta"], "W"),
        max_w=_value(row["max"], "W"),
        promotion_s=_value(row["promotion"]["lasts"], "s"),
        promotion_w=_value(row["promotion"]["power"], "W"),
        tails=tuple((_value(tail["lasts"], "s"), _value(tail["power"], "W")) for tail in row["tails"]),
        idle_w=_value(row["idle"], "W"),
        doze=_doze(row["doze"]) if "doze" in row else None,
    )


def _shape(probabilities: Sequence[float], name: str, row: Mapping[str, Any]) -> FadingShape:
    quantiles, _ = row["quantiles"]
    return FadingShape(
        name=name,
        slow_weight=_value(row["slow_weight"], "1"),
        slow_s=_value(row["slow"], "s"),
        fast_s=_value(row["fast"], "s"),
        probabilities=tuple(probabilities),
        quantiles=tuple(quantiles),
    )


def _doze(row: Mapping[str, Any]) -> Doze:
    return Doze(after_s=_value(row["after"], "s"), min_s=_value(row["min"], "s"), max_s=_value(row["max"], "s"))
