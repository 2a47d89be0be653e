"""Blocks of a group of devices that become dataclasses of the system: its processor, its charging, its policy."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from fedsim import units
from fedsim.problems import shown, unknown
from fedsim.scenario.block import read_block, write_block
from fedsim.scenario.codec import Choices
from fedsim.scenario.definitions import or_null, to
from fedsim.scenario.names import known
from fedsim.scenario.refusal import Refused, refuse
from fedsim.system.battery import Charging
from fedsim.system.chip import Chip
from fedsim.system.plug import Always, Opportunistic, Overnight, Plug
from fedsim.system.profiles import DeviceProfile
from fedsim.system.takes_part import TakesPart

PLUGS: Choices = {Plug: {"always": Always, "overnight": Overnight, "opportunistic": Opportunistic}}
"""When devices are plugged in, by the names in files."""


def chip_words(device: DeviceProfile) -> dict[str, Any]:
    """What a profile says about the processor beside its speed, as a file would say it."""
    throttle = device.throttle
    return {
        "ram": units.show(device.ram_bytes, "bytes"),
        "throttle": None if throttle is None else write_block(throttle, {}),
    }


def _mapping(words: Any) -> Mapping[Any, Any]:
    if not isinstance(words, Mapping):
        raise refuse(f"must be a mapping, got {shown(words)}")
    return words


def _of_profile(info: ValidationInfo) -> DeviceProfile | None:
    """The profile of the group's device, if that is one."""
    name = info.data.get("device")
    return None if name is None else known(info).profiles.devices[name]


def _read_chip(words: Any, info: ValidationInfo) -> Chip:
    """A processor; what is left out, and a ``step_cv`` of "profile", comes from the profile."""
    device, given = _of_profile(info), dict(_mapping(words))
    usual = {} if device is None else chip_words(device)
    if device is not None and given.get("step_cv") == "profile":
        given["step_cv"] = device.step_cv
    chip: Chip = read_block(Chip, {**usual, **given}, {})
    return chip


def _read_charging(words: Any, info: ValidationInfo) -> Charging | None:
    if words is None:
        return None
    device = _of_profile(info)
    usual = {} if device is None or device.charger_w is None else {"power": units.show(device.charger_w, "W")}
    charging: Charging = read_block(Charging, {**usual, **_mapping(words)}, PLUGS)
    if info.data.get("battery_j", 0) is None:
        raise refuse("there is no battery to charge: the device hangs on the mains; give it one with battery")
    return charging


def _read_policy(words: Any, info: ValidationInfo) -> TakesPart:
    policy: TakesPart = read_block(TakesPart, _mapping(words), {})
    links = known(info).profiles.links
    strange = [(("only_links", i), unknown(name, "link", links)) for i, name in enumerate(policy.only_links)]
    if broken := [mistake for mistake, name in zip(strange, policy.only_links, strict=True) if name not in links]:
        raise Refused(broken)
    return policy


def _written(choices: Choices) -> PlainSerializer:
    return PlainSerializer(lambda value: None if value is None else write_block(value, choices))


ChipWords = Annotated[Chip, PlainValidator(_read_chip), _written({}), WithJsonSchema(to("processor"))]
ChargingWords = Annotated[
    Charging | None, PlainValidator(_read_charging), _written(PLUGS), WithJsonSchema(or_null(to("charging")))
]
PolicyWords = Annotated[TakesPart, PlainValidator(_read_policy), _written({}), WithJsonSchema(to("takes-part"))]
