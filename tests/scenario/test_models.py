"""Models by name: each trains on data that are for it, and others are refused with the reason."""

import pytest

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation
from fedsim.scenario import check
from fedsim.scenario.build import build
from fedsim.study.run import simulate


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("logistic", "model: logistic: tells 2 classes apart, got 10: take softmax for more"),
        ("linear-regression", "model: linear-regression is a regression, and digits has 10 classes"),
        ("ridge", "model: ridge is a regression, and digits has 10 classes"),
    ],
)
def test_a_model_that_is_not_for_the_data_is_refused(tiny, model, expected):
    with pytest.raises(FedsimError, match=expected):
        build(check({**tiny, "data": "digits", "model": model}), Simulation(seed=1))


@pytest.mark.parametrize("model", ["logistic", {"name": "svm", "margin_loss": "squared-hinge", "l2": 0.01}, "softmax"])
def test_a_model_of_two_classes_learns(tiny, model):
    scenario = check({**tiny, "data": "breast_cancer", "model": model, "learner": {"name": "fedavg", "epochs": 2}})
    assert simulate(scenario).curve["mean_accuracy"].iloc[-1] >= 0.9
