from dataclasses import dataclass, field
from typing import Any

import pytest

from fedsim.errors import FedsimError
from fedsim.scenario.block import read_block, write_block
from fedsim.scenario.codec import key_and_unit
from fedsim.scenario.refusal import Refused
from fedsim.system.law import Constant, Exponential


def kind(catalogue, role, name):
    return catalogue.kinds[role][name].type


def mistakes(catalogue, role, words):
    with pytest.raises(Refused) as caught:
        catalogue.read(role, words)
    return list(caught.value.mistakes)


@pytest.mark.parametrize(
    ("name", "key", "unit"),
    [
        ("deadline_s", "deadline", "s"),
        ("chunk_bytes", "chunk", "bytes"),
        ("limit_bps", "limit", "bit/s"),
        ("speed_flops_per_s", "speed", "flop/s"),
        ("work_flops", "work", "flop"),
        ("budget_j", "budget", "J"),
        ("floor_w", "floor", "W"),
        ("test_share", "test_share", "1"),
        ("lambda_", "lambda", ""),
        ("epochs", "epochs", ""),
    ],
)
def test_the_name_of_a_field_says_its_key_and_unit(name, key, unit):
    assert key_and_unit(name) == (key, unit)


def test_quantities_are_given_in_words_and_stored_in_si(catalogue):
    rounds = catalogue.read(
        "protocol",
        {
            "name": "rounds",
            "cohort": 3,
            "deadline": "2 min",
            "chunk": "5 MB",
            "limit": "2 Mbit/s",
            "budget": "1 Wh",
            "floor": "20 mW",
            "work": "3 GFLOP",
            "speed": "3 GFLOP/s",
            "waits": ["1 s", "1 min"],
            "drop_share": "10 %",
            "think": {"exponential": {"mean": "1 min"}},
            "shape": "flat",
            "label": "y",
        },
    ).value
    assert (rounds.cohort, rounds.deadline_s, rounds.chunk_bytes, rounds.limit_bps) == (3, 120.0, 5e6, 2e6)
    assert (rounds.budget_j, rounds.floor_w, rounds.work_flops, rounds.speed_flops_per_s) == (3600.0, 0.02, 3e9, 3e9)
    assert (rounds.waits_s, rounds.drop_share, rounds.think_s) == ((1.0, 60.0), 0.1, Exponential(60.0))
    assert (type(rounds.shape).__name__, rounds.label) == ("Flat", "y")


def test_defaults_are_those_of_the_dataclass(catalogue):
    rounds = catalogue.read("protocol", {"name": "rounds", "cohort": 3}).value
    assert rounds == kind(catalogue, "protocol", "rounds")(cohort=3)
    assert rounds.think_s == Constant(1.0)


def test_a_solver_inside_a_learner_is_flattened_with_the_learners_own_defaults(catalogue):
    learner = catalogue.read("learner", {"name": "average", "step_size": "1e-2", "batch_size": None}).value
    assert (learner.solver.epochs, learner.solver.step_size, learner.solver.batch_size) == (2, 0.01, None)


def test_a_choice_is_a_block_with_a_name_or_the_bare_name(catalogue):
    by_block = catalogue.read("learner", {"name": "average", "prior": {"name": "peaked", "at": 0.25}}).value
    by_name = catalogue.read("learner", {"name": "average", "prior": "peaked"}).value
    assert (by_block.prior.at, by_name.prior.at) == (0.25, 0.5)


def test_a_bare_name_is_a_block_of_defaults(catalogue):
    assert catalogue.read("learner", "average") == catalogue.read("learner", {"name": "average"})


def test_what_is_written_is_read_back(catalogue):
    for role, words in [
        ("learner", {"name": "average", "epochs": 3, "prior": "peaked", "lambda": 0.5, "batch_size": None}),
        ("protocol", {"name": "rounds", "cohort": 1, "waits": [0.1], "think": {"uniform": [1, 2]}}),
        ("protocol", {"name": "talk", "patience": "1 h"}),
        ("data", {"name": "iris", "partition": "iid", "test_share": 0.3}),
    ]:
        part = catalogue.read(role, words)
        assert catalogue.read(role, catalogue.write(part)) == part


def test_a_written_block_has_every_key_in_words(catalogue):
    part = catalogue.read("learner", "average")
    assert catalogue.write(part) == {
        "name": "average",
        "epochs": 2,
        "step_size": 0.1,
        "batch_size": 10,
        "prior": {"name": "flat"},
        "weights": "examples",
        "lambda": 0.001,
    }


def test_fields_that_the_run_fills_in_are_not_the_files_to_give(catalogue):
    part = catalogue.read("model", {"name": "linear", "bias": False})
    made = part.make(features=64)
    assert (made.features, made.bias) == (64, False)
    [(keys, rule)] = mistakes(catalogue, "model", {"name": "linear", "features": 3})
    assert (keys, rule) == (("features",), "'features' is not a known key (known: bias)")
    with pytest.raises(FedsimError, match="linear needs features from the run, got classes"):
        part.make(classes=3)
    with pytest.raises(FedsimError, match="linear needs features from the run, got nothing"):
        part.make()


def test_all_mistakes_of_a_block_are_found(catalogue):
    words = {
        "name": "average",
        "epochs": 2.5,
        "step_sise": 1,
        "batch_size": "ten",
        "prior": {"name": "peakd"},
        "weights": "equall",
        "lambda": "1 s",
    }
    assert dict(mistakes(catalogue, "learner", words)) == {
        ("epochs",): "must be a whole number, got 2.5",
        ("step_sise",): "'step_sise' is not a known key; did you mean 'step_size'? "
        "(known: epochs, step_size, batch_size, prior, weights, lambda)",
        ("batch_size",): "must be a whole number, got 'ten'",
        ("prior", "name"): "'peakd' is not a known name; did you mean 'peaked'? (known: flat, peaked)",
        ("weights",): "'equall' is not a known value; did you mean 'equal'? (known: examples, equal)",
        ("lambda",): "'1 s' is not a plain number or a share such as '30 %': 's' measures something else",
    }


@pytest.mark.parametrize(
    ("role", "words", "mistake"),
    [
        ("protocol", {"name": "rounds"}, (("cohort",), "is missing")),
        ("protocol", {"name": "rounds", "cohort": True}, (("cohort",), "must be a whole number, got true")),
        ("protocol", {"name": "rounds", "cohort": 1, "label": 3}, (("label",), "must be a text, got 3")),
        ("protocol", {"name": "rounds", "cohort": 1, "waits": 3}, (("waits",), "must be a list, got 3")),
        (
            "protocol",
            {"name": "rounds", "cohort": 1, "waits": [1, "x"]},
            (("waits", 1), "'x' is not a time such as '250 ms'"),
        ),
        (
            "protocol",
            {"name": "rounds", "cohort": 1, "think": {"uniform": [0, "x"]}},
            (("think", "uniform", 1), "'x' is not a time such as '250 ms'"),
        ),
        (
            "protocol",
            {"name": "rounds", "cohort": 1, "shape": {"name": "peaked", "at": "x"}},
            (("shape", "at"), "'x' is not a plain number or a share such as '30 %'"),
        ),
        (
            "protocol",
            {"name": "rounds", "cohort": 1, "shape": {"at": 1}},
            (("shape",), "must say its name, one of flat, peaked, got {'at': 1}"),
        ),
        ("learner", {"name": "average", "lambda": 0}, ((), "lambda must be > 0, got 0.0")),
        ("learner", {"name": "chat", "loud": "yes"}, (("loud",), "must be true or false, got 'yes'")),
        ("learner", 3, ((), "must say its name, one of average, chat, got 3")),
        ("learner", {"name": [1]}, (("name",), "[1] is not a known learner (known: average, chat)")),
        ("data", {"name": "digits", "test_share": 1}, ((), "test_share must be > 0 and < 1, got 1.0")),
        (
            "data",
            {"name": "digits", "partition": {"name": "iid", "min_examples": 1}},
            (("partition",), "min_examples must be >= 2, one to train and one to test, got 1"),
        ),
        (
            "data",
            {"name": "digits", "partition": {"name": "dirichlet", "alpha": 0}},
            (("partition",), "alpha must be > 0 and finite, got 0.0"),
        ),
    ],
)
def test_a_mistake_says_where_and_what(catalogue, role, words, mistake):
    assert mistakes(catalogue, role, words) == [mistake]


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str = "inner"
    size_s: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Clashing:
    size_s: float = 2.0
    inner: Inner = field(default_factory=Inner)


def test_a_nested_dataclass_whose_key_is_taken_is_a_block_of_its_own():
    made = read_block(Clashing, {"size": 5, "inner": {"size": 7}}, {})
    assert (made.size_s, made.inner.size_s) == (5.0, 7.0)
    assert write_block(made, {}) == {"size": "5 s", "inner": {"name": "inner", "size": "7 s"}}


@dataclass(frozen=True, kw_only=True)
class WithFunction:
    combine: Any = max
    k: int = 1


@dataclass(frozen=True, kw_only=True)
class NeedsFunction:
    combine: Any


def test_a_field_that_no_file_can_hold_keeps_its_default():
    assert read_block(WithFunction, {"k": 2}, {}) == WithFunction(k=2)
    with pytest.raises(FedsimError, match=r"NeedsFunction\.combine must be given, and no scenario file can"):
        read_block(NeedsFunction, {}, {})


def test_keys_that_are_methods_of_pydantic_models_are_keys_like_others():
    @dataclass(frozen=True, kw_only=True)
    class Odd:
        copy: int = 1
        json: int = 2

    assert read_block(Odd, {"copy": 5}, {}) == Odd(copy=5)
