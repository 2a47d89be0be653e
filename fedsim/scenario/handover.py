"""How the devices of a group change their way into the network, in words."""

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from fedsim import units
from fedsim.errors import ScenarioError
from fedsim.limits import SHORTEST_CYCLE_S
from fedsim.problems import shown, unknown
from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_name
from fedsim.scenario.definitions import Json, any_of, one_of_names, quantity
from fedsim.scenario.names import LinkName, Place, Places, RadioName, known
from fedsim.scenario.quantity import Delay, DelayLaw, DurationLaw, LossShare, RateLaw, Time
from fedsim.scenario.rate import CONSTANT, Rate, with_link
from fedsim.scenario.refusal import Mistake, Refused, refuse
from fedsim.scenario.timed_rows import read_rows
from fedsim.system import handover as system
from fedsim.system.law import Constant, Law
from fedsim.system.law_words import write_law
from fedsim.system.profiles import LinkProfile

Items = TypeVar("Items", bound=tuple[Any, ...])
Fate = Annotated[
    system.Fate,
    PlainValidator(lambda words: read_name("fate", system.FATES, words)),
    WithJsonSchema(one_of_names(system.FATES)),
]
TracePath = Annotated[None, WithJsonSchema({"type": ["string", "null"]})]
"""The path of a file of which a schedule is made: what is checked has none any more."""

Loss = Annotated[LossShare, WithJsonSchema(any_of({"const": "residual"}, quantity("1")))]


def left_to_profiles(*must: str) -> ConfigDict:
    """For a model of which all keys but these may be left out, or null: profiles, or a group, say the rest."""

    def relax(found: Json) -> None:
        properties: dict[str, Json] = found["properties"]
        found["properties"] = {key: or_null_too(shape) for key, shape in properties.items()}
        found.pop("required", None)
        found.update({"required": list(must)} if must else {})

    return ConfigDict(json_schema_extra=relax)


def or_null_too(shape: Json) -> Json:
    """A key's shape that may be null as well; what is said about the key stays."""
    said: Json = {key: shape[key] for key in ("description", "default", "x-rule") if key in shape}
    return {**any_of({key: value for key, value in shape.items() if key not in said}, {"type": "null"}), **said}


def not_empty(items: Items) -> Items:
    """A list with something in it.

    Raises:
        Refused: an empty one.
    """
    if not items:
        raise refuse("must have at least 1 item, got 0")
    return items


def link_words(link: LinkProfile) -> dict[str, Any]:
    """What the profile of a link says about those that use it, as a file would say it."""
    return {
        "radio": link.radio,
        "up": write_law(link.up_bps, "bit/s"),
        "down": write_law(link.down_bps, "bit/s"),
        "rtt": write_law(link.rtt_s, "s"),
    }


class OtherWay(Checked):
    """Another way into the network. What the file leaves out comes from the profile of the link."""

    model_config = left_to_profiles("link", "at")

    link: LinkName
    """Access technology: fedsim list links."""
    radio: RadioName
    """What it costs to send: fedsim list radios; that of the link."""
    at: Places
    """Where it leads to: nodes, or attachments of the topology."""
    up_bps: RateLaw = Field(alias="up")
    """Mean rate from the device, drawn for each; that of the link's profile."""
    down_bps: RateLaw = Field(alias="down")
    """Mean rate to the device, drawn for each; that of the link's profile."""
    rtt_s: DelayLaw = Field(alias="rtt")
    """Round trip of the access link alone; that of the link's profile."""
    loss: Loss = 0.0
    """Share of packets that are lost for good; residual for that of the link's profile."""
    rate: Rate = CONSTANT
    """How the rates go over time."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, words: Any, info: ValidationInfo) -> Any:
        if not isinstance(words, Mapping):
            return words
        given = cls.said(words)
        links, name = known(info).profiles.links, given.get("link")
        link = links[name] if isinstance(name, str) and name in links else next(iter(links.values()))
        return {**link_words(link), **with_link(given, link)}


class TimetableStop(Checked):
    """From some time on a device goes by this link, at this place if one is given."""

    from_s: Delay = Field(alias="from")
    """From when on."""
    link: Annotated[str, StringConstraints(strict=True)]
    """By which of the group's links."""
    at: Place | None = None
    """At which place; null for where that link leads."""


def _growing(stops: tuple[TimetableStop, ...]) -> tuple[TimetableStop, ...]:
    times_s = [stop.from_s for stop in stops]
    wrong = [i for i in range(1, len(stops)) if not times_s[i] > times_s[i - 1]]
    if wrong:
        raise Refused(
            [((i, "from"), f"must be later than the one before, got {units.show(times_s[i], 's')}") for i in wrong]
        )
    return stops


class Handover(Checked):
    """Between the group's own link and others: by law (``stay``, ``away``), by ``schedule``, or by a ``trace``.

    A trace is a CSV file with the columns seconds, link and, if wanted, place. It is a schedule, and shown as one.
    """

    to: Annotated[tuple[OtherWay, ...], AfterValidator(not_empty)]
    """The other ways into the network."""
    stay_s: DurationLaw | None = Field(default=None, alias="stay")
    """How long a device stays on its own link; together with away."""
    away_s: DurationLaw | None = Field(default=None, alias="away")
    """How long it is on another; together with stay."""
    schedule: Annotated[tuple[TimetableStop, ...], AfterValidator(not_empty), AfterValidator(_growing)] | None = None
    """When which link begins, in order of time."""
    trace: TracePath = None
    """Path of a CSV file, relative to the scenario, with the columns seconds, link and, if wanted, place: in place of
    a schedule."""
    repeat_s: Time | None = Field(default=None, alias="repeat")
    """After how long the schedule begins again; null for never."""
    shift_s: DelayLaw = Field(default=Constant(0.0), alias="shift")
    """How much later a device's schedule begins, drawn for each."""
    then: Fate = "continue"
    """What becomes of messages on their way: they go on (continue), begin again (restart), or fail."""

    @model_validator(mode="before")
    @classmethod
    def _read_trace(cls, words: Any) -> Any:
        return with_trace(words, {"seconds": "from", "link": "link"}, {"place": "at"})

    @model_validator(mode="after")
    def _has_times(self) -> Self:
        check_times(self, ("stay", self.stay_s), ("away", self.away_s))
        if self.schedule and self.repeat_s is not None and not self.schedule[-1].from_s < self.repeat_s:
            raise Refused([(("repeat",), f"must be later than the last stop, got {units.show(self.repeat_s, 's')}")])
        if self.schedule is None and self.shift_s != Constant(0.0):
            raise Refused([(("shift",), "moves a schedule, and there is none")])
        return self

    def unknown_links(self, own: str) -> list[Mistake]:
        """Mistakes in the links of the schedule, of a group with this link of its own."""
        links = list(dict.fromkeys([own, *(way.link for way in self.to)]))
        stops = self.schedule or ()
        return [
            (("schedule", i, "link"), unknown(stop.link, "link of this group", links))
            for i, stop in enumerate(stops)
            if stop.link not in links
        ]


def with_trace(words: Any, columns: Mapping[str, str], optional: Mapping[str, str]) -> Any:
    """Words with the rows of their trace, if they name one, in place of a schedule."""
    if not isinstance(words, Mapping) or words.get("trace") is None:
        return words
    path, rest = words["trace"], {key: value for key, value in words.items() if key != "trace"}
    if rest.get("schedule") is not None:
        raise Refused([(("trace",), "cannot be given together with a schedule")])
    if not isinstance(path, str):
        raise Refused([(("trace",), f"must be the path of a file, got {shown(path)}")])
    try:
        return {**rest, "schedule": read_rows(path, columns, optional)}
    except ScenarioError as error:
        raise Refused([(("trace",), str(error))]) from None


def check_times(given: Any, *laws: tuple[str, Law | None]) -> None:
    """There must be either both laws or a schedule, which, if it is repeated, must end before that.

    Raises:
        Refused: with the rule that is broken.
    """
    names = " and ".join(name for name, _ in laws)
    given_laws = [law for _, law in laws if law is not None]
    if len(given_laws) == len(laws) and not sum(law.mean for law in given_laws) >= SHORTEST_CYCLE_S:
        raise refuse(f"{names} must take at least {units.show(SHORTEST_CYCLE_S, 's')} together, in the mean")
    if given.repeat_s is not None and not given.repeat_s >= SHORTEST_CYCLE_S:
        rule = f"must be at least {units.show(SHORTEST_CYCLE_S, 's')}, got {units.show(given.repeat_s, 's')}"
        raise Refused([(("repeat",), rule)])
    missing = [name for name, law in laws if law is None]
    if given.schedule is None and missing:
        if len(missing) == len(laws):
            raise refuse(f"needs {names}, a schedule, or a trace")
        raise Refused([((missing[0],), "is missing")])
    if given.schedule is not None and len(missing) < len(laws):
        raise refuse(f"goes by {names}, or by a schedule, not by both")
    if given.repeat_s is not None and given.schedule is None:
        raise Refused([(("repeat",), "repeats a schedule, and there is none")])
