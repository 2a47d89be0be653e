"""What of the network is down, when, and what becomes of the flows on it, in words."""

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from fedsim import units
from fedsim.problems import nearest, unknown
from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_name
from fedsim.scenario.definitions import one_of_names
from fedsim.scenario.group import DeviceGroup
from fedsim.scenario.handover import TracePath, check_times, not_empty, with_trace
from fedsim.scenario.names import Place, Places, known
from fedsim.scenario.quantity import Delay, DurationLaw, Time
from fedsim.scenario.refusal import Refused, refuse
from fedsim.system import outage as system

Fate = Annotated[
    system.Fate,
    PlainValidator(lambda words: read_name("fate", system.FATES, words)),
    WithJsonSchema(one_of_names(system.FATES)),
]


class Down(Checked):
    """Down from some time on, for so long."""

    from_s: Delay = Field(alias="from")
    """From when on."""
    for_s: Time = Field(alias="for")
    """For how long."""

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.from_s + self.for_s


def _apart(rows: tuple[Down, ...]) -> tuple[Down, ...]:
    wrong = [i for i in range(1, len(rows)) if not rows[i].from_s > rows[i - 1].end_s]
    if wrong:
        raise Refused(
            [
                ((i, "from"), f"must be later than the end of the one before, got {units.show(rows[i].from_s, 's')}")
                for i in wrong
            ]
        )
    return rows


class Outage(Checked):
    """One node or several, down together, or a ``link``: by law (``every``, ``repair``), ``schedule`` or ``trace``.

    ``groups``, single ``devices`` and the ``server`` go down with these, or without them: a power cut takes machines
    along, not only their network. A trace is a CSV file with the columns seconds and for, both in seconds. It is a
    schedule, and shown as one.
    """

    node: Places | None = None
    """What is down: a node, several, or attachments of the topology."""
    link: tuple[Place, Place] | None = None
    """What is down: the two ends of a link."""
    groups: tuple[Annotated[str, Strict()], ...] = ()
    """Groups whose devices go down with it."""
    devices: tuple[Annotated[str, Strict()], ...] = ()
    """Single devices that go down with it."""
    server: Annotated[bool, Strict()] = False
    """Whether the server goes down with it."""
    every_s: DurationLaw | None = Field(default=None, alias="every")
    """Time from the end of one to the next; together with repair."""
    repair_s: DurationLaw | None = Field(default=None, alias="repair")
    """How long one lasts; together with every."""
    schedule: Annotated[tuple[Down, ...], AfterValidator(not_empty), AfterValidator(_apart)] | None = None
    """When it is down, in order of time."""
    trace: TracePath = None
    """Path of a CSV file, relative to the scenario, with the columns seconds and for: in place of a schedule."""
    repeat_s: Time | None = Field(default=None, alias="repeat")
    """After how long the schedule begins again; null for never."""
    then: Fate = "reroute"
    """What becomes of messages on their way: they take another route (reroute), wait (stall), or fail."""

    @property
    def machines(self) -> tuple[str, ...]:
        """What it takes along beside the network."""
        return (*self.groups, *self.devices, *(("server",) if self.server else ()))

    def strangers(self, fleet: Sequence[DeviceGroup]) -> list[tuple[tuple[str | int, ...], str]]:
        """Which of its groups and devices are none of these."""
        groups = {group.name for group in fleet}
        devices = {name for group in fleet for name in group.device_names()} if self.devices else set()
        found: list[tuple[tuple[str | int, ...], str]] = []
        for key, kind, named, there in (
            ("groups", "group", self.groups, groups),
            ("devices", "device", self.devices, devices),
        ):
            strange = ((i, name) for i, name in enumerate(named) if name not in there)
            found += [((key, i), unknown(name, kind, sorted(there))) for i, name in strange]
        return found

    @model_validator(mode="before")
    @classmethod
    def _read_trace(cls, words: Any) -> Any:
        return with_trace(words, {"seconds": "from", "for": "for"}, {})

    @field_validator("link")
    @classmethod
    def _check_link(cls, link: tuple[str, str] | None, info: ValidationInfo) -> tuple[str, str] | None:
        topology = known(info).topology
        if link is None or topology is None or topology.graph.has_edge(*link):
            return link
        links = [" -- ".join(ends) for ends in topology.graph.edges]
        near = nearest(" -- ".join(link), links)
        hint = f"; did you mean {near!r}?" if near else ""
        raise refuse(f"the topology has no link {' -- '.join(link)!r}{hint}")

    @model_validator(mode="after")
    def _has_all(self) -> Self:
        if self.node is not None and self.link is not None:
            raise refuse("must name either a node, or several, or a link, not both")
        if self.node is None and self.link is None and not self.machines:
            raise refuse("must name a node, or several, or a link; or groups, devices or the server")
        check_times(self, ("every", self.every_s), ("repair", self.repair_s))
        if self.schedule and self.repeat_s is not None and not self.schedule[-1].end_s < self.repeat_s:
            raise Refused([(("repeat",), f"must be later than the last end, got {units.show(self.repeat_s, 's')}")])
        return self
