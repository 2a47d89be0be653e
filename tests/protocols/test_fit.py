"""Which learner is for which protocol: one table."""

from types import SimpleNamespace

import networkx as nx
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.codecs import Float16
from fedsim.learners.compressed import Compression
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.graph_gradient import GraphGradient
from fedsim.learners.mocha import Mocha
from fedsim.protocols.asynchronous import AsynchronousUpdates
from fedsim.protocols.fit import check_mutual, compression_misfit, misfits, peer_misfits
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.protocols.hierarchical import HierarchicalRounds
from fedsim.protocols.round_rules import RoundRules
from fedsim.protocols.synchronous import SynchronousRounds

PLAIN = SynchronousRounds(cohort=5)
CUT = SynchronousRounds(cohort=5, work_time_s=1.0)
GRACE = SynchronousRounds(cohort=5, deadline_s=9.0, grace_s=1.0)
LATE = SynchronousRounds(cohort=5, late="keep")
ANYWAY = SynchronousRounds(cohort=5, late="keep-anyway")
ASYNC = AsynchronousUpdates(concurrency=2)
TREE = HierarchicalRounds(edge=RoundRules(cohort=5))
CUT_TREE = HierarchicalRounds(edge=RoundRules(cohort=5, work_time_s=1.0))

WHOLE = "takes only whole work"
FRESH = "takes only answers to its present one"
UNMERGED = "has no way to merge"


@pytest.mark.parametrize(
    ("learner", "refused"),
    [
        (
            FedAvg(),
            {CUT: ("work_time", WHOLE), GRACE: ("grace", WHOLE), LATE: ("late", FRESH), ASYNC: ("", FRESH)}
            | {CUT_TREE: ("work_time", WHOLE)},
        ),
        (
            Mocha(),
            {LATE: ("late", FRESH), ASYNC: ("", FRESH)},
        ),
        (FedAsync(), {TREE: ("", UNMERGED), CUT_TREE: ("", UNMERGED)}),
        (
            FedBuff(),
            {CUT: ("work_time", WHOLE), GRACE: ("grace", WHOLE), TREE: ("", UNMERGED), CUT_TREE: ("work_time", WHOLE)},
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_who_is_refused_and_why(learner, refused):
    for protocol in (PLAIN, CUT, GRACE, LATE, ANYWAY, ASYNC, TREE, CUT_TREE):
        found = misfits(protocol, learner, "it", devices=9)
        if protocol not in refused:
            assert found == [], protocol
            continue
        key, reason = refused[protocol]
        assert found[0][0] == key, protocol
        assert reason in found[0][1]


def test_a_learner_that_needs_everybody_is_for_rounds_of_all_devices():
    everybody = SimpleNamespace(needs_everybody=True, takes_partial_work=True, takes_stale_answers=True)
    assert misfits(SynchronousRounds(cohort=5, quorum=5), everybody, "it", devices=5) == []
    assert [key for key, _ in misfits(PLAIN, everybody, "it", devices=9)] == ["cohort", "quorum"]
    assert [key for key, _ in misfits(PLAIN, everybody, "it", devices=5)] == ["quorum"]
    assert "needs one from every device" in misfits(ASYNC, everybody, "it", devices=9)[0][1]


def test_what_must_be_exact_is_not_coded():
    coded = Compression(up=Float16())
    assert "'mocha' keeps V on the server as the exact image" in compression_misfit(coded, Mocha(), "mocha")
    assert not compression_misfit(Compression(), Mocha(), "mocha")
    assert not compression_misfit(coded, FedAvg(), "fedavg")


def test_a_graph_of_one_way_edges_is_refused_even_if_its_overlay_does_not_say_that_it_is():
    class OneWay:
        def graph(self, peers):
            return nx.cycle_graph(len(peers), create_using=nx.DiGraph)

    learner, protocol = GraphGradient(), SynchronousGossip(overlay=OneWay())
    assert peer_misfits(protocol, learner, "it") == []
    with pytest.raises(FedsimError, match="the learner needs neighbours that hear each other"):
        check_mutual(protocol.overlay.graph(range(4)), learner)
    check_mutual(nx.cycle_graph(4), learner)
    check_mutual(protocol.overlay.graph(range(4)), FedAvg())
