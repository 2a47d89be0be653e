"""A group of devices in a scenario: how many, of which kind or kinds, and when they are there."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, Strict, ValidationInfo, model_validator

from fedsim.scenario.checked import Checked
from fedsim.scenario.comings import Availability, Churn
from fedsim.scenario.definitions import Json, any_of, array
from fedsim.scenario.failures import Crashes
from fedsim.scenario.fleet_file import read_devices
from fedsim.scenario.handover import left_to_profiles
from fedsim.scenario.kind import KIND_KEYS, KindWords, MixedKind, NamedDevice, filled_in
from fedsim.scenario.names import Name
from fedsim.scenario.refusal import Refused, refuse

Count = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]


def _in_short(found: Json) -> None:
    """Devices may be names, or a file of them; what profiles say may be left out, and ``count`` by a list."""
    relax: Any = left_to_profiles("name")["json_schema_extra"]
    relax(found)
    devices: Json = found["properties"]["devices"]
    named, *_ = (one for one in devices["anyOf"] if one.get("type") == "array")
    items = any_of({"type": "string"}, named["items"])
    found["properties"]["devices"] = {**devices, "anyOf": [{"type": "string"}, array(items), {"type": "null"}]}


class _Head(Checked):
    """What stands first."""

    name: Name
    """What the group is called; its devices are called after it, NAME-00 onwards."""
    count: Count
    """How many devices it has; that of the list where devices are listed."""


class DeviceGroup(KindWords, _Head):
    """Devices that come and go by the same rules.

    They are all of one kind; or each draws one of a ``mix`` by weight; or all ``devices`` are listed, by name, or in
    a CSV file (``fedsim.scenario.fleet_file``). What an item of these lists leaves out it has from the group.
    """

    model_config = ConfigDict(json_schema_extra=_in_short)

    mix: tuple[MixedKind, ...] = ()
    """Kinds of which each device draws one by weight; what an item leaves out it has from the group."""
    devices: tuple[NamedDevice, ...] = ()
    """All devices one by one, by name, or a CSV file of them; what one leaves out it has from the group."""
    availability: Availability = None
    """When devices are there: always, the name of a profile, stays and absences, conditions, or a trace."""
    crashes: Crashes | None = None
    """When devices crash, and how long they are down; null for never."""
    churn: Churn | None = None
    """When devices arrive, and how long they belong to the fleet; null for from the start and for ever."""

    def device_names(self) -> list[str]:
        """The names of its devices, as ``Fleet.name`` gives them."""
        return [device.name for device in self.devices] or [f"{self.name}-{rank:02d}" for rank in range(self.count)]

    def has_by_rank(self, name: str) -> bool:
        """Whether this is the name of one of its devices, and made of the group's name and a rank."""
        head, _, rank = name.rpartition("-")
        is_rank = rank.isdecimal() and f"{int(rank):02d}" == rank
        return not self.devices and head == self.name and is_rank and int(rank) < self.count

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, words: Any, info: ValidationInfo) -> Any:
        if not isinstance(words, Mapping):
            return words
        words = cls.said(words)
        base = {key: value for key, value in words.items() if key in KIND_KEYS}
        if words.get("devices") == [] and "count" not in words:
            raise Refused([(("devices",), "is an empty list, and there is no count: name a device, or give a count")])
        if isinstance(words.get("devices"), str):
            words["devices"] = read_devices(words["devices"], base, info.context)
        for key in ("mix", "devices"):
            if isinstance(words.get(key), list) and words[key]:
                items = [{"name": item} if isinstance(item, str) else item for item in words[key]]
                words[key] = [{**base, **item} if isinstance(item, Mapping) else item for item in items]
                first = words[key][0] if isinstance(words[key][0], Mapping) else {}
                words |= {name: value for name, value in first.items() if name in KIND_KEYS - words.keys()}
        if isinstance(words.get("devices"), list) and words["devices"]:
            words.setdefault("count", len(words["devices"]))
        return filled_in(words, info)

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        if self.mix and self.devices:
            raise refuse("has a mix or devices, not both")
        if self.devices and self.count != len(self.devices):
            raise Refused([(("count",), f"must be that of the devices, {len(self.devices)}, got {self.count}")])
        seen: dict[str, int] = {}
        twice = [i for i, device in enumerate(self.devices) if seen.setdefault(device.name, i) != i]
        if twice:
            raise Refused([(("devices", i, "name"), f"{self.devices[i].name!r} is an earlier device") for i in twice])
        return self
