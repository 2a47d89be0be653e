"""The table of links."""

import math

import networkx as nx
import pytest

from fedsim.kernel import Simulation
from fedsim.study.links import link_table
from fedsim.system.access import Access
from fedsim.system.network import Network
from fedsim.system.topology import Topology


def test_every_direction_of_every_link_has_a_row():
    """1 MB at 8 Mbit/s in 1 s; then as much again, of which half is wasted; 4 s in all."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["cell", "server"], kind="router")
    for arc in (("cell", "server"), ("server", "cell")):
        graph.add_edge(*arc, capacity_bps=8e6, delay_s=0.0, duplex="full")
    sim = Simulation(seed=1)
    network = Network(sim, Topology("line", graph))
    network.attach("a", "cell", Access(up_bps=math.inf, down_bps=math.inf))
    network.attach("idle", "cell", Access(up_bps=1.0, down_bps=1.0))

    async def story():
        await network.transfer("a", "server", 1e6)
        task = sim.loop.create_task(network.transfer("a", "server", 1e6))
        await sim.timeout(0.5)
        task.cancel()
        await sim.timeout(2.5)

    sim.run(story())
    table = link_table(network, sim.now)
    assert list(zip(table["source"], table["target"], strict=True)) == [
        ("cell", "server"),
        ("server", "cell"),
        ("a", "cell"),
        ("cell", "a"),
    ]
    up = table.iloc[0]
    assert (up["offered_bytes"], up["delivered_bytes"], up["wasted_bytes"]) == (2e6, 1e6, 0.5e6)
    assert (up["busy_s"], up["utilisation"]) == (1.5, pytest.approx(1.5 / 4))
    assert table["utilisation"].iloc[2] == 0.0  # nothing fills an infinite link
    assert table["carried_bytes"].iloc[1] == 0.0


class Fade:
    """8 Mbit/s, nothing from 0.5 s on, and 0.8 Mbit/s from 1 s on."""

    def at(self, time_s):
        return (8e6, 0.5) if time_s < 0.5 else (0.0, 1.0) if time_s < 1 else (0.8e6, math.inf)


def test_utilisation_is_of_the_capacity_of_the_time():
    """0.5 MB in 0.5 s, a fade, 0.1 MB in 1 s, and 2 s of nothing: full for 1.5 s of 4 s, however slow it is then."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["cell", "server"], kind="router")
    for arc in (("cell", "server"), ("server", "cell")):
        graph.add_edge(*arc, capacity_bps=16e6, delay_s=0.0, duplex="full")
    sim = Simulation(seed=1)
    network = Network(sim, Topology("line", graph))
    network.attach("a", "cell", Access(up_bps=1.0, down_bps=1.0, up=Fade()))

    async def story():
        await network.transfer("a", "server", 6e5)
        network.set_capacity("cell", "server", 0.0)
        await sim.timeout(2.0)

    sim.run(story())
    table = link_table(network, sim.now).set_index("source")
    assert sim.now == pytest.approx(4.0)
    assert table.loc["a", "utilisation"] == pytest.approx(1.5 / 4)
    core = table[table["target"] == "server"].iloc[0]
    assert (core["capacity_bps"], core["utilisation"]) == (0.0, pytest.approx(8 * 6e5 / 16e6 / 4))


def test_without_links_there_is_an_empty_table():
    graph = nx.DiGraph()
    graph.add_node("alone", kind="server")
    table = link_table(Network(Simulation(seed=1), Topology("point", graph)), 0.0)
    assert len(table) == 0
    assert "utilisation" in table
