"""From the words about the network and the server to the objects that the system has."""

import math

import networkx as nx

from fedsim.kernel import Simulation
from fedsim.scenario.fleets import Cuts
from fedsim.scenario.schema import Scenario
from fedsim.system.equal_split import Degrees
from fedsim.system.fleet import Fleet
from fedsim.system.messenger import Manners, Messenger
from fedsim.system.network import Network
from fedsim.system.profiles import Profiles
from fedsim.system.server import Server, ServerSpec


def make_network(scenario: Scenario, sim: Simulation, fleet: Fleet) -> Network:
    """The topology with its rules of sharing and routing; devices attach to it later."""
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


def make_manners(scenario: Scenario) -> Manners:
    """What happens to messages beside their transport."""
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


def make_server(
    scenario: Scenario, profiles: Profiles, messenger: Messenger, cuts: Cuts, sim: Simulation
) -> Server | None:
    """The server with what takes it down; None where there is none."""
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
    return Server(sim, spec, messenger, [cut for words, cut in cuts if words.server])
