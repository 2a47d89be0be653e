"""A server against gossip between the silos of five published networks: time to target on a convex task.

Time is rounds times cycle. Cycles are those published for messages of iNaturalist's size over access links of
10 Gbit/s, which the real protocols keep (see ``test_published_rounds.py``); rounds are counted here, by the real
learner, and do not depend on the network.
"""

import networkx as nx
import numpy as np
import pytest

from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.exchange import Exchange
from fedsim.learners.learner import Work
from fedsim.learners.mixing import EqualShares, Metropolis
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd

NETWORKS = {  # STAR / RING as in Marfoq et al. 2020, Table 3
    "gaia": 390.9 / 118.1,
    "amazon_us": 288.1 / 81.3,
    "geantdistance": 634.4 / 109.0,
    "exodus": 911.9 / 103.9,
    "ebone": 901.7 / 95.3,
}
ROWS, FEATURES, STEP = 40, 10, 0.05
TARGET = 0.02


def task(count, spread=0.2):
    """Least squares; silos' own optima are as far from their mean, relative to that, as ``spread`` says."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(count, ROWS, FEATURES))
    w = rng.normal(size=FEATURES) + spread * rng.normal(size=(count, FEATURES))
    y = np.einsum("irf,if->ir", X, w) + 0.1 * rng.normal(size=(count, ROWS))
    rows = Examples.of(X.reshape(-1, FEATURES), y.ravel(), np.repeat(np.arange(count), ROWS), count)
    return Problem(model=LeastSquares(features=FEATURES, bias=False), train=rows, test=rows)


def graph_of(overlay, count):
    graph = nx.DiGraph() if "order" in overlay else nx.Graph()
    graph.add_nodes_from(range(count))
    if "order" in overlay:
        nx.add_cycle(graph, overlay["order"])
    else:
        graph.add_edges_from(overlay["edges"])
    return graph


def weights(network, name):
    """The star averages all; the ring is (I + P) / 2; trees have Metropolis weights."""
    count = len(network["nodes"])
    if name == "STAR":
        return np.full((count, count), 1 / count)
    mixing = EqualShares() if name == "RING" else Metropolis()
    return mixing.weights(graph_of(network["overlays"][name], count)).toarray()


def rounds_to_target(problem, W, step_size=STEP):
    """Rounds until the silos' own models, in the mean, have lost all but 2 % of what the start has above the best.

    Infinity where they do not come nearer any more, or go away.
    """
    learner = DPsgd(solver=Sgd(epochs=1, batch_size=None, step_size=step_size), overlaps=False, precision="float64")
    nodes, X, y = np.arange(problem.devices), problem.train.X, problem.train.y
    best = np.linalg.lstsq(X, y)[0]

    def above(models):
        return np.square(X @ models.T - y[:, None]).mean() / 2 - np.square(X @ best - y).mean() / 2

    pattern = [[j for j in nodes if j != i and W[i, j]] for i in nodes]
    states = np.zeros((len(nodes), FEATURES))
    start, senders = above(states), np.array([j for row in pattern for j in row])
    starts, shares = np.cumsum([0, *map(len, pattern)]), np.array([W[i, j] for i in nodes for j in pattern[i]])
    nothing = (None,) * len(nodes)
    nearest, since = start, 0
    for number in range(600):
        left = above(states)
        if left <= TARGET * start:
            return number
        if left < 0.998 * nearest:
            nearest, since = left, number
        if not left < 1e3 * start or number - since > 40:
            return np.inf
        work = Work(
            devices=nodes,
            received=states,
            memory=nothing,
            steps=np.ones(len(nodes), dtype=np.int64),
            versions=np.full(len(nodes), number),
            rngs=[np.random.default_rng(0)] * len(nodes),
        )
        computed = learner.local(problem, work).sent
        sent = learner.outgoing(problem, nodes, computed, nothing).messages
        exchange = Exchange(
            devices=nodes,
            own=states,
            computed=computed,
            offered=sent,
            memory=nothing,
            starts=starts,
            received=sent[senders],
            senders=senders,
            weights=shares,
        )
        states = learner.mix(problem, exchange).states
    raise AssertionError("it does not end")


@pytest.mark.parametrize("where", NETWORKS)
def test_the_ring_is_slower_by_the_round_and_faster_by_the_clock(underlays, where):
    """Silos that are not very different: gossip needs a few rounds more, and its rounds are far shorter.

    On Geant the tree has the shortest cycle, and the ring is ahead of it, because the tree mixes worse.
    """
    network = underlays["networks"][where]
    problem = task(len(network["nodes"]))
    cycle_ms = {name: network["cycle_time_ms"][f"inaturalist|10G|{name}"] for name in ("STAR", "RING", "MST")}
    rounds = {name: rounds_to_target(problem, weights(network, name)) for name in cycle_ms}
    time_s = {name: rounds[name] * cycle_ms[name] / 1e3 for name in cycle_ms}
    assert cycle_ms["STAR"] / cycle_ms["RING"] == pytest.approx(NETWORKS[where], rel=2e-3)
    assert rounds["STAR"] <= rounds["RING"] < rounds["MST"] < 1.35 * rounds["STAR"]
    assert time_s["RING"] < time_s["MST"] < time_s["STAR"] / 2
    assert time_s["STAR"] / time_s["RING"] > 0.9 * cycle_ms["STAR"] / cycle_ms["RING"]


@pytest.mark.parametrize("where", ["gaia", "amazon_us"])
def test_with_its_best_step_each_who_wins_depends_on_how_much_silos_agree(underlays, where):
    """A server's average has no bias whatever the step, and takes the largest; a ring's has, and takes a smaller one.

    Of steps 0.4, 0.2, 0.1, 0.05, 0.02, 0.01 each side has its best. Silos that agree to a fifth: the ring, by its
    cycle. Silos whose optima are as far apart as from the start: the server, by its rounds.
    """
    network = underlays["networks"][where]
    cycle_ms = {name: network["cycle_time_ms"][f"inaturalist|10G|{name}"] for name in ("STAR", "RING")}

    def fastest_s(name, spread):
        problem, W = task(len(network["nodes"]), spread), weights(network, name)
        return (
            min(rounds_to_target(problem, W, step) for step in (0.4, 0.2, 0.1, 0.05, 0.02, 0.01)) * cycle_ms[name] / 1e3
        )

    assert fastest_s("STAR", 0.2) > 2 * fastest_s("RING", 0.2)
    assert fastest_s("RING", 1.0) > 2 * fastest_s("STAR", 1.0)
