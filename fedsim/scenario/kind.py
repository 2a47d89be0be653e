"""What a device is, in words: a profile, a link, places, and laws for what differs between devices."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, Strict, ValidationInfo, WithJsonSchema, field_validator, model_validator

from fedsim import units
from fedsim.scenario.blocks import ChargingWords, ChipWords, PolicyWords
from fedsim.scenario.checked import Checked
from fedsim.scenario.definitions import to
from fedsim.scenario.failures import Faults
from fedsim.scenario.handover import Handover, Loss, left_to_profiles, link_words
from fedsim.scenario.names import DeviceName, LinkName, Name, Places, RadioName, known
from fedsim.scenario.quantity import (
    Delay,
    DelayLaw,
    Energy,
    Factor,
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

    model_config = left_to_profiles()

    train_w: Power = Field(alias="train")
    """Computing with all cores; that of the device's profile."""
    idle_w: Power = Field(alias="idle")
    """Awake and waiting; that of the device's profile."""
    sleep_w: Power = Field(alias="sleep")
    """Asleep; that of the device's profile."""


class Correlation(Checked):
    """Rank correlations (Spearman) of what a device draws with its rate down: of its rate up, and of its speed."""

    up: RankCorrelation = 0.0
    """Between a device's rates up and down."""
    speed: RankCorrelation = 0.0
    """Between its speed and its rate down."""


class KindWords(Checked):
    """Devices of one kind. What the file leaves out comes from the profiles of the device and of the link.

    The devices are spread in turn over the places ``at``: nodes, or attachments of the topology for all of theirs.
    ``up`` and ``down`` are laws of a device's mean rates, and ``rate`` says how they go over time. ``loss`` is the
    share of packets that the link loses for good, "residual" for that of its profile; 0 if not given, because the
    mean rates were measured under whatever is lost. ``charge`` is the share of the battery at the start;
    ``battery_j`` is None on the mains. ``runtime`` says whose speed of the profile is taken where ``speed`` is left
    out: that of a managed training library, or of native kernels.
    """

    model_config = left_to_profiles()

    device: DeviceName
    """Which machine: fedsim list devices."""
    link: LinkName
    """Access technology: fedsim list links."""
    radio: RadioName
    """What it costs to send: fedsim list radios; that of the link."""
    at: Places
    """Where devices attach, in turn: nodes, or attachments of the topology."""
    charge: ShareLaw = Constant(1.0)
    """Share of the battery at the start, drawn for each."""
    runtime: Literal["managed", "native"] = "managed"
    """Whose speed of the profile is taken: a managed training library's, or native kernels'."""
    flops_per_s: Annotated[SpeedLaw, WithJsonSchema(to("speed"))] = Field(alias="speed")
    """Effective speed, drawn for each: a law, a measured fleet or a file; that of the device's profile."""
    step_overhead_s: Delay = Field(alias="step_overhead")
    """Time of every step beside its operations; that of the device's profile."""
    power: Powers
    """What it draws; that of the device's profile."""
    processor: ChipWords = Field(default_factory=dict, validate_default=True)
    """Cores, clock, heat, memory and other apps; what is left out is that of the device's profile."""
    battery_j: Energy | None = Field(alias="battery")
    """Capacity, that of the device's profile; none on the mains."""
    charging: ChargingWords = None
    """Its charger, and when it is plugged in; null for never."""
    floor_share: Share = Field(default=0.0, alias="floor")
    """Charge, as a share of the battery, under which a device works for nobody."""
    restart_share: PositiveShare = Field(default=0.05, alias="restart")
    """Charge, as a share of the battery, at which an empty device comes back."""
    takes_part: PolicyWords = TakesPart()
    """When a device lets itself be chosen."""
    up_bps: RateLaw = Field(alias="up")
    """Mean rate from the device, drawn for each; that of the link's profile."""
    down_bps: RateLaw = Field(alias="down")
    """Mean rate to the device, drawn for each; that of the link's profile."""
    rtt_s: DelayLaw = Field(alias="rtt")
    """Round trip of the access link alone, drawn for each; that of the link's profile."""
    correlation: Correlation = Correlation()
    """Rank correlations between what is drawn."""
    loss: Loss = 0.0
    """Share of packets that the link loses for good; residual for that of its profile."""
    rate: Rate = CONSTANT
    """How the rates go over time: constant, fading, or a trace."""
    faults: Faults | None = None
    """Jobs that fail; null for none."""
    handover: Handover | None = None
    """Other links between which devices change; null for none."""

    @field_validator("handover")
    @classmethod
    def _check_handover(cls, handover: Handover | None, info: ValidationInfo) -> Handover | None:
        if handover is not None and "link" in info.data:
            mistakes = handover.unknown_links(info.data["link"])
            if mistakes:
                raise Refused(mistakes)
        return handover

    @classmethod
    def said(cls, words: Mapping[Any, Any]) -> dict[Any, Any]:
        """Words without the keys that are null; but of a battery null is a word of its own: there is none."""
        kept = {"battery": None} if "battery" in words and words["battery"] is None else {}
        return {**super().said(words), **kept}

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, words: Any, info: ValidationInfo) -> Any:
        return filled_in(cls.said(words), info) if isinstance(words, Mapping) else words


class MixedKind(KindWords):
    """One of the kinds of a mixed group: each device is of it with a chance in proportion to its weight."""

    weight: Factor = 1.0
    """Chance of this kind, in proportion."""


class NamedDevice(KindWords):
    """One device with a name of its own."""

    model_config = left_to_profiles("name")

    name: Name
    """The device's own name."""


KIND_KEYS = frozenset(field.alias or name for name, field in KindWords.model_fields.items())


def filled_in(words: Mapping[Any, Any], info: ValidationInfo) -> dict[Any, Any]:
    """Words of a kind with what the profiles say where they say nothing."""
    given = dict(words)
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
