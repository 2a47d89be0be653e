"""From the words about the network and the server to the objects that the system has."""

import math
from collections.abc import Callable

import networkx as nx

from fedsim.kernel import Simulation
from fedsim.scenario.schema import Scenario
from fedsim.system.equal_split import Degrees
from fedsim.system.messenger import Manners
from fedsim.system.network import Network
from fedsim.system.peers import Peers


def make_network(scenario: Scenario, sim: Simulation, degrees: Callable[[], Degrees]) -> Network:
    """The topology with its rules of sharing and routing; devices attach to it later.

    ``degrees`` are asked for when the first message is sent.
    """
    rules = scenario.network
    return Network(
        sim,
        scenario.topology,
        transport=rules.transport.make(),
        jitter=rules.jitter,
        metric=rules.routes,
        split=degrees if rules.sharing == "equal-split" else None,
    )


def make_degrees(scenario: Scenario, peers: Peers) -> Degrees:
    """By the overlay; one neighbour where there is none (the server), or everybody has one partner in each round.

    Of any other overlay that changes by the round, these are everybody with whom a device ever talks, until the
    protocol says of a message how many neighbours there are in its round.
    """
    overlay = getattr(scenario.protocol.value, "overlay", None)
    if overlay is None or getattr(overlay, "is_pairwise", False):
        return Degrees()
    return Degrees.of(nx.relabel_nodes(overlay.graph(peers), dict(enumerate(peers.names))))


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
