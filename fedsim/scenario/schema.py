"""What a scenario is: the keys of its file, their types and their rules. Values inside are SI."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    PlainValidator,
    PrivateAttr,
    Strict,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    field_serializer,
    field_validator,
    model_validator,
)

from fedsim import limits, units
from fedsim.errors import FedsimError
from fedsim.learners.compressed import Compression
from fedsim.problems import unknown
from fedsim.protocols.fit import compression_misfit, misfits, peer_misfits
from fedsim.scenario.catalogue import Part
from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_name
from fedsim.scenario.data import Counts
from fedsim.scenario.definitions import one_of_names
from fedsim.scenario.failures import Crashes, InterruptedWords, ServerInterruptedWords, epochs_rule
from fedsim.scenario.group import Count, DeviceGroup
from fedsim.scenario.leanings import label_mistakes
from fedsim.scenario.metric import ALSO, METRICS, UNSEEN, Also, is_share, metric_rule, target_rule
from fedsim.scenario.names import Codecs, Data, DeviceName, Learner, Model, Name, Network, Place, Places, Protocol
from fedsim.scenario.network import NetworkRules
from fedsim.scenario.outage import Outage
from fedsim.scenario.overlay_rules import mixing_rules, overlay_rules
from fedsim.scenario.quantity import DurationLaw, Energy, Gain, Target, Time
from fedsim.scenario.refusal import Mistake, Refused, mistakes_in, refuse
from fedsim.system.interruption import Interrupted

AlsoWord = Annotated[
    Also, PlainValidator(lambda words: read_name("evaluation", ALSO, words)), WithJsonSchema(one_of_names(ALSO))
]
Seed = Annotated[int, Strict(), Field(ge=0, le=2**63 - 1)]


class ServerPlace(Checked):
    """Where the server is, and which machine; and, if not by its speed, how long it takes to combine answers.

    ``interrupted`` is what becomes of a round when it crashes, or an outage takes it down.
    """

    at: Place
    """The node at which it stands."""
    device: DeviceName = "server"
    """Which machine it is: fedsim list devices."""
    service_s: DurationLaw | None = Field(default=None, alias="service")
    """How long it takes to combine answers; null for what its speed says."""
    crashes: Crashes | None = None
    """When it crashes, and how long it is down; null for never."""
    interrupted: ServerInterruptedWords = "abort"
    """What becomes of a round when it goes: the round is lost (abort), or goes on when it is back (resume)."""


class Edges(Checked):
    """Edge servers, one at each place, for hierarchical rounds: which machines, and how they fail.

    A device belongs to the nearest, by the delay from its place; all of a group in ``groups`` to the one named there.
    """

    at: Places
    """The nodes at which they stand."""
    device: DeviceName = "server"
    """Which machine each is: fedsim list devices."""
    service_s: DurationLaw | None = Field(default=None, alias="service")
    """How long each takes to combine answers; null for what its speed says."""
    crashes: Crashes | None = None
    """When each crashes, and how long it is down; null for never."""
    interrupted: ServerInterruptedWords = "abort"
    """What becomes of a round when one goes: the round is lost (abort), or goes on when it is back (resume)."""
    groups: dict[Annotated[str, Strict()], Annotated[str, Strict()]] = Field(default_factory=dict)
    """The edge server of all devices of a group, by the group's name; others go to the nearest."""

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        places = info.data.get("at", ())
        strange = [(group, place) for group, place in groups.items() if places and place not in places]
        if strange:
            raise Refused([((group,), unknown(place, "edge server", places)) for group, place in strange])
        return groups


class PlateauWords(Checked):
    """No progress of the metric: for so many evaluations, or within so much simulated time.

    Progress is a value that is better by at least ``gain`` than the last that was progress.
    """

    evaluations: Count | None = None
    """Evaluations without progress after which the run ends; either this or within."""
    within_s: Time | None = Field(default=None, alias="within")
    """Simulated time without progress after which the run ends; either this or evaluations."""
    gain: Gain = 0.0
    """How much better a value must be than the last that was progress."""

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if (self.evaluations is None) == (self.within_s is None):
            raise refuse("needs either evaluations or within")
        return self


class Stop(Checked):
    """When a run ends: at the target, or at a bound on time, rounds, energy or patience, whichever is first.

    The metric is any that the run evaluates, the learner's own measures included; see ``fedsim.scenario.metric``.
    The energy is what the devices spend for the learner; it is looked at when a round ends and at evaluations.
    """

    metric: Annotated[str, Strict()] = METRICS[0]
    """What the target is about: any column of the curve, such as accuracy, mean_accuracy or the learner's objective."""
    target: Target | None = None
    """Value of the metric at which the run ends; null for none."""
    time_s: Time | None = Field(default=None, alias="time")
    """Simulated time after which the run ends; one of the bounds must be given."""
    rounds: Count | None = None
    """Rounds after which the run ends; one of the bounds must be given."""
    energy_j: Energy | None = Field(default=None, alias="energy")
    """Energy of all devices for the learner after which the run ends; one of the bounds must be given."""
    plateau: PlateauWords | None = None
    """Ends the run when there is no more progress; one of the bounds must be given."""

    @field_validator("target")
    @classmethod
    def _check_target(cls, target: float | None, info: ValidationInfo) -> float | None:
        rule = "" if target is None or "metric" not in info.data else target_rule(info.data["metric"], target)
        if rule:
            raise refuse(rule)
        return target

    @field_serializer("target")
    def _write_target(self, target: float | None) -> float | str | None:
        return units.show(target, "1") if target is not None and is_share(self.metric) else target

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if (self.time_s, self.rounds, self.energy_j, self.plateau) == (None, None, None, None):
            raise refuse("needs a bound, time, rounds, energy or plateau: a target may never be reached")
        return self


class Evaluate(Checked):
    """When the metrics are computed: after every so many rounds, every so many simulated seconds, or both.

    Without a server a round is as many rounds of single peers as there are peers. The start and the end are always
    evaluated. So many devices as are ``unseen`` are kept out of every round, and scored apart from the others.
    ``also`` is what is computed besides the test accuracies, see ``fedsim.scenario.metric``; what ``stop.metric``
    needs is computed anyway.
    """

    every_rounds: Count | None = 1
    """Rounds between two evaluations; null for none by rounds."""
    every_s: Time | None = Field(default=None, alias="every")
    """Simulated time between two evaluations; null for none by time."""
    unseen: Count | None = None
    """How many devices are kept out of every round, and scored apart; null for none."""
    also: tuple[AlsoWord, ...] = ()
    """What is computed besides the accuracies on test examples."""


class Scenario(Checked):
    """A checked scenario. Later fields are checked against earlier ones, as far as these are sound.

    ``interrupted`` is what becomes of devices' work when they go in the middle of it. ``lives`` are names of devices
    whose charge and power go into the record, stretch by stretch.
    """

    name: Name
    """What it is called in results: letters, digits, - and _."""
    seed: Seed = 0
    """Of all that is left to luck: same scenario and seed, same run."""
    topology: Network
    """The network: a topology file, or its content, or words that import or generate one."""
    network: NetworkRules = Field(default_factory=NetworkRules)
    """How messages pass through the network, and what happens to them."""
    server: ServerPlace | None = None
    """Where the server is; null where there is none."""
    edges: Edges | None = None
    """Edge servers, for hierarchical rounds; null where there are none."""
    fleet: tuple[DeviceGroup, ...]
    """The devices, in groups."""
    outages: tuple[Outage, ...] = ()
    """What is down, when."""
    data: Data
    """What is learned from, and how it lies on the devices."""
    model: Model
    """What is trained."""
    learner: Learner
    """What devices and server compute, and what they send."""
    compression: Codecs = Field(default_factory=Compression)
    """How the messages of a central learner are coded; null sends numbers as they are."""
    interrupted: InterruptedWords = "abort"
    """What becomes of a device's work when it goes in the middle: it is lost (abort), goes on where it was (pause), or
    goes on after
    the last whole epoch (resume)."""
    protocol: Protocol
    """Who talks to whom, when."""
    stop: Stop
    """When the run ends."""
    evaluate: Evaluate = Evaluate()
    """When quality is measured, and of whom."""
    lives: tuple[Annotated[str, Strict()], ...] = ()
    """Names of devices whose charge and power are recorded, for fedsim life."""

    _file: str = PrivateAttr("")

    @property
    def origin(self) -> str:
        """What messages about it begin with: its file, or its name where it has none."""
        return self._file or self.name

    def read_from(self, file: str) -> Self:
        """The same, read from this file."""
        self._file = file
        return self

    @property
    def devices(self) -> int:
        """Devices in all groups."""
        return sum(group.count for group in self.fleet)

    @property
    def learns(self) -> bool:
        """Whether it has data to learn from; what has only counts of them is a timing run."""
        return not isinstance(self.data.value, Counts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scenario) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash((self.name, self.seed))

    def _content(self) -> dict[str, Any]:
        """All fields; a graph is equal only to itself, its words are equal to equal words."""
        return {**dict(self), "topology": self.topology.words()}

    @field_validator("fleet")
    @classmethod
    def _check_fleet(cls, fleet: tuple[DeviceGroup, ...], info: ValidationInfo) -> tuple[DeviceGroup, ...]:
        if not fleet:
            raise refuse("has no devices: it needs at least one group")
        try:
            limits.DEVICES.check(sum(group.count for group in fleet), "it")
        except FedsimError as error:
            raise refuse(str(error)) from None
        names = [group.name for group in fleet]
        twice = [i for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise Refused([((i, "name"), f"{names[i]!r} is the name of an earlier group") for i in twice])
        taken = set(info.data["topology"].graph) if "topology" in info.data else set()
        places = [(i, place) for i, group in enumerate(fleet) for place in sorted(taken) if group.has_by_rank(place)]
        if places:
            raise Refused([((i, "name"), f"its device {place!r} has the name of a place") for i, place in places])
        for i, group in enumerate(fleet):
            own = [device.name for device in group.devices]
            rule = "is the name of a place or of another group's device"
            twice_named = [
                j for j, name in enumerate(own) if name in taken or any(other.has_by_rank(name) for other in fleet)
            ]
            if twice_named:
                raise Refused([((i, "devices", j, "name"), f"{own[j]!r} {rule}") for j in twice_named])
            taken |= set(own)
        return fleet

    @model_validator(mode="after")
    def _check_edges(self) -> Self:
        """Edge servers are somewhere else than the server, and have groups that exist."""
        if self.edges is None:
            return self
        broken: list[Mistake] = []
        if self.server is not None and self.server.at in self.edges.at:
            broken.append((("edges", "at"), f"{self.server.at!r} is the place of the server already"))
        known = [group.name for group in self.fleet]
        strange = [group for group in self.edges.groups if group not in known]
        broken += [(("edges", "groups", group), unknown(group, "group", known)) for group in strange]
        if broken:
            raise Refused(broken)
        return self

    @field_validator("outages")
    @classmethod
    def _check_outages(cls, outages: tuple[Outage, ...], info: ValidationInfo) -> tuple[Outage, ...]:
        """What an outage takes along must be there."""
        fleet = info.data.get("fleet", ())
        broken = []
        for i, outage in enumerate(outages):
            if fleet:
                broken += [((i, *keys), rule) for keys, rule in outage.strangers(fleet)]
            if outage.server and "server" in info.data and info.data["server"] is None:
                broken.append(((i, "server"), "there is no server: give 'server: {at: ...}'"))
        if broken:
            raise Refused(broken)
        return outages

    @field_validator("interrupted")
    @classmethod
    def _check_interrupted(cls, interrupted: Interrupted, info: ValidationInfo) -> Interrupted:
        rule = epochs_rule(interrupted, info.data["learner"]) if "learner" in info.data else ""
        if rule:
            raise refuse(rule)
        return interrupted

    @field_validator("lives")
    @classmethod
    def _check_lives(cls, lives: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Names of devices, as ``Fleet.name`` gives them."""
        groups = info.data.get("fleet", ())
        known = {name for group in groups for name in group.device_names()} if lives else set()
        strange = [(i, name) for i, name in enumerate(lives) if groups and name not in known]
        if strange:
            raise Refused([((i,), unknown(name, "device", sorted(known))) for i, name in strange])
        return lives

    @field_validator("stop", mode="wrap")
    @classmethod
    def _check_stop(cls, words: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Stop:
        """The metric is one that this learner has, and whatever else is wrong is told with it."""
        name = words.get("metric") if isinstance(words, Mapping) else None
        wrong = "learner" in info.data and isinstance(name, str) and metric_rule(name, info.data["learner"])
        broken: list[Mistake] = [(("metric",), wrong)] if wrong else []
        try:
            stop: Stop = read(words)
        except ValidationError as error:
            raise Refused([*broken, *mistakes_in(error, Stop)]) from None
        if broken:
            raise Refused(broken)
        return stop

    @field_validator("learner")
    @classmethod
    def _check_learner(cls, learner: Part, info: ValidationInfo) -> Part:
        model = info.data.get("model")
        wanted = learner.kind.models
        if model and wanted and model.name not in wanted:
            raise refuse(f"{learner.name!r} cannot train a {model.name!r} model, only one of: {', '.join(wanted)}")
        return learner

    @field_validator("compression")
    @classmethod
    def _check_compression(cls, compression: Compression, info: ValidationInfo) -> Compression:
        learner = info.data.get("learner")
        if learner is None or compression == Compression():
            return compression
        if learner.kind.family != "central":
            raise refuse(f"is for messages to and from a server, and {learner.name!r} has none: leave it out")
        reason = compression_misfit(compression, learner.value, learner.name)
        if reason:
            raise refuse(reason)
        return compression

    @model_validator(mode="after")
    def _has_the_labels(self) -> Self:
        """Availability may lean by labels only if the data have them."""
        broken = label_mistakes(self.fleet, self.data)
        if broken:
            raise Refused(broken)
        return self

    @model_validator(mode="after")
    def _asks_everybody(self) -> Self:
        """Rounds of all devices that learn, where the learner needs an answer from each."""
        eligible = self.devices - (self.evaluate.unseen or 0)
        if self.protocol.kind.family == "central":
            coded = self.compression.of(self.learner.value)
            found = misfits(self.protocol.value, coded, self.learner.name, eligible)
            if found:
                raise Refused([(("protocol", key) if key else ("protocol",), reason) for key, reason in found])
        return self

    @field_validator("protocol")
    @classmethod
    def _check_protocol(cls, protocol: Part, info: ValidationInfo) -> Part:
        broken = [
            *_family_rules(protocol, info.data),
            *_edge_rules(protocol, info.data),
            *_size_rules(protocol, info.data),
            *overlay_rules(protocol.value, info.data.get("fleet")),
            *mixing_rules(protocol.value),
        ]
        if broken:
            raise Refused(broken)
        return protocol

    @field_validator("evaluate")
    @classmethod
    def _check_evaluate(cls, evaluate: Evaluate, info: ValidationInfo) -> Evaluate:
        if evaluate.every_s is not None and "stop" in info.data and info.data["stop"].time_s is not None:
            try:
                limits.EVALUATIONS.check(info.data["stop"].time_s / evaluate.every_s, "it")
            except FedsimError as error:
                raise Refused([(("every",), str(error))]) from None
        rule = _unseen_rule(evaluate.unseen, info.data)
        if rule:
            raise Refused([(("unseen",), rule)])
        return evaluate

    @model_validator(mode="after")
    def _evaluates_the_metric(self) -> Self:
        """A run is stopped by what it evaluates."""
        if self.stop.metric.startswith(UNSEEN) and not self.evaluate.unseen:
            rule = f"{self.stop.metric!r} is of devices that are kept out: say how many in evaluate.unseen"
            raise Refused([(("stop", "metric"), rule)])
        if self.stop.plateau and self.evaluate.every_rounds is None and self.evaluate.every_s is None:
            rule = "is seen by evaluations: say how often in evaluate.every_rounds or evaluate.every"
            raise Refused([(("stop", "plateau"), rule)])
        return self


def _unseen_rule(unseen: int | None, others: dict[str, Any]) -> str:
    """What is wrong with keeping so many devices out of the training."""
    if unseen is None or not {"fleet", "protocol"} <= others.keys():
        return ""
    protocol = others["protocol"]
    if protocol.kind.family != "central":
        return f"needs a server that keeps devices out, and {protocol.name!r} has none"
    devices, cohort = sum(group.count for group in others["fleet"]), getattr(protocol.value, "cohort", 1)
    if unseen > devices - cohort:
        return f"leaves {devices - unseen} of {devices} devices, and a round takes {cohort}"
    return ""


def _family_rules(protocol: Part, others: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Which rules a protocol breaks because of what kind of protocol it is."""
    broken: list[tuple[tuple[str, ...], str]] = []
    learner, family = others.get("learner"), protocol.kind.family
    if learner and learner.kind.family != family:
        reason = "needs a server that combines answers" if family == "decentralised" else "has no server's part"
        text = f"{protocol.name!r} is for {family} learners; {learner.name!r} is {learner.kind.family}: it {reason}"
        broken.append(((), text))
    if learner and learner.kind.family == family == "central":
        coded = others.get("compression", Compression()).of(learner.value)
        found = misfits(protocol.value, coded, learner.name)
        broken += [((key,) if key else (), reason) for key, reason in found]
    if learner and learner.kind.family == family == "decentralised":
        found = peer_misfits(protocol.value, learner.value, learner.name)
        broken += [((key,) if key else (), reason) for key, reason in found]
    if family == "central" and "server" in others and others["server"] is None:
        broken.append(((), f"{protocol.name!r} needs a server: give 'server: {{at: ...}}'"))
    return broken


def _edge_rules(protocol: Part, others: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Edge servers are there if, and only if, the protocol has work for them."""
    if "edges" not in others:
        return []
    edges = others["edges"]
    if not getattr(protocol.value, "merges_edges", False):
        return [] if edges is None else [((), f"{protocol.name!r} has no work for edge servers: leave 'edges' out")]
    if edges is None:
        return [((), f"{protocol.name!r} needs edge servers: give 'edges: {{at: [...]}}'")]
    quorum = protocol.value.edge_quorum
    if quorum > len(edges.at):
        return [(("edge_quorum",), f"must be at most the {len(edges.at)} edge servers there are, got {quorum}")]
    return []


def _size_rules(protocol: Part, others: dict[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """Which rules a protocol breaks because of how many devices there are."""
    if "fleet" not in others:
        return []
    devices = sum(group.count for group in others["fleet"])
    counts = {key: getattr(protocol.value, key, None) for key in ("cohort", "concurrency")}
    return [
        ((key,), f"must be at most the {devices} devices there are, got {count}")
        for key, count in counts.items()
        if count is not None and count > devices
    ]
