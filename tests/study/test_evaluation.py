"""What an evaluation computes besides the test accuracies, and only when it is asked."""

import numpy as np
import pytest

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import METRICS, check, resolved
from fedsim.scenario.build import build
from fedsim.study.run import play, run
from fedsim.tasks.evenness import evenness
from fedsim.tasks.quality import mean_losses, predict

ALL = {"also": ["train", "loss", "fairness"]}


def test_nothing_is_added_unasked(tiny):
    plain, more = (run(check({**tiny, "evaluate": words, "stop": {"rounds": 3}})) for words in ({}, ALL))
    added = [name for name in more.curve if name not in plain.curve]
    assert added == [*(f"train_{name}" for name in METRICS), "train_loss", "deviation", "fairness"]
    assert more.curve[list(plain.curve)].equals(plain.curve)
    assert more.events.equals(plain.events)


@pytest.mark.parametrize("unseen", [None, 2])
def test_they_are_what_they_are_called(tiny, unseen):
    """By one device at a time, of those that take part."""
    scenario = check({**tiny, "evaluate": {**ALL, "unseen": unseen}, "stop": {"rounds": 4}})
    world, monitor = play(scenario, Simulation(seed=1))
    training, row = world.training, monitor.points[-1].row()
    problem, models = training.problem, training.models()
    seen = [device for device in range(4) if device not in world.unseen]
    test, train = ([shares_slow(problem, part, models, device) for device in seen] for part in ("test", "train"))
    losses = mean_losses(problem.model, models, problem.train)
    assert row["train_mean_accuracy"] == pytest.approx(np.mean(train))
    assert row["train_accuracy"] == pytest.approx(np.average(train, weights=problem.sizes[seen]))
    assert row["train_loss"] == pytest.approx(np.average(losses[seen], weights=problem.sizes[seen]))
    assert row["deviation"] == pytest.approx(np.std(test))
    assert row["fairness"] == pytest.approx(np.mean(test) ** 2 / np.mean(np.square(test)))


def shares_slow(problem, part, models, device):
    examples = getattr(problem, part)
    rows = examples.rows(device)
    return np.mean((predict(problem.model, models, examples) == examples.y)[rows])


def test_the_loss_of_a_mixture_is_that_of_its_mixed_probabilities(tiny):
    learner = {"name": "fedem", "components": 2}
    scenario = check({**tiny, "learner": learner, "evaluate": {"also": ["loss"]}, "stop": {"rounds": 3}})
    world, monitor = play(scenario, Simulation(seed=1))
    problem, models = world.training.problem, world.training.models()
    mixed = []
    for device in range(4):
        rows, p = problem.train.rows(device), problem.model.parameters
        components, pi = models[device, : 2 * p].reshape(2, 1, p), models[device, 2 * p :]
        x, y = problem.train.X[None, rows], problem.train.y[rows]
        chance = sum(pi[m] * problem.model.probabilities(components[m], x)[0] for m in range(2))
        mixed += [-np.log(chance[i, label]) for i, label in enumerate(y)]
    assert monitor.points[-1].row()["train_loss"] == pytest.approx(np.mean(mixed))


def test_what_the_goal_needs_is_evaluated_anyway(tiny):
    result = run(check({**tiny, "stop": {"metric": "train_loss", "target": 0.8, "rounds": 50}}))
    assert result.summary.stopped_because == "target reached"
    assert result.curve["train_loss"].iloc[-1] <= 0.8 < result.curve["train_loss"].iloc[-2]
    even = run(check({**tiny, "stop": {"metric": "deviation", "target": "50 %", "rounds": 2}}))
    assert even.summary.time_to_target_s == 0.0


def test_a_regression_is_judged_on_its_training_examples_too(tiny):
    words = {
        **tiny,
        "data": {"name": "diabetes", "partition": "iid"},
        "model": {"name": "linear-regression", "bias": True},
    }
    result = run(check({**words, "learner": {"name": "fedavg", "step_size": 0.05}, "evaluate": ALL}))
    last = result.curve.iloc[-1]
    assert 0.2 < last["train_accuracy"] < 1
    assert last["train_loss"] == pytest.approx(last["objective"])  # of fedavg: the same model, the same weights


def test_a_timing_run_has_none_of_them(tiny):
    result = run(check({**tiny, "evaluate": ALL, "stop": {"rounds": 2}}), dry=True)
    assert "train_loss" not in result.curve


def test_evenness_by_hand():
    even = evenness(np.array([0.5, 0.5, 0.5, 0.5]))
    assert (even.deviation, even.fairness) == (0.0, 1.0)
    one_has_all = evenness(np.array([1.0, 0.0, 0.0, 0.0]))
    assert one_has_all.fairness == 0.25
    assert one_has_all.deviation == pytest.approx(np.sqrt(3) / 4)
    assert evenness(np.zeros(3)).fairness == 1.0
    assert np.isnan(evenness(np.array([0.5, -0.1])).fairness)


def test_what_can_be_evaluated_is_named(tiny):
    with pytest.raises(
        ScenarioError, match=r"evaluate.also\[1\]: 'los' is not a known evaluation; did you mean 'loss'"
    ):
        check({**tiny, "evaluate": {"also": ["train", "los"]}})
    assert "also: [train, loss, fairness]" in resolved(check({**tiny, "evaluate": ALL}))


def test_candidates_are_judged_by_the_loss_of_their_mixture(tiny):
    """Power of choice asks for the loss of the model as it was at the start."""
    selection = {"name": "power-of-choice", "candidates": 4}
    protocol = {"name": "synchronous-rounds", "cohort": 2, "selection": selection}
    learner = {"name": "fedem", "components": 2}
    scenario = check({**tiny, "learner": learner, "protocol": protocol, "stop": {"rounds": 1}})
    training = build(scenario, Simulation(seed=1)).training
    losses = mean_losses(training.predictor(), training.models(), training.problem.train)
    events = run(scenario).events
    polled = events[events["kind"] == "polled"].sort_values("subject")["loss"]
    assert polled.to_numpy() == pytest.approx(losses)


def test_the_summary_has_what_was_asked_for_and_the_metric(tiny):
    result = run(check({**tiny, "evaluate": {"also": ["fairness"]}, "stop": {"metric": "objective", "rounds": 2}}))
    assert list(result.summary.final) == [*METRICS, "deviation", "fairness", "objective"]
    assert result.summary.final["fairness"] == result.curve["fairness"].iloc[-1]
