"""What a fair fight between a server and gossip must show, with round numbers: who waits for whom, and who does not."""

import numpy as np
import pytest

from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.protocols.asynchronous import AsynchronousUpdates
from fedsim.protocols.asynchronous_gossip import AsynchronousGossip
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.system.overlay import Complete, Ring
from fedsim.tasks.sgd import Sgd

COUNT = 8
OVERLAYS = {"ring": Ring(), "clique": Complete()}


def solver(step_size=0.2):
    return Sgd(epochs=1, batch_size=None, step_size=step_size)


def peer(**options):
    return DPsgd(solver=solver(), precision="float64", **options)


def crew(node, *, slow_s=1.0, send_s=0.0):
    return [node(str(i), i, work_s=slow_s if i == 3 else 1.0, send_s=send_s) for i in range(COUNT)]


def first_peer_s(seen, began_s=0.0):
    return np.array([time - began_s for time, device in seen.monitor.peers if device == 0])


def ended_s(seen, began_s=0.0):
    return [time - began_s for time, _ in seen.monitor.ended]


@pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=OVERLAYS)
@pytest.mark.parametrize("overlaps", [True, False])
def test_what_a_round_learns_does_not_depend_on_the_links(sim, gossip, node, problem, overlay, overlaps):
    """Ten rounds over links of any speed: the same models to the last bit, later."""
    models = []
    for send_s in (0.0, 0.125, 4.0):
        round_s = max(1.0, send_s) if overlaps else 1.0 + send_s
        protocol = SynchronousGossip(overlay=overlay, patience_s=None)
        learner, began_s = peer(overlaps=overlaps), sim.now
        seen = gossip(protocol, crew(node, send_s=send_s), learner, problem(range(COUNT)), seconds=10.5 * round_s)
        assert first_peer_s(seen, began_s)[-1] == pytest.approx(10 * round_s)
        models.append(seen.training.models())
    assert np.array_equal(models[0], models[1])
    assert np.array_equal(models[0], models[2])


def test_with_equal_weights_for_all_gossip_is_the_server_round_by_round(sim, gossip, central, node, problem):
    """W = 11'/N on a clique, and FedAvg with everybody: the same model, and the server's round has two messages."""
    peers = gossip(
        SynchronousGossip(overlay=Complete()),
        crew(node, send_s=0.5),
        peer(overlaps=False),
        problem(range(COUNT)),
        seconds=6 * 1.5 + 0.1,
    )
    began_s = sim.now
    server = central(
        SynchronousRounds(cohort=COUNT),
        crew(node, send_s=0.5),
        rounds=6,
        learner=FedAvg(solver=solver(), precision="float64"),
        server=node("server", send_s=0.5),
    )
    assert peers.training.models() == pytest.approx(np.broadcast_to(server.training.models()[0], (COUNT, 1)))
    assert first_peer_s(peers)[-1] == pytest.approx(6 * 1.5)
    assert ended_s(server, began_s)[-1] == pytest.approx(6 * 2.0)


def test_links_without_limits_leave_nothing_but_the_slowest_computer(sim, gossip, central, node, problem):
    """Then all rounds take as long as the slowest computes, and the server needs the fewest of them."""
    server = central(SynchronousRounds(cohort=COUNT), crew(node, slow_s=2.5), rounds=4, learner=FedAvg(solver=solver()))
    assert ended_s(server) == pytest.approx([2.5, 5.0, 7.5, 10.0])
    away = []
    for overlay in OVERLAYS.values():
        began_s = sim.now
        seen = gossip(
            SynchronousGossip(overlay=overlay), crew(node, slow_s=2.5), peer(), problem(range(COUNT)), seconds=40.1
        )
        times = first_peer_s(seen, began_s)
        assert np.diff(times)[COUNT:] == pytest.approx(2.5)
        away.append(np.abs(seen.training.models() - (COUNT - 1) / 2).max())
    assert away[1] < away[0]


def test_one_straggler_sets_the_pace_of_whatever_is_synchronous_and_of_nothing_else(
    sim, gossip, central, node, problem
):
    """One of eight is ten times slower. Rounds of a star, a ring and a clique take its 10 s.

    AD-PSGD and FedBuff lose its share of the events at most: 1 / N.
    """
    slow = {"slow_s": 10.0}
    star = central(SynchronousRounds(cohort=COUNT), crew(node, **slow), rounds=3, learner=FedAvg(solver=solver()))
    assert ended_s(star) == pytest.approx([10.0, 20.0, 30.0])
    for overlay in OVERLAYS.values():
        protocol = SynchronousGossip(overlay=overlay, patience_s=None)
        seen = gossip(protocol, crew(node, **slow), peer(), problem(range(COUNT)), seconds=200.5)
        rounds = [sum(device == index for _, device in seen.monitor.peers) for index in range(COUNT)]
        assert max(rounds) <= 20 + COUNT // 2

    events = {}
    for slow_s in (1.0, 10.0):
        seen = gossip(
            AsynchronousGossip(overlay=Ring()), crew(node, slow_s=slow_s), peer(), problem(range(COUNT)), seconds=100.5
        )
        began_s = sim.now
        buffered = central(
            AsynchronousUpdates(concurrency=COUNT, buffer=1),
            crew(node, slow_s=slow_s),
            rounds=int(100 * (COUNT if slow_s == 1.0 else COUNT - 0.9)),
            learner=FedBuff(solver=solver()),
        )
        events[slow_s] = (len(seen.monitor.peers), len(buffered.monitor.ended) / (sim.now - began_s))
    for quick, straggling in zip(events[1.0], events[10.0], strict=True):
        assert straggling / quick >= 1 - 1 / COUNT
        assert straggling / quick < 1
