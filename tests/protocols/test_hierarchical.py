"""Edge servers combine, the cloud merges: stories in simulated time, and equality with one server."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.training import CentralTraining
from fedsim.protocols.hierarchical import HierarchicalRounds
from fedsim.protocols.roster import Roster
from fedsim.protocols.round_rules import RoundRules
from fedsim.protocols.session import CentralSession
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd


def averaging(**keys):
    return FedAvg(solver=Sgd(epochs=1, batch_size=None, step_size=0.5, **keys), precision="float64")


def line(targets, sizes):
    device = np.repeat(np.arange(len(targets)), sizes)
    y = np.repeat(np.asarray(targets, dtype=float), sizes)
    rows = Examples.of(np.ones((len(y), 1)), y, device, len(targets))
    return Problem(model=LeastSquares(features=1, bias=False), train=rows, test=rows)


@pytest.fixture
def tree(node, monitor):
    """Runs a protocol over devices of which every second belongs to the second edge."""

    def run(
        protocol, devices, *, rounds=1, targets=None, sizes=None, edges=None, cloud=None, learner=None, edge_of=None
    ):
        sim, watched = Simulation(seed=7), monitor(rounds)
        count = len(devices)
        problem = line(targets or [8.0] * count, sizes or [1] * count)
        training = CentralTraining(problem, learner or averaging(), sim.rng)
        session = CentralSession(
            devices=Roster(devices, sim.rng),
            training=training,
            streams=sim.rng,
            record=sim.record,
            monitor=watched,
            server=cloud or node("cloud"),
            edges=edges if edges is not None else (node("e0"), node("e1")),
            edge_of=np.arange(count) % 2 if edge_of is None else np.asarray(edge_of),
        )
        sim.run(protocol.run(session))
        return SimpleNamespace(training=training, monitor=watched, events=sim.events.frame(), sim=sim)

    return run


def rules(cohort=9, **keys):
    own = {key: keys.pop(key) for key in ("deadline_s", "quorum", "late") if key in keys}
    return HierarchicalRounds(edge=RoundRules(cohort=cohort, **own), **keys)


def test_one_edge_round_is_one_round_of_one_server(tree, node):
    """With everybody, unequal examples, and edges of three and two devices."""
    targets, sizes = [4.0, 8.0, -2.0, 6.0, 1.0], [1, 4, 2, 3, 5]
    flat, edges = (
        tree(protocol, [node(str(i), i, work_s=1.0) for i in range(5)], rounds=4, targets=targets, sizes=sizes)
        for protocol in (SynchronousRounds(cohort=5), rules())
    )
    assert edges.training.state == pytest.approx(flat.training.state, rel=1e-12)
    assert edges.training.version == flat.training.version == 4


def test_edges_go_apart_before_the_cloud_merges_them(tree, node):
    """Two edge rounds: each edge goes half way twice to its own target, weighed by examples."""
    seen = tree(rules(edge_rounds=2), [node("a", 0), node("b", 1)], targets=[8.0, 16.0], sizes=[3, 1])
    assert seen.training.state == pytest.approx([(3 * 6.0 + 1 * 12.0) / 4])
    assert seen.monitor.ended == [(0.0, 1)]
    assert seen.training.version == 2


def test_time_is_down_the_tree_rounds_and_up_again(tree, node):
    """Cloud to edge 1 s, model to device 0.5 s, work 2 s (and 4 s), answer 0.25 s, edge to cloud 0.5 s, merging 3 s."""
    cloud = node("cloud", send_s=1.0, work_s=3.0)
    edges = (node("e0", send_s=0.5), node("e1", send_s=0.5))
    devices = [node("a", 0, work_s=2.0, send_s=0.25), node("b", 1, work_s=4.0, send_s=0.25)]
    seen = tree(rules(edge_rounds=2), devices, edges=edges, cloud=cloud)
    assert seen.monitor.ended == [(1.0 + 2 * (0.5 + 4.0 + 0.25) + 0.5 + 3.0, 1)]
    assert cloud.sizes == [8, 8]
    assert edges[0].sizes == [8, 8, 8]  # two models to its device, one state to the cloud
    merged = seen.events.query("kind == 'merged'")
    assert merged["waited_for"].tolist() == ["e1"]
    assert seen.events.query("kind == 'round'")["subject"].value_counts().to_dict() == {"e0": 2, "e1": 2}


def test_the_cloud_does_not_wait_beyond_its_deadline(tree, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=30.0)]
    seen = tree(rules(cloud_deadline_s=10.0), devices, targets=[8.0, 100.0])
    assert seen.monitor.ended == [(10.0, 1)]
    assert seen.training.state == pytest.approx([4.0])
    assert devices[1].ended == ["late"]


def test_an_edge_waits_for_its_own_deadline_only(tree, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=2.0), node("c", 2, work_s=30.0)]
    seen = tree(rules(deadline_s=5.0), devices, targets=[8.0, 8.0, 100.0])
    assert seen.monitor.ended == [(5.0, 1)]
    assert seen.training.state == pytest.approx([4.0])


def test_what_an_edge_could_not_bring_to_the_cloud_is_waste(tree, node):
    edges = (node("e0"), node("e1", loses=(1,)))  # its model to its device arrives, its state is lost
    devices = [node("a", 0), node("b", 1)]
    seen = tree(rules(), devices, edges=edges, targets=[8.0, 100.0])
    assert seen.training.state == pytest.approx([4.0])
    assert devices[1].stints[0].spoilt == ["lost"]
    assert devices[0].stints[0].spoilt == []


def test_too_few_edges_count_for_nothing(tree, node):
    edges = (node("e0"), node("e1", loses=(1,)))
    devices = [node("a", 0), node("b", 1)]
    seen = tree(rules(edge_quorum=2), devices, edges=edges)
    assert seen.training.state == pytest.approx([0.0])
    assert devices[0].stints[0].spoilt == ["quorum"]
    assert not seen.events.query("kind == 'merged'")["counted"].any()


def test_an_edge_that_goes_loses_its_round_and_goes_on_when_it_is_back(tree, node):
    edges = (node("e0"), node("e1", dies_s=1.0, returns_s=4.0))
    devices = [node("a", 0, work_s=2.0), node("b", 1, work_s=2.0)]
    seen = tree(rules(edge_rounds=2), devices, edges=edges, targets=[8.0, 16.0])
    assert devices[1].ended == ["server"]
    assert seen.monitor.ended == [(6.0, 1)]  # e1 plays its second round from 4 s to 6 s
    assert seen.training.state == pytest.approx([(6.0 + 8.0) / 2])


def test_a_state_that_met_an_edge_that_was_gone_is_sent_again_when_it_is_back(tree, node):
    edges = (node("e0"), node("e1", dies_s=0.5, returns_s=4.0))
    seen = tree(rules(), [node("a", 0), node("b", 1)], edges=edges, cloud=node("cloud", send_s=1.0))
    assert seen.monitor.ended == [(5.0, 1)]
    assert seen.training.state == pytest.approx([4.0])


def test_a_cloud_that_goes_loses_the_round_of_all_edges(tree, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=3.0)]
    cloud = node("cloud", dies_s=2.0, returns_s=5.0)
    seen = tree(rules(), devices, cloud=cloud, rounds=2, targets=[8.0, 8.0])
    assert devices[0].stints[0].spoilt == ["crash"]
    assert devices[1].ended == ["server"]
    assert seen.monitor.ended == [(2.0, 1), (8.0, 2)]
    assert seen.training.state == pytest.approx([4.0])


def test_devices_of_the_other_edges_are_not_asked(tree, node):
    devices = [node(str(i), i) for i in range(6)]
    seen = tree(rules(cohort=2), devices, edge_of=[0, 0, 0, 0, 0, 1])
    assert seen.events.query("kind == 'round'").set_index("subject")["invited"].to_dict() == {"e0": 2, "e1": 1}


def test_an_edge_without_devices_sits_out_and_all_such_end_the_run(tree, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=1.0, dies_s=1.5)]
    seen = tree(rules(), devices, rounds=3)
    assert seen.events.query("kind == 'merged'")["edges"].tolist() == [2, 1, 1]
    seen = tree(rules(), [node("a", 0, dies_s=0.0), node("b", 1, dies_s=0.0)], rounds=3)
    assert seen.monitor.reason == "too few devices are left"


def test_memories_are_committed_when_the_cloud_merges(tree, node):
    class Counting(FedAvg):
        """A device remembers how often its answer was taken."""

        def memory(self, problem, device):
            return 0

        def local(self, problem, work):
            from dataclasses import replace

            computed = super().local(problem, work)
            return replace(computed, memory=tuple(count + 1 for count in work.memory))

    learner = Counting(solver=averaging().solver, precision="float64")
    edges = (node("e0"), node("e1", loses=(2,)))
    seen = tree(rules(edge_rounds=2), [node("a", 0), node("b", 1)], edges=edges, learner=learner)
    assert seen.training.memories == {0: 2, 1: 0}


def test_a_learner_that_cannot_merge_is_refused(tree, node):
    learner = FedBuff(solver=averaging().solver)
    with pytest.raises(FedsimError, match="'FedBuff' has no way to merge"):
        tree(rules(), [node("a", 0)], learner=learner)


def test_edge_servers_must_be_there(tree, node):
    with pytest.raises(FedsimError, match="edge_quorum is 3, and there are 2 edge servers"):
        tree(rules(edge_quorum=3), [node("a", 0)])


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"edge_rounds": 0}, "edge_rounds must be >= 1, got 0"),
        ({"edge_quorum": 0}, "edge_quorum must be >= 1, got 0"),
        ({"cloud_deadline_s": math.inf}, "cloud_deadline must be > 0 and finite, got inf"),
        ({"late": "keep"}, "late must be 'drop': edges begin anew from the cloud's model, got 'keep'"),
    ],
)
def test_rules_are_checked(keys, rule):
    with pytest.raises(ValueError, match=rule):
        rules(**keys)
