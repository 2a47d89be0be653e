"""From a checked scenario to wired objects: the one place that binds the layers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from fedsim.errors import FedsimError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.node import Monitor
from fedsim.protocols.session import CentralSession, GossipSession
from fedsim.scenario.group import DeviceGroup as GroupWords
from fedsim.scenario.link_rate import set_rates
from fedsim.scenario.outage import Outage as OutageWords
from fedsim.scenario.rate import make_course
from fedsim.scenario.roams import make_outage, make_roams
from fedsim.scenario.schema import Scenario
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.device import Device, DeviceSpec
from fedsim.system.equal_split import Degrees
from fedsim.system.exposure import Cut
from fedsim.system.fleet import DeviceGroup, Fleet
from fedsim.system.interruption import Interrupted
from fedsim.system.messenger import Manners, Messenger
from fedsim.system.network import Network
from fedsim.system.presence import Availability
from fedsim.system.profiles import Profiles, load_profiles
from fedsim.system.server import Server, ServerSpec
from fedsim.system.usage import Usage, WasteBook
from fedsim.tasks.datasets import load
from fedsim.tasks.problem import Problem, deal


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything of one run, wired and at time 0."""

    sim: Simulation
    network: Network
    devices: tuple[Device, ...]
    server: Server | None
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
        )

    def spent(self) -> Usage:
        """What all devices spent up to now."""
        return sum((device.usage() for device in self.devices), Usage())


def build(scenario: Scenario, sim: Simulation) -> World:
    """Draw the luck of a scenario and put its objects together.

    Raises:
        FedsimError: if the data do not go around.
    """
    profiles = load_profiles()
    fleet = Fleet([_group(group, profiles, scenario.interrupted) for group in scenario.fleet], sim.rng)
    network = _network(scenario, sim, fleet)
    set_rates(scenario.network.links, network, scenario.topology, profiles, sim)
    outages = [make_outage(words) for words in scenario.outages]
    messenger = Messenger(sim, network, _manners(scenario), outages=outages)
    waste = WasteBook()
    cuts = _Cuts([(words, outage.cut(sim)) for words, outage in zip(scenario.outages, outages, strict=True)])
    devices = tuple(_device(sim, fleet.spec(index), messenger, waste, cuts) for index in range(len(fleet)))
    for device in devices:
        network.attach(device.name, device.spec.place, device.spec.access)
        if device.name in scenario.lives:
            device.record_life()
    return World(
        sim=sim,
        network=network,
        devices=devices,
        server=_server(scenario, profiles, messenger, cuts, sim),
        training=_training(scenario, _problem(scenario, sim), sim),
        protocol=scenario.protocol.make(),
        waste=waste,
    )


def _network(scenario: Scenario, sim: Simulation, fleet: Fleet) -> Network:
    rules = scenario.network
    return Network(
        sim,
        scenario.topology,
        transport=rules.transport.make(),
        jitter=rules.jitter,
        metric=rules.routes,
        split=_degrees(scenario, fleet) if rules.sharing == "equal-split" else None,
    )


def _degrees(scenario: Scenario, fleet: Fleet) -> Degrees:
    """By the overlay; where there is none, every device has one neighbour: the server."""
    overlay = getattr(scenario.protocol.value, "overlay", None)
    if overlay is None:
        return Degrees()
    return Degrees.of(nx.relabel_nodes(overlay.graph(len(fleet)), fleet.name))


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


@dataclass(frozen=True, slots=True)
class _Cuts:
    """What takes machines along."""

    outages: Sequence[tuple[OutageWords, Cut]]

    def of_device(self, spec: DeviceSpec) -> list[Cut]:
        return [cut for words, cut in self.outages if spec.group in words.groups or spec.name in words.devices]

    def of_server(self) -> list[Cut]:
        return [cut for words, cut in self.outages if words.server]


def _device(sim: Simulation, spec: DeviceSpec, messenger: Messenger, waste: WasteBook, cuts: _Cuts) -> Device:
    return Device(sim, spec, messenger, waste, cuts.of_device(spec))


def _group(words: GroupWords, profiles: Profiles, interrupted: Interrupted) -> DeviceGroup:
    link = profiles.links[words.link]
    stays, fails = words.availability, words.crashes
    return DeviceGroup(
        name=words.name,
        count=words.count,
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
        availability=None if stays is None else Availability(stay_s=stays.stay_s, away_s=stays.away_s),
        crashes=None if fails is None else fails.make(),
        faults=None if words.faults is None else words.faults.make(),
        interrupted=interrupted,
        roams=make_roams(words, profiles),
    )


def _server(
    scenario: Scenario, profiles: Profiles, messenger: Messenger, cuts: _Cuts, sim: Simulation
) -> Server | None:
    if scenario.server is None:
        return None
    machine = profiles.devices[scenario.server.device]
    spec = ServerSpec(
        place=scenario.server.at,
        flops_per_s=machine.flops_per_s,
        train_w=machine.train_w,
        idle_w=machine.idle_w,
        service_s=scenario.server.service_s,
        crashes=None if scenario.server.crashes is None else scenario.server.crashes.make(),
        interrupted=scenario.server.interrupted,
    )
    return Server(sim, spec, messenger, cuts.of_server())


def _problem(scenario: Scenario, sim: Simulation) -> Problem:
    dataset = load(scenario.data.name)
    share = scenario.data.value
    labels = np.asarray(dataset.y, dtype=np.int64)
    model = scenario.model.make(features=dataset.features, classes=dataset.classes)
    try:
        device = share.partition.assign(labels, scenario.devices, sim.rng("data", "partition"))
        return deal(dataset, device, model, share.test_share, sim.rng("data", "split"))
    except FedsimError as error:
        raise ScenarioError(f"{scenario.name}: data: {error}") from None


def _training(scenario: Scenario, problem: Problem, sim: Simulation) -> CentralTraining | GossipTraining:
    learner = scenario.learner
    if learner.kind.family == "decentralised":
        return GossipTraining(problem, learner.make(), sim.rng)
    return CentralTraining(problem, learner.make(), sim.rng)
