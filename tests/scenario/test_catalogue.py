"""The names that ship: each can be written with its defaults alone, and is what its dataclass says."""

import numpy as np
import pytest

from fedsim.scenario.catalogue import standard_catalogue
from fedsim.tasks.losses import Hinge, LogLoss, Squared, SquaredHinge
from fedsim.tasks.partitions.dirichlet import Dirichlet
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.rows import Rows

REQUIRED = {
    "synchronous-rounds": {"cohort": 2},
    "asynchronous-updates": {"concurrency": 2},
    "hierarchical-rounds": {"cohort": 2},
    "synchronous-gossip": {"overlay": "ring", "mixing": "metropolis"},
    "asynchronous-gossip": {"overlay": "ring"},
    "npz": {"file": "own.npz"},
    "csv": {"file": "own.csv", "label": "y"},
    "libsvm": {"file": "own.txt"},
}


def kinds():
    return [(role, name) for role, names in standard_catalogue().kinds.items() for name in names]


@pytest.mark.parametrize(("role", "name"), kinds())
def test_every_name_is_read_and_written(role, name):
    catalogue = standard_catalogue()
    part = catalogue.read(role, {"name": name, **REQUIRED.get(name, {})})
    assert catalogue.read(role, catalogue.write(part)) == part
    assert part.make(**part.kind.provided) == part.value


def test_every_learner_has_a_protocol_and_the_other_way_round():
    kinds = standard_catalogue().kinds
    families = [{kind.family for kind in kinds[role].values()} for role in ("learner", "protocol")]
    assert families == [{"central", "decentralised"}] * 2
    for learner in kinds["learner"].values():
        assert set(learner.models) <= set(kinds["model"])


def test_every_choice_can_be_made():
    catalogue = standard_catalogue()
    for regulariser in ("mean-regularised", "independent", "probabilistic-prior"):
        part = catalogue.read("learner", {"name": "mocha", "regulariser": regulariser, "loss": "squared"})
        assert catalogue.write(part)["regulariser"]["name"] == regulariser
    mocha = catalogue.read("learner", {"name": "mocha", "regulariser": {"name": "mean-regularised", "mu": 0.5}}).value
    assert mocha.regulariser.mu == 0.5


def test_fedavg_as_the_quickstart_has_it():
    words = {"name": "fedavg", "epochs": 5, "batch_size": None, "step_size": 0.05, "precision": "float64"}
    learner = standard_catalogue().read("learner", words).value
    assert (learner.solver.epochs, learner.solver.batch_size, learner.solver.step_size) == (5, None, 0.05)
    assert (learner.precision, learner.weights) == ("float64", "examples")


def test_a_model_gets_its_size_from_the_data():
    model = standard_catalogue().read("model", {"name": "svm", "bias": False}).make(features=64, classes=10)
    assert (model.features, model.classes, model.bias) == (64, 10, False)


def test_a_model_says_what_it_minimises():
    words = {"name": "svm", "margin_loss": {"name": "hinge", "smoothing": 0.5}, "l2": 0.1}
    model = standard_catalogue().read("model", words).make(features=3, classes=2)
    assert (model.margin_loss, model.l2) == (Hinge(smoothing=0.5), 0.1)
    ridge = standard_catalogue().read("model", {"name": "ridge", "l2": 2, "bias": True}).make(features=3)
    assert (ridge.l2, ridge.bias, ridge.classes) == (2.0, True, 0)


def test_every_margin_loss_has_a_name():
    named = [
        standard_catalogue().read("learner", {"name": "mocha", "loss": loss}).value.solver.loss
        for loss in ("hinge", "squared-hinge", "squared", "log")
    ]
    assert named == [Hinge(), SquaredHinge(), Squared(), LogLoss()]


def test_a_learner_by_gradients_takes_all_of_its_solver():
    words = {"name": "fedavg", "momentum": 0.9, "weight_decay": 1e-3, "clip_norm": 10}
    solver = standard_catalogue().read("learner", words).value.solver
    assert (solver.momentum, solver.weight_decay, solver.clip_norm) == (0.9, 1e-3, 10.0)


LABELS = np.repeat(np.arange(4), 50)
ROWS = Rows(name="four", y=LABELS, classes=4)


@pytest.mark.parametrize("partition", [Dirichlet(alpha=0.1, min_examples=8), Iid(min_examples=8)], ids=repr)
def test_a_partition_gives_every_row_to_one_device_and_enough_to_each(partition):
    device = partition.assign(ROWS, 10, np.random.default_rng(1))
    assert device.shape == LABELS.shape
    assert np.bincount(device, minlength=10).min() >= 8


def test_a_small_alpha_gives_a_device_few_labels():
    labels_per_device = []
    for alpha in (0.05, 100.0):
        device = Dirichlet(alpha=alpha).assign(ROWS, 5, np.random.default_rng(1))
        labels_per_device.append(np.mean([len(set(LABELS[device == i])) for i in range(5)]))
    skewed, even = labels_per_device
    assert skewed < 3
    assert even == 4
