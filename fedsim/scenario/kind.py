"""What a device is, in words: a profile, a link, places, and laws for what differs between devices."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from fedsim import units
from fedsim.scenario.blocks import ChargingWords, ChipWords, PolicyWords
from fedsim.scenario.checked import Checked
from fedsim.scenario.failures import Faults
from fedsim.scenario.handover import Handover, link_words
from fedsim.scenario.names import DeviceName, LinkName, Name, Places, RadioName, known
from fedsim.scenario.quantity import (
    Delay,
    DelayLaw,
    Energy,
    Factor,
    LossShare,
    PositiveShare,
    Power,
    RateLaw,
    Share,
    ShareLaw,
    SpeedLaw,
)
from fedsim.scenario.rate import CONSTANT, Rate, with_link
from fedsim.scenario.refusal import Refused
from fedsim.scenario.speeds import speed_words
from fedsim.system.law import Constant
from fedsim.system.profiles import Profiles
from fedsim.system.takes_part import TakesPart

Value = TypeVar("Value")
RankCorrelation = Annotated[float, Strict(), Field(ge=-1, le=1)]


class Powers(Checked):
    """What a device draws: computing with all its cores, awake and waiting, and asleep."""

    train_w: Power = Field(alias="train")
    idle_w: Power = Field(alias="idle")
    sleep_w: Power = Field(alias="sleep")


class Correlation(Checked):
    """Rank correlations (Spearman) of what a device draws with its rate down: of its rate up, and of its speed."""

    up: RankCorrelation = 0.0
    speed: RankCorrelation = 0.0


class KindWords(Checked):
    """Devices of one kind. What the file leaves out comes from the profiles of the device and of the link.

    The devices are spread in turn over the places ``at``: nodes, or attachments of the topology for all of theirs.
    ``up`` and ``down`` are laws of a device's mean rates, and ``rate`` says how they go over time. ``loss`` is the
    share of packets that the link loses for good, "residual" for that of its profile; 0 if not given, because the
    mean rates were measured under whatever is lost. ``charge`` is the share of the battery at the start;
    ``battery_j`` is None on the mains. ``runtime`` says whose speed of the profile is taken where ``speed`` is left
    out: that of a managed training library, or of native kernels.
    """

    device: DeviceName
    link: LinkName
    radio: RadioName
    at: Places
    charge: ShareLaw = Constant(1.0)
    runtime: Literal["managed", "native"] = "managed"
    flops_per_s: SpeedLaw = Field(alias="speed")
    step_overhead_s: Delay = Field(alias="step_overhead")
    power: Powers
    processor: ChipWords = Field(default_factory=dict, validate_default=True)
    battery_j: Energy | None = Field(alias="battery")
    charging: ChargingWords = None
    floor_share: Share = Field(default=0.0, alias="floor")
    restart_share: PositiveShare = Field(default=0.05, alias="restart")
    takes_part: PolicyWords = TakesPart()
    up_bps: RateLaw = Field(alias="up")
    down_bps: RateLaw = Field(alias="down")
    rtt_s: DelayLaw = Field(alias="rtt")
    correlation: Correlation = Correlation()
    loss: LossShare = 0.0
    rate: Rate = CONSTANT
    faults: Faults | None = None
    handover: Handover | None = None

    @field_validator("handover")
    @classmethod
    def _check_handover(cls, handover: Handover | None, info: ValidationInfo) -> Handover | None:
        if handover is not None and "link" in info.data:
            mistakes = handover.unknown_links(info.data["link"])
            if mistakes:
                raise Refused(mistakes)
        return handover

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, words: Any, info: ValidationInfo) -> Any:
        return filled_in(words, info)


class MixedKind(KindWords):
    """One of the kinds of a mixed group: each device is of it with a chance in proportion to its weight."""

    weight: Factor = 1.0


class NamedDevice(KindWords):
    """One device with a name of its own."""

    name: Name


KIND_KEYS = frozenset(field.alias or name for name, field in KindWords.model_fields.items())


def said(words: Mapping[Any, Any]) -> dict[Any, Any]:
    """What words say: null is nothing said, but of a battery, where it is none."""
    return {key: value for key, value in words.items() if value is not None or key == "battery"}


def filled_in(words: Any, info: ValidationInfo) -> Any:
    """Words of a kind with what the profiles say where they say nothing."""
    if not isinstance(words, Mapping):
        return words
    given = said(words)
    profiles = known(info).profiles
    link = _named(profiles.links, given.get("link"))
    usual = _profile_words(given, profiles)
    if "speed" in given:
        given["speed"] = speed_words(given["speed"], given.get("runtime"), profiles)
    if isinstance(given.get("power"), Mapping):
        given["power"] = {**usual["power"], **given["power"]}
    return {**usual, **with_link(given, link)}


def _profile_words(words: Mapping[Any, Any], profiles: Profiles) -> dict[str, Any]:
    """What the profiles say, as the file would say it."""
    device = _named(profiles.devices, words.get("device"))
    link = _named(profiles.links, words.get("link"))
    return {
        "speed": units.show(device.speed(words.get("runtime")), "flop/s"),
        "step_overhead": units.show(device.step_overhead_s, "s"),
        "battery": None if device.battery_j is None else units.show(device.battery_j, "J"),
        "power": {
            "train": units.show(device.train_w, "W"),
            "idle": units.show(device.idle_w, "W"),
            "sleep": units.show(device.sleep_w, "W"),
        },
        **link_words(link),
    }


def _named(profiles: Mapping[str, Value], name: object) -> Value:
    """The profile, or any where the name is a mistake: that is reported, and what it entails must not be."""
    return profiles[name] if isinstance(name, str) and name in profiles else next(iter(profiles.values()))
