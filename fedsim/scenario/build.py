"""From a checked scenario to wired objects: the one place that binds the layers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from fedsim import limits
from fedsim.errors import FedsimError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.learners.rehearsal import CentralRehearsal, GossipRehearsal
from fedsim.learners.training import CentralTraining, GossipTraining, Streams
from fedsim.protocols.node import Monitor
from fedsim.protocols.session import CentralSession, GossipSession
from fedsim.scenario.fleets import make_cuts, make_fleet
from fedsim.scenario.learning import make_problem
from fedsim.scenario.link_rate import set_rates
from fedsim.scenario.networks import make_degrees, make_manners, make_network
from fedsim.scenario.peers import make_peers, nominal_s
from fedsim.scenario.roams import make_outage
from fedsim.scenario.schema import Scenario
from fedsim.scenario.servers import edges_of, make_edges, make_server
from fedsim.system.crew import Crew
from fedsim.system.device import Device
from fedsim.system.fleet import Fleet
from fedsim.system.foresight import Foresight
from fedsim.system.letters import Letters
from fedsim.system.messenger import Messenger
from fedsim.system.network import Network
from fedsim.system.peers import Peers
from fedsim.system.presence import GroupPresence, Presence
from fedsim.system.process import Array
from fedsim.system.profiles import load_profiles
from fedsim.system.server import Server
from fedsim.system.usage import Usage, WasteBook
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.problem import Outline, Problem, label_share


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything of one run, wired and at time 0."""

    sim: Simulation
    network: Network
    devices: Crew
    server: Server | None
    edges: Sequence[Server]
    edge_of: IntArray | None
    peers: Callable[[], Peers]
    training: CentralTraining | GossipTraining
    protocol: Any
    waste: WasteBook
    unseen: IntArray
    foresight: Foresight | None
    letters: Letters | None

    def session(self, monitor: Monitor) -> CentralSession | GossipSession:
        """What the protocol is run with."""
        if isinstance(self.training, GossipTraining):
            return GossipSession(
                devices=self.devices,
                training=self.training,
                streams=self.sim.rng,
                record=self.sim.record,
                monitor=monitor,
                peers=self.peers(),
                letters=self.letters,
                part=self.network.part,
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
            foresight=self.foresight,
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
        if self.foresight is not None:
            self.foresight.disturb()
        servers = [*self.edges] if self.server is None else [self.server, *self.edges]
        return sum((server.usage() for server in servers), Usage())


def build(scenario: Scenario, sim: Simulation, *, dry: bool = False) -> World:
    """Draw the luck of a scenario and put its objects together; ``dry`` if nothing is to be learned.

    Raises:
        FedsimError: if the data do not go around.
    """
    profiles = load_profiles()
    cuts = make_cuts(scenario, sim)
    fleet = make_fleet(scenario, profiles, sim, cuts)
    network = make_network(scenario, sim, lambda: make_degrees(scenario, peers()))
    set_rates(scenario.network.links, network, scenario.topology, profiles, sim)
    outages = [make_outage(words) for words in scenario.outages]
    messenger = Messenger(sim, network, make_manners(scenario), outages=outages)
    messenger.letters = Letters(sim, network) if messenger.is_calm and network.is_split else None
    waste = WasteBook()
    problem = make_problem(scenario, sim, lambda: fleet)
    presence = _presence(fleet, lambda: problem)
    if dry and not isinstance(problem, Outline):
        problem = Outline(model=problem.model, examples=problem.sizes, name=problem.name)
    devices = _crew(sim, fleet, presence, messenger, waste)
    unseen = _unseen(scenario, fleet)
    devices.keep_out(unseen)
    problem = replace(problem, unseen=unseen)
    training = _training(scenario, problem, sim)
    # Names and places of all devices, which nobody asks for where there is a server.
    peers = cache(lambda: make_peers(scenario, sim, fleet, training, lambda: nominal_s(training, devices)))
    for index in range(len(fleet)) if scenario.lives else ():
        if fleet.name(index) in scenario.lives:
            devices[index].record_life()
    return World(
        sim=sim,
        network=network,
        devices=devices,
        server=make_server(scenario, profiles, messenger, cuts, sim),
        edges=make_edges(scenario, profiles, messenger, sim),
        edge_of=edges_of(scenario, fleet),
        peers=peers,
        training=training,
        protocol=scenario.protocol.make(),
        waste=waste,
        unseen=unseen,
        foresight=Foresight(sim, network) if messenger.is_plain and not cuts else None,
        letters=messenger.letters,
    )


def comings_and_goings(scenario: Scenario, sim: Simulation) -> tuple[Fleet, list[GroupPresence]]:
    """The fleet of a scenario, and when its groups' devices are there, without anything else.

    Raises:
        FedsimError: if data are asked for and do not go around.
    """
    profiles = load_profiles()
    fleet = make_fleet(scenario, profiles, sim, make_cuts(scenario, sim))
    return fleet, _presence(fleet, lambda: make_problem(scenario, sim, lambda: fleet))


def _presence(fleet: Fleet, problem: Callable[[], Problem]) -> list[GroupPresence]:
    def measure(name: str) -> Array:
        what, *labels = name.split()
        if what == "slowness":
            return fleet.slowness()
        known = problem()
        if isinstance(known, Outline):
            raise ScenarioError("availability that leans by labels needs data, and a timing run has none")
        wanted = [int(label) for label in labels]
        strange = [label for label in wanted if not any((part.y == label).any() for part in (known.train, known.test))]
        if strange:
            listed = ", ".join(map(str, strange))
            raise ScenarioError(f"availability leans by labels of which there is no example: {listed}")
        return label_share(known, wanted)

    return [GroupPresence(fleet.crowd(number, measure), group.comings) for number, group in enumerate(fleet.groups)]


def _crew(
    sim: Simulation, fleet: Fleet, presence: Sequence[GroupPresence], messenger: Messenger, waste: WasteBook
) -> Crew:
    """Devices that join the network when somebody first works with them."""

    def make(index: int, there: Presence) -> Device:
        spec = fleet.spec(index)
        messenger.network.attach(spec.name, spec.place, spec.access)
        return Device(sim, spec, messenger, waste, there, since_s=0.0)

    return Crew(sim, fleet, presence, make)


def _unseen(scenario: Scenario, fleet: Fleet) -> IntArray:
    """The rows of the devices that are kept out of the training: so many with the lowest luck in this."""
    if not scenario.evaluate.unseen:
        return np.empty(0, dtype=np.int64)
    groups = range(len(fleet.groups))
    q = [fleet.luck(number)("unseen").uniforms(fleet.things[fleet.rows(number)], 0) for number in groups]
    return np.sort(np.argsort(np.concatenate(q), kind="stable")[: scenario.evaluate.unseen])


def _training(scenario: Scenario, problem: Problem, sim: Simulation) -> CentralTraining | GossipTraining:
    part = scenario.learner
    is_central = part.kind.family != "decentralised"
    learner: Any = scenario.compression.of(part.make()) if is_central else part.make()
    streams: Streams = sim.rng
    if not isinstance(problem, Outline):
        limits.MODEL.check(learner.up_bytes(problem), "learner and model")
    if isinstance(problem, Outline):
        learner = CentralRehearsal(learner) if is_central else GossipRehearsal(learner)
        streams = partial(_always, sim.rng("rehearsal"))  # a stream for every job, and nobody to draw from it
    return CentralTraining(problem, learner, streams) if is_central else GossipTraining(problem, learner, streams)


def _always(rng: np.random.Generator, *names: str | int) -> np.random.Generator:
    """One stream for all."""
    del names
    return rng
