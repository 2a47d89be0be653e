"""Gossip among peers in a few lines each: the averaging of the books, and what happens when somebody goes."""

import asyncio

import networkx as nx
import numpy as np
import pytest

from fedsim.errors import LinkDownError, NoRouteError
from fedsim.kernel import Simulation
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.mixing import EqualShares, metropolis
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.protocols.inbox import Inbox
from fedsim.system.overlay import Complete, Ring
from fedsim.tasks.sgd import Sgd


class Path:
    def graph(self, peers):
        return nx.path_graph(len(peers))


def descent(step_size, **options):
    return DPsgd(solver=Sgd(epochs=1, batch_size=None, step_size=step_size), precision="float64", **options)


def plain(graph, targets, step_size, rounds):
    """D-PSGD in a loop, without protocol, clock or nodes: X <- W X - gamma G(X), from 0."""
    W, models = metropolis(graph), np.zeros(len(targets))
    for _ in range(rounds):
        models = W @ models - step_size * (models - targets)
    return models


@pytest.mark.parametrize(
    ("overlay", "graph"), [(Ring(), nx.cycle_graph(5)), (Complete(), nx.complete_graph(5)), (Path(), nx.path_graph(5))]
)
@pytest.mark.parametrize("pace", [(1.0, 1.0, 1.0, 1.0, 1.0), (0.3, 2.0, 0.7, 5.0, 1.1)])
def test_gossip_computes_what_the_plain_algorithm_computes(gossip, node, problem, overlay, graph, pace):
    """Whoever is slow: the barrier among neighbours makes every peer mix the models of the same round."""
    targets = np.array([3.0, -1.0, 4.0, 1.0, -5.0])
    peers = [node(str(index), index, work_s=pace[index], send_s=0.25) for index in range(5)]
    seen = gossip(
        SynchronousGossip(overlay=overlay, patience_s=None), peers, descent(0.1), problem(targets), seconds=21.0
    )
    rounds = [sum(device == index for _, device in seen.monitor.peers) for index in range(5)]
    expected = {number: plain(graph, targets, 0.1, number) for number in set(rounds)}
    assert min(rounds) >= 4
    assert seen.training.models()[:, 0] == pytest.approx([expected[rounds[i]][i] for i in range(5)], rel=1e-12)


def test_training_before_sending_computes_then_sends(gossip, node, problem):
    peers = [node(str(index), index, work_s=2.0, send_s=1.0) for index in range(3)]
    learner = descent(0.5, overlaps=False)
    seen = gossip(SynchronousGossip(overlay=Complete()), peers, learner, problem([3.0, 6.0, 9.0]), seconds=3.5)
    assert [time for time, _ in seen.monitor.peers] == [3.0, 3.0, 3.0]
    assert seen.training.models()[:, 0] == pytest.approx([3.0, 3.0, 3.0])  # the mean of half of each


def test_computing_and_sending_overlap(gossip, node, problem):
    peers = [node(str(index), index, work_s=2.0, send_s=1.5) for index in range(2)]
    seen = gossip(SynchronousGossip(overlay=Ring()), peers, descent(0.1), problem([1.0, 1.0]), seconds=4.1)
    assert [time for time, _ in seen.monitor.peers] == [2.0, 2.0, 4.0, 4.0]


def test_a_dead_neighbour_costs_patience_once_and_its_weight_stays_at_home(gossip, node, problem):
    peers = [node(str(index), index, work_s=1.0, dies_s=0.5 if index == 1 else np.inf) for index in range(3)]
    seen = gossip(
        SynchronousGossip(overlay=Path(), patience_s=10.0), peers, descent(0.5), problem([8.0, 0, 8.0]), seconds=13.5
    )
    mixed = seen.events.query("kind == 'mixed' and subject == '0'")
    # Peer 1 gave its first model at time 0, and dies: round 2 fails to reach it. All alone, a peer waits in hope.
    assert mixed["time_s"].tolist() == [1.0, 12.0]
    assert mixed["models"].tolist() == [1, 0]


def test_a_lost_model_is_sent_again(gossip, node, problem):
    peers = [node("0", 0, work_s=1.0, send_s=1.0, loses=(0,)), node("1", 1, work_s=1.0, send_s=1.0)]
    seen = gossip(
        SynchronousGossip(overlay=Ring(), patience_s=None), peers, descent(0.1), problem([1.0, 1.0]), seconds=2.5
    )
    assert seen.monitor.peers == [(1.0, 0), (2.0, 1)]
    assert peers[0].stints[0].spoilt == [("lost", 0.0)]
    assert peers[0].sizes == [8, 8, 8]  # one number: lost, sent again, and the next round's


def test_the_record_says_for_whom_a_peer_waited(gossip, node, problem):
    peers = [
        node(str(index), index, work_s=1.0, send_s=send_s, link=link)
        for index, (send_s, link) in enumerate([(0.5, "wifi"), (3.0, "3g"), (1.0, "4g")])
    ]
    seen = gossip(SynchronousGossip(overlay=Complete()), peers, descent(0.1), problem([1.0] * 3), seconds=3.5)
    (mixed,) = seen.events.query("kind == 'mixed' and subject == '0'").to_dict("records")
    assert (mixed["exchange_s"], mixed["waited_for"], mixed["waited_link"], mixed["link"]) == (2.0, "1", "3g", "wifi")


def test_when_all_peers_are_gone_for_good_the_run_stops(gossip, node, problem):
    peers = [node(str(index), index, work_s=1.0, dies_s=2.5) for index in range(2)]
    seen = gossip(SynchronousGossip(overlay=Ring()), peers, descent(0.1), problem([1.0, 1.0]), seconds=99.0)
    assert seen.monitor.reason == "no devices are left"
    assert seen.sim.now == 2.5


def test_one_peer_learns_alone(gossip, node, problem):
    seen = gossip(
        SynchronousGossip(overlay=Ring()), [node("0", 0, work_s=1.0)], descent(0.5), problem([8.0]), seconds=2.5
    )
    assert seen.training.models()[0, 0] == pytest.approx(6.0)


@pytest.mark.parametrize("patience_s", [0.0, -1.0, np.nan])
def test_patience_must_be_positive(patience_s):
    with pytest.raises(ValueError, match="patience must be > 0"):
        SynchronousGossip(overlay=Ring(), patience_s=patience_s)


def test_an_inbox_gives_the_round_asked_for_or_the_first_after_it():
    inbox = Inbox([1])
    for number in (4, 2, 3):
        inbox.put(1, number, np.array([float(number)]), {})
    assert inbox.newest == 4
    assert [inbox.model(1, number) for number in (1, 3, 4)] == [2.0, 3.0, 4.0]
    assert inbox.model(1, 5) is None
    inbox.forget(3)
    assert inbox.model(1, 1) == 4.0


def test_who_is_given_up_is_welcomed_when_it_comes_back():
    sim, inbox, welcomed = Simulation(), Inbox([1, 2]), []
    inbox.welcome = welcomed.append

    async def story():
        inbox.put(2, 1, np.zeros(1), {})
        assert list(await inbox.fill(1, (1, 2), patience_s=5.0)) == [2]  # 1 is missing: waited for, and given up
        assert sim.now == 5.0
        assert list(await inbox.fill(1, (1, 2), patience_s=5.0)) == [2]
        assert sim.now == 5.0  # nobody waits for it any more
        asyncio.get_running_loop().call_later(2.0, inbox.put, 1, 7, np.zeros(1), {})
        await asyncio.sleep(3.0)
        assert welcomed == [1]
        assert list(await inbox.fill(1, (1, 2), patience_s=5.0)) == [1, 2]

    sim.run(story())


def test_without_a_route_a_neighbour_is_given_up_until_it_is_heard_of(gossip, node, problem):
    """Peer 0's first model finds no way; the others do not wait for what they are not sent, and go on together."""
    peers = [
        node("0", 0, work_s=1.0, send_s=1.0, loses=(0,), error=NoRouteError),
        node("1", 1, work_s=1.0, send_s=1.0),
    ]
    seen = gossip(
        SynchronousGossip(overlay=Complete(), patience_s=4.0), peers, descent(0.5), problem([1, 2]), seconds=20
    )
    assert ("unreached", 0.0) in peers[0].stints[0].spoilt
    assert len([device for _, device in seen.monitor.peers if device == 0]) >= 10
    assert len([device for _, device in seen.monitor.peers if device == 1]) >= 10


def test_a_message_that_broke_off_is_sent_again_at_once(gossip, node, problem):
    peers = [
        node("0", 0, work_s=1.0, send_s=1.0, loses=(0,), error=LinkDownError),
        node("1", 1, work_s=1.0, send_s=1.0),
    ]
    seen = gossip(SynchronousGossip(overlay=Complete()), peers, descent(0.5), problem([1, 2]), seconds=3.5)
    assert peers[0].stints[0].spoilt[0] == ("link-down", 0.0)
    assert next(time for time, device in seen.monitor.peers if device == 1) == 2.0


def test_what_was_sent_again_is_booked_and_recorded(gossip, node, problem):
    peers = [node(str(index), index, work_s=1.0, send_s=1.0, wasted=70.0) for index in range(2)]
    seen = gossip(SynchronousGossip(overlay=Complete()), peers, descent(0.5), problem([1, 2]), seconds=1.5)
    assert peers[0].stints[0].spoilt == [("resent", 70.0)]
    mixed = seen.events[seen.events["kind"] == "mixed"]
    assert (mixed["message_bytes_s"] == 1.0).all()


def test_a_peer_that_refuses_the_job_only_mixes(gossip, node, problem):
    """The middle of three has no memory: it is pulled by the others, and by its own target not at all."""
    devices = [node(f"d{i}", i, work_s=1.0, memory_bytes=0.0 if i == 1 else np.inf) for i in range(3)]
    run = gossip(SynchronousGossip(overlay=Path()), devices, descent(0.1), problem([1.0, 100.0, 1.0]), seconds=200.0)
    assert run.training.models()[:, 0] == pytest.approx([1.0, 1.0, 1.0], abs=0.05)


def test_several_models_are_on_their_way_at_a_time(gossip, node, problem):
    """Two peers compute 1 s, peer 0's messages take 5 s and peer 1's 1 s: a round lasts (1 + 5 + 1 + 1) / 2 s.

    As far as models need not wait for those before them: peer 0 is ready to send its next one after 2 s.
    """

    def rounds(in_flight):
        peers = [node("0", 0, work_s=1.0, send_s=5.0), node("1", 1, work_s=1.0, send_s=1.0)]
        protocol = SynchronousGossip(overlay=Ring(), patience_s=None, in_flight=in_flight)
        seen = gossip(protocol, peers, descent(0.1, overlaps=False), problem([1.0, 1.0]), seconds=41.0)
        return sum(device == 0 for _, device in seen.monitor.peers)

    assert rounds(2) == 10
    assert rounds(1) < 10


@pytest.mark.parametrize("in_flight", [0, -1])
def test_something_must_be_on_its_way(in_flight):
    with pytest.raises(ValueError, match="in_flight must be >= 1"):
        SynchronousGossip(overlay=Ring(), in_flight=in_flight)


def test_where_arcs_go_one_way_a_peer_that_comes_back_goes_on_with_the_others(gossip, node, problem):
    """Peer 1 is away from 2.5 s to 20.5 s; the others lose patience, and it does not repeat their rounds."""
    peers = [node(str(i), i, work_s=1.0, dies_s=2.5 if i == 1 else np.inf, returns_s=20.5) for i in range(3)]
    for peer in peers:
        peer.is_spent = lambda: False
        peer.returned = peer.back
    protocol = SynchronousGossip(overlay=Ring(directed=True), mixing=EqualShares(), patience_s=2.0)
    seen = gossip(protocol, peers, descent(0.1), problem([1.0, 1.0, 1.0]), seconds=30.0)
    mixed = seen.events.query("kind == 'mixed' and subject == '1'")
    back = mixed[mixed["time_s"] > 20.0]["round"].tolist()
    assert mixed["round"].tolist()[:2] == [1, 2]
    steps = np.diff(back)
    others = seen.events.query("kind == 'mixed' and subject == '0'")["round"].tolist()
    assert abs(back[-1] - others[-1]) <= 2
    assert sorted(steps)[-2:] == [1.0, max(steps)]  # one leap
    assert max(steps) > 5


def test_who_was_away_is_sent_what_its_neighbour_offers_as_it_goes_on_and_not_its_round_before(gossip, node, problem):
    """Peer 1 is away from 2.5 s to 10.5 s. Its first model ends peer 0's waiting, and one message is enough."""
    peers = [node(str(i), i, work_s=1.0, send_s=1.0, dies_s=2.5 if i == 1 else np.inf, returns_s=10.5) for i in (0, 1)]
    for peer in peers:
        peer.is_spent = lambda: False
        peer.returned = peer.back
    protocol = SynchronousGossip(overlay=Complete(), patience_s=None)
    seen = gossip(protocol, peers, descent(0.1), problem([1.0, 1.0]), seconds=15.0)
    mine = seen.events[(seen.events["kind"] == "passed") & (seen.events["subject"] == "0")]
    late = mine[mine["time_s"] > 10.5]
    assert late["time_s"].tolist() == [12.5, 13.5, 14.5]
    assert late["round"].tolist() == [4, 5, 6]
