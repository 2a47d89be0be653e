"""Whole runs of learners that leave each device a model of its own, and of devices kept out of the training."""

from io import StringIO

import numpy as np
import pytest
import yaml
from rich.console import Console

import fedsim
from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.learners.clustered import ClusteredFL
from fedsim.learners.decay import Milestones
from fedsim.learners.fedem import FedEM
from fedsim.learners.local_tuning import FedAvgTuned
from fedsim.learners.pfedme import PFedMe
from fedsim.report.tables import run_report
from fedsim.scenario import check, resolved
from fedsim.study.run import play


@pytest.fixture
def words(tiny):
    """Four phones and the flowers; every round takes all."""

    def make(learner, **changes):
        needs_all = "clustered" in (learner, learner if isinstance(learner, str) else learner["name"])
        protocol = {"name": "synchronous-rounds", "cohort": 4, "quorum": 4 if needs_all else 1}
        return {**tiny, "learner": learner, "protocol": protocol, "stop": {"rounds": 4, "time": "5 min"}, **changes}

    return make


LEARNERS = {
    "fedem": (
        {"name": "fedem", "components": 2, "momentum": 0.9, "keep_momentum": False, "spread": 0.5},
        {"components": 2, "keep_momentum": False, "spread": 0.5},
    ),
    "fedem falling": (
        {"name": "fedem", "decay": {"name": "milestones", "at": [2]}},
        {"decay": Milestones(at=(2,))},
    ),
    "fedavg+": (
        {"name": "fedavg+", "tuning_epochs": 2, "tuning_step_size": 0.05},
        {"tuning_epochs": 2, "tuning_step_size": 0.05},
    ),
    "clustered": (
        {"name": "clustered", "mean_below": 0.5, "largest_above": 2, "linkage": "single"},
        {"mean_below": 0.5, "largest_above": 2.0, "linkage": "single"},
    ),
    "pfedme": (
        {"name": "pfedme", "lambda": 3, "inner_steps": 2, "outer_step_size": 0.05, "beta": 0.5},
        {"lambda_": 3.0, "inner_steps": 2, "outer_step_size": 0.05, "beta": 0.5},
    ),
    "local": ({"name": "local", "step_size": 0.3}, {}),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_runs_from_a_scenario_with_its_own_parameters(words, name):
    learner, fields = LEARNERS[name]
    scenario = check(words(learner))
    made = scenario.learner.value
    assert {field: getattr(made, field) for field in fields} == fields
    assert fedsim.run(fedsim_words(scenario)).curve.equals(fedsim.run(scenario).curve)
    curve = fedsim.run(scenario).curve
    assert curve["objective"].iloc[-1] < curve["objective"].iloc[0]


def fedsim_words(scenario):
    """What ``fedsim show`` prints, as a mapping."""
    return yaml.safe_load(resolved(scenario))


@pytest.mark.parametrize(
    ("learner", "floats"),
    [
        ({"name": "fedem", "components": 3}, 3 * 15),
        ({"name": "fedem", "components": 2}, 2 * 15),
        ({"name": "fedavg+"}, 15),
        ({"name": "clustered"}, 15),
        ({"name": "pfedme"}, 15),
    ],
    ids=str,
)
def test_messages_carry_what_the_learner_says(words, learner, floats):
    """Ideal links: bytes are those of the numbers, four devices and four rounds, up and down."""
    result = fedsim.run(words(learner, network={"transport": "ideal"}))
    assert result.up_bytes == result.down_bytes == 4 * 4 * 4 * floats


def test_devices_alone_compute_and_send_nothing(words):
    local, fedavg = (fedsim.run(words({"name": name, "step_size": 0.3})) for name in ("local", "fedavg"))
    assert local.up_bytes == local.down_bytes == 0.0
    spent = local.summary.spent
    assert spent.energy_j["send"] == spent.energy_j["receive"] == spent.energy_j["radio"] == 0.0
    assert spent.compute_s == pytest.approx(fedavg.summary.spent.compute_s)
    assert local.summary.simulated_s < fedavg.summary.simulated_s
    trained = local.events[local.events["kind"] == "trained"]
    rounds = local.events[local.events["kind"] == "round"]
    longest = trained.groupby("round")["compute_s"].max().to_numpy()
    assert rounds["seconds"].to_numpy() == pytest.approx(longest, rel=1e-9)


def test_devices_alone_are_not_stopped_by_lost_messages(words):
    result = fedsim.run(words({"name": "local"}, network={"message_loss": "90 %"}))
    assert result.summary.rounds == 4
    assert result.curve["accuracy"].iloc[-1] > 0.5


def test_an_e_step_takes_its_time(words):
    """No local descent differs; two components cost more than twice one FedAvg, by their E steps."""
    fedavg, fedem = (
        fedsim.run(words(learner)).summary.spent.compute_s
        for learner in ({"name": "fedavg"}, {"name": "fedem", "components": 2})
    )
    assert fedem > 2.05 * fedavg


UNSEEN = {
    "fleet": [{"name": "phones", "count": 9, "device": "phone-mid", "link": "4g", "at": "cell"}],
    "evaluate": {"unseen": 3},
    "data": {"name": "iris", "partition": {"name": "iid"}},
}


@pytest.mark.parametrize("name", ["fedavg", "fedavg+", "fedem", "clustered", "pfedme"])
def test_unseen_devices_never_take_part_and_are_scored_apart(words, name):
    protocol = {"name": "synchronous-rounds", "cohort": 6, "quorum": 6 if name == "clustered" else 1}
    world, monitor = play(check(words(name, **UNSEEN, protocol=protocol)), Simulation(seed=1))
    events = world.sim.events.frame()
    names = {device.name for device in world.devices.made}
    unseen = {world.devices.fleet.name(row) for row in world.unseen.tolist()}
    assert len(unseen) == 3
    assert np.array_equal(world.training.problem.unseen, world.unseen)
    assert set(events.loc[events["kind"] == "trained", "subject"]) == names - unseen
    assert len(names - unseen) == 6
    row = monitor.points[-1].row()
    models, problem = world.training.models(), world.training.problem
    answers = world.training.predictor().predict(
        models[world.unseen], np.stack([problem.test.X[problem.test.rows(t)] for t in world.unseen.tolist()])
    )
    right = answers == np.stack([problem.test.y[problem.test.rows(t)] for t in world.unseen.tolist()])
    assert row["unseen_accuracy"] == pytest.approx(right.mean())
    assert row["unseen_mean_accuracy"] == pytest.approx(right.mean(axis=1).mean())
    assert {"unseen_worst_tenth", "unseen_bottom_decile"} <= row.keys()
    assert row["unseen_accuracy"] > 0.4


def test_which_devices_are_unseen_is_luck_of_the_run(words):
    def unseen(seed):
        changes = {**UNSEEN, "protocol": {"name": "synchronous-rounds", "cohort": 2}, "stop": {"rounds": 1}}
        return play(check(words("fedavg", **changes)), Simulation(seed=seed))[0].unseen.tolist()

    assert unseen(1) == unseen(1)
    assert len({tuple(unseen(seed)) for seed in range(6)}) > 1


def test_a_round_that_waits_for_more_than_are_there_ends_without_the_unseen(words):
    """Six may take part; a quorum of six is gathered though nine devices exist."""
    protocol = {"name": "synchronous-rounds", "cohort": 6, "quorum": 6}
    assert fedsim.run(words("fedavg", **UNSEEN, protocol=protocol)).summary.rounds == 4


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"evaluate": {"unseen": 1}}, r"evaluate\.unseen.*leaves 3 of 4 devices, and a round takes 4"),
        ({"evaluate": {"unseen": 0}}, r"evaluate\.unseen"),
        (
            {
                "learner": "d-psgd",
                "evaluate": {"unseen": 1},
                "protocol": {"name": "synchronous-gossip", "overlay": "ring", "mixing": "metropolis"},
            },
            r"evaluate\.unseen.*'synchronous-gossip' has none",
        ),
        ({"learner": {"name": "fedem"}, "model": "svm"}, r"learner.*'fedem' cannot train a 'svm' model"),
        ({"learner": {"name": "fedem", "component": 2}}, r"learner\.component.*components"),
        ({"learner": {"name": "local", "precision": "float64"}}, r"learner\.precision"),
    ],
)
def test_what_does_not_go_together_is_refused(words, changes, rule):
    with pytest.raises(ScenarioError, match=rule):
        check({**words("fedavg"), **changes})


def test_the_names_stand_for_these_learners(words):
    types = {"fedem": FedEM, "fedavg+": FedAvgTuned, "clustered": ClusteredFL, "pfedme": PFedMe}
    assert {name: type(check(words(name)).learner.value) for name in types} == types


def test_numbers_that_diverge_are_a_result_and_no_warning(words):
    """Under this suite a warning is an error."""
    wild = {"name": "fedavg", "epochs": 1, "step_size": 1e200, "precision": "float32"}
    result = fedsim.run(
        words(learner=wild, model={"name": "ridge"}, data={"name": "linear-tasks", "kind": "regression"})
    )
    assert not np.isfinite(result.summary.final["accuracy"])
    console = Console(file=StringIO(), width=100)
    console.print(run_report(result.summary))
    assert "diverged" in console.file.getvalue()
