"""D-FedEM and tasks on a graph in scenario files: every key is read, written and checked; whole runs."""

from pathlib import Path

import pytest

from fedsim.errors import FedsimError, ScenarioError
from fedsim.learners.dfedem import DFedEM
from fedsim.learners.graph_dual import GraphDual
from fedsim.learners.graph_gradient import GraphGradient
from fedsim.scenario import check
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.study.run import run
from fedsim.tasks.losses import Hinge, LogLoss, SquaredHinge
from fedsim.tasks.sdca import Sdca
from fedsim.tasks.sgd import Sgd

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def learner(words):
    catalogue = standard_catalogue()
    part = catalogue.read("learner", words)
    assert catalogue.read("learner", catalogue.write(part)) == part
    return part.value


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("d-fedem", DFedEM()),
        (
            {"name": "d-fedem", "components": 2, "momentum": 0.9, "keep_momentum": False, "spread": 2, "epochs": 3},
            DFedEM(components=2, solver=Sgd(momentum=0.9, epochs=3), keep_momentum=False, spread=2.0),
        ),
        ("graph-dual", GraphDual()),
        (
            {"name": "graph-dual", "epochs": 5, "loss": "squared-hinge", "penalty": 0.1, "mu": 0.2, "overlaps": True},
            GraphDual(solver=Sdca(epochs=5, loss=SquaredHinge()), penalty=0.1, mu=0.2, overlaps=True),
        ),
        (
            {"name": "graph-dual", "edge_weight": 0.5, "example_weight": "sum", "precision": "float64"},
            GraphDual(edge_weight=0.5, example_weight="sum", precision="float64"),
        ),
        (
            {"name": "graph-gradient", "steps": 3, "loss": {"name": "hinge", "smoothing": 0.5}},
            GraphGradient(steps=3, loss=Hinge(smoothing=0.5)),
        ),
        ("graph-gradient", GraphGradient(loss=LogLoss(), steps=10)),
    ],
    ids=str,
)
def test_keys(words, value):
    assert learner(words) == value


def peers(tiny, learner, **more):
    """Four phones on a ring, without a server."""
    words = {
        **tiny,
        "server": None,
        "model": "svm",
        "learner": learner,
        "protocol": {"name": "synchronous-gossip", "overlay": "ring"},
        **more,
    }
    return check(words)


@pytest.mark.parametrize(
    ("learner", "more", "said"),
    [
        ({"name": "graph-dual", "penalty": 0}, {}, "learner: tasks on a graph: penalty must be > 0"),
        ({"name": "graph-dual", "edge_wieght": 1}, {}, "learner.edge_wieght: .* did you mean 'edge_weight'"),
        ({"name": "graph-gradient", "loss": "hinge"}, {}, "learner: graph-gradient: Hinge loss has a kink"),
        ("graph-dual", {"model": "softmax"}, "'graph-dual'.*svm"),
        ("d-fedem", {}, "'d-fedem'.*softmax"),
        ("graph_dual", {}, "did you mean 'graph-dual'"),
    ],
)
def test_mistakes(tiny, learner, more, said):
    with pytest.raises(ScenarioError, match=said):
        peers(tiny, learner, **more)


DUAL = {"name": "graph-dual", "penalty": 0.1, "epochs": 3, "edge_weight": 1 / 3}
GRADIENT = {"name": "graph-gradient", "penalty": 0.1, "steps": 40, "edge_weight": 1 / 3}
FREE = {"name": "asynchronous-gossip", "pairing": "free"}


@pytest.mark.parametrize(
    ("learner", "protocol"),
    [
        (DUAL, {"name": "synchronous-gossip"}),
        (DUAL, FREE),
        (DUAL, {"name": "asynchronous-gossip", "pairing": "split"}),
        ({**DUAL, "overlaps": True}, FREE),
        (GRADIENT, {"name": "synchronous-gossip"}),
        (GRADIENT, FREE),
    ],
    ids=["dual", "dual-free", "dual-split", "dual-overlapping-free", "gradient", "gradient-free"],
)
def test_runs_close_the_gap_by_synchronous_and_asynchronous_gossip(tiny, learner, protocol):
    """By rounds of all and by pairs at any time, one optimum."""
    scenario = peers(
        tiny,
        learner,
        protocol={**protocol, "overlay": "ring"},
        stop={"time": "5 s"},
        evaluate={"every_rounds": 1000},
    )
    curve = run(scenario).curve
    assert curve["gap"].iloc[-1] < 0.05 * curve["primal"].iloc[-1]
    assert (curve["gap"] > -1e-9).all()


def test_d_fedem_runs_by_both_protocols(tiny):
    for protocol in ("synchronous-gossip", "asynchronous-gossip"):
        scenario = peers(
            tiny,
            {"name": "d-fedem", "step_size": 0.1, "momentum": 0.9},
            model="softmax",
            protocol={"name": protocol, "overlay": "ring"},
            stop={"rounds": 15},
        )
        curve = run(scenario).curve
        assert curve["objective"].iloc[-1] < 0.5 * curve["objective"].iloc[0]


def test_neighbours_must_hear_each_other(tiny):
    protocol = {
        "name": "synchronous-gossip",
        "overlay": {"name": "ring", "directed": True},
        "mixing": "equal-shares",
    }
    with pytest.raises(FedsimError, match="overlay: has one-way edges, and 'graph-dual' needs neighbours that hear"):
        peers(tiny, "graph-dual", protocol=protocol)


@pytest.mark.parametrize("side", ["server", "peers"])
def test_the_pair_with_and_without_a_server_comes_to_its_target(side):
    """So that a comparison of the two has times, joules and bytes to the target to tell."""
    result = run(SCENARIOS / f"related_{side}.yaml")
    assert result.summary.time_to_target_s < 6
