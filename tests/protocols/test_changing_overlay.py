"""Synchronous gossip where every round has a graph of its own, and messages that build on each other."""

import networkx as nx
import numpy as np
import pytest

from fedsim.learners.choco import ChocoSgd
from fedsim.learners.codecs import TopK
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.mixing import EqualShares, OverlayWeights
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.system.overlay import Complete, Ring
from fedsim.system.overlay_changing import OnePeerExponential
from fedsim.system.overlay_matcha import Matcha
from fedsim.system.peers import Peers
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd


def descent(step_size, **options):
    return DPsgd(solver=Sgd(epochs=1, batch_size=None, step_size=step_size), precision="float64", **options)


@pytest.mark.parametrize(
    ("overlay", "mixing"),
    [
        (Matcha(base=Ring(), budget=0.5, seed=1), OverlayWeights()),
        (Matcha(base=Complete(), budget=0.3, seed=2), OverlayWeights()),
        (OnePeerExponential(), EqualShares()),
    ],
)
@pytest.mark.parametrize("pace", [(1.0,) * 6, (0.3, 2.0, 0.7, 5.0, 1.1, 0.9)])
def test_it_computes_what_the_plain_algorithm_computes(gossip, node, problem, overlay, mixing, pace):
    """X <- W(k) X - gamma G(X), with the weights of round k, whoever is slow and however far apart rounds are."""
    targets, peers = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 2.0]), Peers.of(6)
    devices = [node(str(index), index, work_s=pace[index], send_s=0.25) for index in range(6)]
    protocol = SynchronousGossip(overlay=overlay, mixing=mixing, patience_s=100.0)
    seen = gossip(protocol, devices, descent(0.1), problem(targets), seconds=60.0)
    rounds = [sum(device == index for _, device in seen.monitor.peers) for index in range(6)]
    models, expected = np.zeros(6), {0: np.zeros(6)}
    for number in range(1, max(rounds) + 1):
        models = mixing.weights(overlay.graph_of(peers, number)) @ models - 0.1 * (models - targets)
        expected[number] = models
    assert min(rounds) >= 5
    assert len(set(rounds)) > 1 or len(set(pace)) == 1
    assert seen.training.models()[:, 0] == pytest.approx([expected[rounds[i]][i] for i in range(6)], rel=1e-12)


def test_only_partners_of_the_round_are_sent_to(gossip, node, problem):
    overlay, count = Matcha(base=Complete(), budget=0.4, seed=5), 6
    devices = [node(str(index), index, work_s=1.0) for index in range(count)]
    protocol = SynchronousGossip(overlay=overlay, mixing=OverlayWeights())
    gossip(protocol, devices, descent(0.1), problem(range(count)), seconds=9.5)
    partners = sum(2 * overlay.graph_of(Peers.of(count), number).number_of_edges() for number in range(1, 11))
    assert sum(len(device.sizes) for device in devices) == partners


def test_a_partner_that_is_gone_is_waited_for_once(gossip, node, problem):
    """Peer 3 of four dies: the others lose patience with it at most once each, and go on at their pace."""
    devices = [node(str(index), index, work_s=1.0, dies_s=0.5 if index == 3 else np.inf) for index in range(4)]
    protocol = SynchronousGossip(
        overlay=Matcha(base=Complete(), budget=0.7, seed=1), mixing=OverlayWeights(), patience_s=5.0
    )
    seen = gossip(protocol, devices, descent(0.1), problem(range(4)), seconds=60.0)
    rounds = [sum(device == index for _, device in seen.monitor.peers) for index in range(4)]
    assert rounds[3] == 0
    assert min(rounds[:3]) >= 45


def test_a_neighbour_that_missed_codes_is_sent_all_of_them(gossip, node):
    """Two of twenty numbers take 10 bytes: a link too slow for every round's code carries several at a time."""
    rows = Examples.of(np.tile(np.eye(20), (2, 1)), np.arange(40.0), np.repeat([0, 1], 20), 2)
    twenty = Problem(model=LeastSquares(features=20, bias=False), train=rows, test=rows)
    learner = ChocoSgd(codec=TopK(share=0.1), solver=Sgd(epochs=1, batch_size=None, step_size=0.1))
    peers = [node("0", 0, work_s=1.0), node("1", 1, work_s=1.0, send_s=2.75)]
    seen = gossip(SynchronousGossip(overlay=Ring(), patience_s=0.5), peers, learner, twenty, seconds=30.0)
    assert learner.up_bytes(twenty) == 10
    assert set(peers[0].sizes) == {10}
    assert min(peers[1].sizes) == 10 < max(peers[1].sizes)
    codes = sum(device == 1 for _, device in seen.monitor.peers)
    assert sum(peers[1].sizes) / 10 == pytest.approx(codes, abs=3)


def test_weights_stay_at_home_where_a_turn_has_no_neighbour(gossip, node, problem):
    """In a round without partners a peer does its own step, and waits for nobody."""

    class Never:
        def graph(self, peers):
            return nx.path_graph(2)

        def graph_of(self, peers, number):
            return nx.empty_graph(2)

    devices = [node(str(index), index, work_s=1.0) for index in range(2)]
    seen = gossip(SynchronousGossip(overlay=Never()), devices, descent(0.5), problem([8.0, 0.0]), seconds=3.5)
    assert seen.training.models()[:, 0] == pytest.approx([7.0, 0.0])
    assert [device.sizes for device in devices] == [[], []]
