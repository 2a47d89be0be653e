"""From a checked scenario to wired objects: the one place that binds the layers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from fedsim.errors import FedsimError, NoRouteError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.learners.rehearsal import CentralRehearsal, GossipRehearsal
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.node import Monitor
from fedsim.protocols.session import CentralSession, GossipSession
from fedsim.scenario.comings import comings
from fedsim.scenario.data import Counts
from fedsim.scenario.group import DeviceGroup as GroupWords
from fedsim.scenario.kind import KindWords
from fedsim.scenario.link_rate import set_rates
from fedsim.scenario.outage import Outage as OutageWords
from fedsim.scenario.peers import make_peers, nominal_s
from fedsim.scenario.rate import make_course
from fedsim.scenario.roams import make_outage, make_roams
from fedsim.scenario.schema import Edges, Scenario, ServerPlace
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.blackout import Blackout
from fedsim.system.crew import Crew
from fedsim.system.device import Device
from fedsim.system.edges import edge_of
from fedsim.system.equal_split import Degrees
from fedsim.system.exposure import Cut
from fedsim.system.fleet import DeviceGroup, Fleet, Kind
from fedsim.system.interruption import Interrupted
from fedsim.system.messenger import Manners, Messenger
from fedsim.system.network import Network
from fedsim.system.peers import Peers
from fedsim.system.presence import Comings, GroupPresence, Presence
from fedsim.system.process import Array
from fedsim.system.profiles import Profiles, load_profiles
from fedsim.system.server import Server, ServerSpec
from fedsim.system.usage import Usage, WasteBook
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.datasets import load
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Outline, Problem, deal, label_share

Cuts = Sequence[tuple[OutageWords, Cut]]


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything of one run, wired and at time 0."""

    sim: Simulation
    network: Network
    devices: Crew
    server: Server | None
    edges: Sequence[Server]
    edge_of: IntArray | None
    peers: Peers
    training: CentralTraining | GossipTraining
    protocol: Any
    waste: WasteBook

    def session(self, monitor: Monitor) -> CentralSession | GossipSession:
        """What the protocol is run with."""
        if isinstance(self.training, GossipTraining):
            return GossipSession(
                devices=self.devices,
                training=self.training,
                streams=self.sim.rng,
                record=self.sim.record,
                monitor=monitor,
                peers=self.peers,
            )
        if self.server is None:
            raise FedsimError("a central learner needs a server")
        return CentralSession(
            devices=self.devices,
            training=self.training,
            streams=self.sim.rng,
            record=self.sim.record,
            monitor=monitor,
            server=self.server,
            edges=self.edges,
            edge_of=self.edge_of,
        )

    @property
    def learns(self) -> bool:
        """Whether anything is learned in it."""
        return not isinstance(self.training.problem, Outline)

    def spent(self) -> Usage:
        """What all devices spent up to now."""
        return self.devices.spent()

    def served(self) -> Usage:
        """What all servers spent up to now."""
        servers = [*self.edges] if self.server is None else [self.server, *self.edges]
        return sum((server.usage() for server in servers), Usage())


def build(scenario: Scenario, sim: Simulation, *, dry: bool = False) -> World:
    """Draw the luck of a scenario and put its objects together; ``dry`` if nothing is to be learned.

    Raises:
        FedsimError: if the data do not go around.
    """
    profiles = load_profiles()
    cuts = _cuts(scenario, sim)
    fleet = _fleet(scenario, profiles, sim, cuts)
    network = _network(scenario, sim, lambda: _degrees(scenario, peers))
    set_rates(scenario.network.links, network, scenario.topology, profiles, sim)
    outages = [make_outage(words) for words in scenario.outages]
    messenger = Messenger(sim, network, _manners(scenario), outages=outages)
    waste = WasteBook()
    problem = _problem(scenario, sim, fleet)
    presence = _presence(fleet, lambda: problem)
    if dry and not isinstance(problem, Outline):
        problem = Outline(model=problem.model, examples=problem.sizes, name=problem.name)
    devices = _crew(sim, fleet, presence, messenger, waste)
    training = _training(scenario, problem, sim)
    peers = make_peers(scenario, sim, fleet, training, lambda: nominal_s(training, devices))
    for index in range(len(fleet)) if scenario.lives else ():
        if fleet.name(index) in scenario.lives:
            devices[index].record_life()
    return World(
        sim=sim,
        network=network,
        devices=devices,
        server=_server(scenario, profiles, messenger, cuts, sim),
        edges=_edges(scenario, profiles, messenger, sim),
        edge_of=_edge_of(scenario, fleet),
        peers=peers,
        training=training,
        protocol=scenario.protocol.make(),
        waste=waste,
    )


def comings_and_goings(scenario: Scenario, sim: Simulation) -> tuple[Fleet, list[GroupPresence]]:
    """The fleet of a scenario, and when its groups' devices are there, without anything else.

    Raises:
        FedsimError: if data are asked for and do not go around.
    """
    profiles = load_profiles()
    fleet = _fleet(scenario, profiles, sim, _cuts(scenario, sim))
    return fleet, _presence(fleet, lambda: _problem(scenario, sim, fleet))


def _presence(fleet: Fleet, problem: Callable[[], Problem]) -> list[GroupPresence]:
    def measure(name: str) -> Array:
        what, *labels = name.split()
        if what == "slowness":
            return fleet.slowness()
        known = problem()
        if isinstance(known, Outline):
            raise ScenarioError("availability that leans by labels needs data, and a timing run has none")
        return label_share(known, [int(label) for label in labels])

    return [GroupPresence(fleet.crowd(number, measure), group.comings) for number, group in enumerate(fleet.groups)]


def _crew(
    sim: Simulation, fleet: Fleet, presence: Sequence[GroupPresence], messenger: Messenger, waste: WasteBook
) -> Crew:
    """Devices that join the network when somebody first works with them."""

    def make(index: int, there: Presence) -> Device:
        spec = fleet.spec(index)
        messenger.network.attach(spec.name, spec.place, spec.access)
        return Device(sim, spec, messenger, waste, there)

    return Crew(sim, fleet, presence, make)


def _network(scenario: Scenario, sim: Simulation, degrees: Callable[[], Degrees]) -> Network:
    rules = scenario.network
    return Network(
        sim,
        scenario.topology,
        transport=rules.transport.make(),
        jitter=rules.jitter,
        metric=rules.routes,
        split=degrees if rules.sharing == "equal-split" else None,
    )


def _degrees(scenario: Scenario, peers: Peers) -> Degrees:
    """By the overlay; where there is none, every device has one neighbour: the server."""
    overlay = getattr(scenario.protocol.value, "overlay", None)
    if overlay is None:
        return Degrees()
    return Degrees.of(nx.relabel_nodes(overlay.graph(peers), dict(enumerate(peers.names))))


def _manners(scenario: Scenario) -> Manners:
    rules = scenario.network
    chunk_bytes = math.inf if rules.chunk_bytes is None else rules.chunk_bytes
    return Manners(
        message_loss=rules.message_loss,
        corruption=rules.message_corruption,
        duplication=rules.message_duplication,
        lateness=None if rules.message_delay is None else rules.message_delay.make(),
        retry=rules.retry,
        chunk_bytes=chunk_bytes,
        give_up_s=rules.give_up_s,
    )


def _cuts(scenario: Scenario, sim: Simulation) -> Cuts:
    """The outages that take machines along, as these see them."""
    return [(words, make_outage(words).cut(sim)) for words in scenario.outages if words.machines]


def _fleet(scenario: Scenario, profiles: Profiles, sim: Simulation, cuts: Cuts) -> Fleet:
    groups = [_group(words, profiles, scenario.interrupted, _comings(words, cuts)) for words in scenario.fleet]
    return Fleet(groups, sim.luck, sim.rng)


def _comings(words: GroupWords, cuts: Cuts) -> list[Comings]:
    """What takes the devices of a group along, first; then its own comings and goings."""
    rules: list[Comings] = []
    for outage, cut in cuts:
        if words.name in outage.groups:
            rules.append(Blackout(cut))
        elif outage.devices:
            ranks = tuple(rank for rank, name in enumerate(words.device_names()) if name in outage.devices)
            rules += [Blackout(cut, ranks)] if ranks else []
    rules += comings(words.availability, words.churn)
    return rules if words.crashes is None else [*rules, words.crashes.make()]


def _group(words: GroupWords, profiles: Profiles, interrupted: Interrupted, rules: Sequence[Comings]) -> DeviceGroup:
    return DeviceGroup(
        name=words.name,
        count=words.count,
        kinds=[_kind(one, profiles, interrupted) for one in words.mix or words.devices or (words,)],
        weights=[one.weight for one in words.mix],
        names=[one.name for one in words.devices],
        comings=rules,
    )


def _kind(words: KindWords, profiles: Profiles, interrupted: Interrupted) -> Kind:
    link = profiles.links[words.link]
    return Kind(
        link=words.link,
        places=words.at,
        radio=profiles.radios[words.radio],
        half_duplex=link.half_duplex,
        paging_s=link.paging_wait_max_s,
        step_overhead_s=words.step_overhead_s,
        train_w=words.power.train_w,
        idle_w=words.power.idle_w,
        sleep_w=words.power.sleep_w,
        chip=words.processor,
        rules=BatteryRules(
            charging=words.charging,
            floor_share=words.floor_share,
            restart_share=words.restart_share,
            takes_part=words.takes_part,
        ),
        battery_j=words.battery_j,
        flops_per_s=words.flops_per_s,
        charge=words.charge,
        up_bps=words.up_bps,
        down_bps=words.down_bps,
        rtt_s=words.rtt_s,
        loss=words.loss,
        course=make_course(words.rate, profiles),
        faults=None if words.faults is None else words.faults.make(),
        interrupted=interrupted,
        roams=make_roams(words, profiles),
    )


def _server(scenario: Scenario, profiles: Profiles, messenger: Messenger, cuts: Cuts, sim: Simulation) -> Server | None:
    if scenario.server is None:
        return None
    spec = _server_spec(scenario.server, scenario.server.at, profiles)
    return Server(sim, spec, messenger, [cut for words, cut in cuts if words.server])


def _edges(scenario: Scenario, profiles: Profiles, messenger: Messenger, sim: Simulation) -> list[Server]:
    words = scenario.edges
    if words is None:
        return []
    return [Server(sim, _server_spec(words, place, profiles), messenger) for place in words.at]


def _edge_of(scenario: Scenario, fleet: Fleet) -> IntArray | None:
    words = scenario.edges
    if words is None:
        return None
    try:
        return edge_of(fleet, scenario.topology, words.at, words.groups)
    except NoRouteError as error:
        raise ScenarioError(f"{scenario.name}: edges: {error}") from None


def _server_spec(words: ServerPlace | Edges, place: str, profiles: Profiles) -> ServerSpec:
    machine = profiles.devices[words.device]
    return ServerSpec(
        place=place,
        flops_per_s=machine.flops_per_s,
        train_w=machine.train_w,
        idle_w=machine.idle_w,
        service_s=words.service_s,
        crashes=None if words.crashes is None else words.crashes.make(),
        interrupted=words.interrupted,
    )


def _problem(scenario: Scenario, sim: Simulation, fleet: Fleet) -> Problem:
    share = scenario.data.value
    if isinstance(share, Counts):
        model = _model(scenario, share.features, share.classes)
        return Outline(model=model, examples=_counts(share, fleet), name=scenario.data.name)
    dataset = load(scenario.data.name)
    labels = np.asarray(dataset.y, dtype=np.int64)
    model = _model(scenario, dataset.features, dataset.classes)
    try:
        device = share.partition.assign(labels, scenario.devices, sim.rng("data", "partition"))
        return deal(dataset, device, model, share.test_share, sim.rng("data", "split"))
    except FedsimError as error:
        raise ScenarioError(f"{scenario.name}: data: {error}") from None


def _model(scenario: Scenario, features: int, classes: int) -> Model:
    """The model for data of this shape; ``classes`` is 0 where they have targets.

    Raises:
        ScenarioError: if the model is not for such data.
    """
    part = scenario.model
    known = {"features": features, "classes": classes}
    try:
        model: Model = part.make(**{name: known[name] for name in part.kind.provided})
    except FedsimError as error:
        raise ScenarioError(f"{scenario.name}: model: {error}") from None
    if bool(model.classes) != bool(classes):
        has = f"{classes} classes" if classes else "targets and no classes"
        takes = "tells classes apart" if model.classes else "is a regression"
        raise ScenarioError(f"{scenario.name}: model: {part.name} {takes}, and {scenario.data.name} has {has}")
    return model


def _counts(share: Counts, fleet: Fleet) -> IntArray:
    """Examples of each device, from luck of its own: (m,)."""
    q = [
        fleet.luck(number)("examples").uniforms(fleet.things[fleet.rows(number)], 0)
        for number in range(len(fleet.groups))
    ]
    return np.maximum(np.rint(share.examples.isf(np.concatenate(q))), 1).astype(np.int64)


def _training(scenario: Scenario, problem: Problem, sim: Simulation) -> CentralTraining | GossipTraining:
    part = scenario.learner
    is_central = part.kind.family != "decentralised"
    learner: Any = scenario.compression.of(part.make()) if is_central else part.make()
    if isinstance(problem, Outline):
        learner = CentralRehearsal(learner) if is_central else GossipRehearsal(learner)
    return CentralTraining(problem, learner, sim.rng) if is_central else GossipTraining(problem, learner, sim.rng)
