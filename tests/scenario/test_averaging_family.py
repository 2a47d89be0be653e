"""The averaging family in scenario files: every key is read and written, matters, and is checked."""

import pytest

from fedsim.errors import ScenarioError
from fedsim.learners.decay import Exponential, Milestones
from fedsim.learners.server_optimiser import Adam, Mean, Momentum
from fedsim.scenario import check
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.study.run import run


def learner(words):
    catalogue = standard_catalogue()
    part = catalogue.read("learner", words)
    assert catalogue.read("learner", catalogue.write(part)) == part
    return part.value


def test_keys_of_the_family():
    fedsgd = learner({"name": "fedsgd", "step_size": 0.5, "clip_norm": 10, "weight_decay": 1e-5})
    assert (fedsgd.solver.epochs, fedsgd.solver.batch_size, fedsgd.solver.step_size) == (1, None, 0.5)
    assert (fedsgd.solver.clip_norm, fedsgd.solver.weight_decay) == (10.0, 1e-5)
    fedavg = learner({"name": "fedavg", "momentum": 0.9, "server": {"name": "momentum", "momentum": 0.5}})
    assert (fedavg.solver.momentum, fedavg.server) == (0.9, Momentum(momentum=0.5))
    assert learner("fedavg").server == Mean()
    assert learner({"name": "fedavg", "server": "none"}) == learner("fedavg")
    fedprox = learner({"name": "fedprox", "mu": 1, "server": {"name": "adam", "tau": 0.01}, "clip_norm": 5})
    assert (fedprox.mu, fedprox.server, fedprox.solver.clip_norm) == (1.0, Adam(tau=0.01), 5.0)
    scaffold = learner({"name": "scaffold", "option": "I", "server_step_size": 0.5, "weights": "equal"})
    assert (scaffold.option, scaffold.server_step_size, scaffold.weights) == ("I", 0.5, "equal")
    feddyn = learner({"name": "feddyn", "alpha": 0.1, "scored": "all"})
    assert (feddyn.alpha, feddyn.scored) == (0.1, "all")


@pytest.mark.parametrize("name", ["fedsgd", "fedavg", "fedprox", "scaffold", "feddyn", "d-psgd"])
def test_step_sizes_fall(name):
    assert learner(name).decay is None
    assert learner({"name": name, "decay": {"name": "exponential", "per_round": 0.9}}).decay == Exponential(
        per_round=0.9
    )
    milestones = {"name": "milestones", "at": [10, 20], "factor": 0.5}
    assert learner({"name": name, "decay": milestones}).decay == Milestones(at=(10, 20), factor=0.5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"name": "fedavg", "mu": 1.0}, "learner.mu: "),
        ({"name": "fedsgd", "epochs": 5}, "learner.epochs: "),
        ({"name": "fedsgd", "batch_size": 5}, "learner.batch_size: "),
        ({"name": "scaffold", "server": "adam"}, "learner.server: "),
        ({"name": "feddyn", "alfa": 0.1}, "learner.alfa: .*alpha"),
        ({"name": "fedprocks"}, "learner.name: 'fedprocks' is not a known learner; did you mean 'fedprox'"),
        ({"name": "fedavg", "server": "adma"}, "learner.server.name: 'adma' is not a known name; did you mean 'adam'"),
        ({"name": "fedavg", "server": {"name": "adam", "beta": 1}}, "learner.server.beta: .*beta_1"),
        ({"name": "fedavg", "server": {"name": "adam", "tau": 0}}, "learner.server: adam: tau must be > 0"),
        ({"name": "fedavg", "decay": "exponental"}, "learner.decay.name: .* did you mean 'exponential'"),
        (
            {"name": "fedavg", "decay": {"name": "milestones", "at": [9, 3]}},
            "learner.decay: milestones: at must be rising",
        ),
        ({"name": "feddyn", "scored": "servr"}, "learner.scored: 'servr' is not a known value; did you mean 'server'"),
        ({"name": "scaffold", "option": "III"}, "learner.option: 'III' is not a known value"),
        ({"name": "fedprox", "mu": -1}, "learner: fedprox: mu must be >= 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value),
)
def test_what_a_learner_does_not_have_is_a_mistake(tiny, words, said):
    with pytest.raises(ScenarioError, match=said):
        check({**tiny, "learner": words})


BYTES = 60  # 15 numbers


@pytest.mark.parametrize(
    ("words", "models"),
    [
        ({"name": "fedsgd", "step_size": 1.0}, 1),
        ({"name": "fedprox", "mu": 0.1, "step_size": 0.5, "decay": {"name": "exponential", "per_round": 0.99}}, 1),
        ({"name": "scaffold", "step_size": 0.5}, 2),
        ({"name": "scaffold", "step_size": 0.5, "option": "I"}, 2),
        ({"name": "feddyn", "alpha": 0.1, "step_size": 0.5}, 1),
        ({"name": "feddyn", "alpha": 0.1, "step_size": 0.5, "scored": "all"}, 1),
        ({"name": "fedavg", "server": {"name": "yogi", "step_size": 0.5}}, 1),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_each_runs_and_pays_for_its_messages(tiny, words, models):
    """Two of four phones a round; 40 bytes of headers go with every packet."""
    network = {"transport": {"name": "tcp"}}
    scenario = check({**tiny, "learner": words, "network": network, "stop": {"rounds": 12}})
    result = run(scenario, seed=1)
    assert result.summary.rounds == 12
    assert result.curve["mean_accuracy"].iloc[-1] > 0.5
    plain = run(check({**tiny, "network": network, "stop": {"rounds": 12}}), seed=1)
    paid = BYTES * (models - 1) * 24
    assert result.up_bytes == pytest.approx(plain.up_bytes + paid, abs=1e-6)
    assert result.down_bytes == pytest.approx(plain.down_bytes + paid, abs=1e-6)


@pytest.mark.parametrize("name", ["fedprox", "scaffold", "feddyn"])
def test_who_takes_partial_work_may_be_cut_short(tiny, name):
    """A third of a second is not enough for all epochs of the slow phones."""
    protocol = {"name": "synchronous-rounds", "cohort": 4, "work_time": "50 ms"}
    words = {**tiny, "learner": {"name": name, "epochs": 20}, "protocol": protocol, "stop": {"rounds": 3}}
    events = run(check(words), seed=1).events
    trained = events[events["kind"] == "trained"]
    assert len(trained) == 12
    assert trained["steps"].max() < 20 * 3
    with pytest.raises(ScenarioError, match="'fedavg' takes only whole work"):
        check({**words, "learner": {"name": "fedavg", "epochs": 20}})
