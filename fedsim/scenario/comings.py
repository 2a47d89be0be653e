"""When the devices of a group are there, in words: availability, arrivals and departures."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    Strict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from fedsim import problems
from fedsim.errors import ScenarioError
from fedsim.scenario.checked import Checked
from fedsim.scenario.definitions import Json, one_of_names, or_null, to
from fedsim.scenario.quantity import Delay, DelayLaw, DurationLaw, Factor, OffsetLaw, ShareLaw, Time
from fedsim.scenario.refusal import Refused, mistakes_in, refuse
from fedsim.system import availability as system
from fedsim.system.attendance import Replay as ReplayRule
from fedsim.system.attendance_file import Reading
from fedsim.system.churn import Churn as ChurnRule
from fedsim.system.daily import Daily as DailyRule
from fedsim.system.law import Constant, Law
from fedsim.system.law_words import write_law
from fedsim.system.presence import Comings

Swing = Annotated[float, Strict(), Field(ge=0, le=1)]
States = Annotated[tuple[str, ...], Field(min_length=1)]


class Churn(Checked):
    """When a device arrives, and for how long it belongs to the fleet from then on."""

    arrives_s: DelayLaw | None = Field(default=None, alias="arrives")
    """When a device arrives; null for at the start. One of the two must be given."""
    belongs_s: DurationLaw | None = Field(default=None, alias="belongs")
    """How long it stays from then on; null for ever."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.arrives_s is None and self.belongs_s is None:
            raise refuse("must say arrives, belongs, or both")
        return self

    def make(self) -> ChurnRule:
        """The rule."""
        return ChurnRule(arrives_s=self.arrives_s, belongs_s=self.belongs_s)


class Daily(Checked):
    """The hours at which devices come back; see ``fedsim.system.daily.Daily``."""

    swing: Swing = 0.35
    """How much more often devices come back at the peak, and less half a day later, than in the mean."""
    peak_s: Delay = Field(default=7200.0, alias="peak")
    """Time of day at which most come back."""
    zone_s: OffsetLaw = Field(default=Constant(0.0), alias="zone")
    """What is added to the simulated time for a device's local time, drawn for each; time 0 is midnight."""


class Leaning(Checked):
    """Who stays less or comes later; see ``fedsim.system.availability.Leaning``."""

    by: Literal["slowness", "labels"]
    """Whether slow devices lean, or those with examples of some labels."""
    labels: tuple[Annotated[int, Strict()], ...] = ()
    """Which labels; only with by: labels."""
    stay: Factor = 1.0
    """Factor on the stays of a device of measure 1: of measure m, this to the power of m."""
    away: Factor = 1.0
    """Factor on the absences of a device of measure 1: of measure m, this to the power of m."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        try:
            self.make()
        except ValueError as error:
            raise refuse(str(error)) from None
        return self

    def make(self) -> system.Leaning:
        """The rule."""
        return system.Leaning(by=self.by, labels=self.labels, stay=self.stay, away=self.away)


def _or_a_profile(found: Json) -> None:
    """The name of a profile alone, or under ``profile``; other keys replace what it says."""
    names, body = one_of_names(system.AVAILABILITIES), dict(found)
    text = "A fitted availability: gives stay and away, which other keys here replace."
    body["properties"] = {"profile": {**names, "description": text}, **found["properties"]}
    del body["required"]
    body["anyOf"] = [{"required": ["profile"]}, {"required": ["stay", "away"]}]
    found.clear()
    found["anyOf"] = [names, body]


class Habit(Checked):
    """How long a device stays, and how long it is then away. ``profile`` gives both by a name."""

    model_config = ConfigDict(json_schema_extra=_or_a_profile)

    stay_s: DurationLaw = Field(alias="stay")
    """How long a device stays at a time."""
    away_s: DurationLaw = Field(alias="away")
    """How long it is then away."""
    level: ShareLaw | None = None
    """Each device's own share of the time that it is there, drawn for each; null leaves all alike."""
    daily: Daily | None = None
    """The hours at which devices come back; null for any."""
    leaning: Leaning | None = None
    """Who stays less or comes later; null for nobody."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, words: Any) -> Any:
        words = {"profile": words} if isinstance(words, str) else words
        if not isinstance(words, Mapping) or "profile" not in words:
            return words
        rest = {key: value for key, value in words.items() if key != "profile"}
        return {**_profile_words(words["profile"]), **rest}

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        try:
            self.make()
        except ValueError as error:
            raise refuse(str(error)) from None
        return self

    def make(self) -> system.Availability:
        """The rule."""
        daily = self.daily
        return system.Availability(
            stay_s=self.stay_s,
            away_s=self.away_s,
            level=self.level,
            daily=None if daily is None else DailyRule(swing=daily.swing, peak_s=daily.peak_s, zone_s=daily.zone_s),
            leaning=None if self.leaning is None else self.leaning.make(),
        )


class Conditions(Checked):
    """Conditions that must all hold; one that is left out always does."""

    idle: Habit | None = None
    """When nobody uses the device; null for always."""
    charging: Habit | None = None
    """When it charges; null for always."""
    unmetered: Habit | None = None
    """When its network is free of charge; null for always."""

    def make(self) -> system.Conditions:
        """The rule."""
        return system.Conditions(
            idle=None if self.idle is None else self.idle.make(),
            charging=None if self.charging is None else self.charging.make(),
            unmetered=None if self.unmetered is None else self.unmetered.make(),
        )


class Replay(Checked):
    """Recorded comings and goings; see ``fedsim.system.attendance.Replay``."""

    trace: str
    """Path of a CSV file, relative to the scenario: when each of some devices was in which state."""
    variant: str = ""
    """Which of the file's variants; empty where it has none."""
    states: States = ("2",)
    """States in which a device is there."""
    drop_first: Annotated[bool, Strict()] = False
    """Whether each device's first row is a made-up start, whose place the second row takes."""
    lasts_s: Time | None = Field(default=None, alias="lasts")
    """How long the record lasts; null for up to its last row."""
    stretch: Factor = 1.0
    """Factor on all times of the record."""
    shift_s: DelayLaw = Field(default=Constant(0.0), alias="shift")
    """How far into the record a device starts, drawn for each."""
    loop: Annotated[bool, Strict()] = True
    """Whether the record begins again at its end; otherwise everybody's last state lasts."""

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        try:
            self.make().recording()
        except ScenarioError as error:
            raise Refused([(("trace",), line) for line in str(error).splitlines()]) from None
        return self

    def make(self) -> ReplayRule:
        """The rule."""
        return ReplayRule(
            trace=self.trace,
            reading=Reading(variant=self.variant, states=self.states, drop_first=self.drop_first, lasts_s=self.lasts_s),
            stretch=self.stretch,
            shift_s=self.shift_s,
            loop=self.loop,
        )


_CONDITIONS: Final = frozenset(Conditions.model_fields)


def _read(words: Any, info: ValidationInfo) -> Habit | Conditions | Replay | None:
    if words is None or words == "always":
        return None
    model: type[Habit | Conditions | Replay] = Habit
    if isinstance(words, Mapping) and "trace" in words:
        model = Replay
    elif isinstance(words, Mapping) and _CONDITIONS & words.keys():
        model = Conditions
    try:
        return model.model_validate(words, context=info.context)
    except ValidationError as error:
        raise Refused(mistakes_in(error, model)) from None


def _write(value: Checked | None, info: SerializationInfo) -> Any:
    return None if value is None else value.model_dump(by_alias=True, context=info.context)


Availability = Annotated[
    Habit | Conditions | Replay | None,
    PlainValidator(_read),
    PlainSerializer(_write),
    WithJsonSchema(or_null(to("availability"))),
]
"""``always``, the name of a profile, stays and absences, conditions, or a trace."""


def comings(availability: Habit | Conditions | Replay | None, churn: Churn | None) -> list[Comings]:
    """The rules."""
    rules: list[Comings] = []
    if availability is not None:
        rules.append(availability.make())
    if churn is not None:
        rules.append(churn.make())
    return rules


def _profile_words(name: Any) -> dict[str, Any]:
    if not isinstance(name, str) or name not in system.AVAILABILITIES:
        known = ["always", *system.AVAILABILITIES]
        raise Refused([((), problems.unknown(name, "availability", known))])
    found = system.AVAILABILITIES[name]
    laws: dict[str, Law] = {"stay": found.stay_s, "away": found.away_s}
    return {key: write_law(law, "s") for key, law in laws.items()}
