"""Step sizes that fall by the round."""

from dataclasses import fields, replace

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.decay import Exponential, Milestones
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.feddyn import FedDyn
from fedsim.learners.fedprox import FedProx
from fedsim.learners.fedsgd import FedSgd
from fedsim.learners.learner import Work
from fedsim.learners.scaffold import Scaffold
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd
from fedsim.testing import small_problem
from fedsim.testing.bench import Bench


@pytest.fixture
def two_clients():
    both = Examples.of(np.array([[1.0], [3.0]]), np.array([0.0, 30.0]), np.array([0, 1]), 2)
    return Problem(model=LeastSquares(features=1), train=both, test=both)


def test_factors():
    rounds = np.array([0, 1, 2, 99, 100, 149, 150, 500])
    assert Exponential(per_round=0.5).factors(rounds[:3]).tolist() == [1.0, 0.5, 0.25]
    wanted = [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    assert Milestones(at=(100, 150), factor=0.1).factors(rounds) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Exponential(per_round=0.0), "exponential: per_round must be > 0 and <= 1, got 0.0"),
        (lambda: Exponential(per_round=float("nan")), "got nan"),
        (lambda: Milestones(at=(), factor=0.1), "milestones: at must be rising numbers of rounds >= 1"),
        (lambda: Milestones(at=(10, 10)), r"got \[10, 10\]"),
        (lambda: Milestones(at=(0, 10)), r"got \[0, 10\]"),
        (lambda: Milestones(factor=1.5), "milestones: factor must be > 0 and <= 1, got 1.5"),
    ],
)
def test_what_cannot_be_is_refused(make, match):
    with pytest.raises(FedsimError, match=match):
        make()


def test_fedsgd_steps_by_hand(rounds, two_clients):
    """The mean of both has curvature 5 and minimum 9: steps of 0.05, 0.025, 0.0125 leave 3/4, 7/8, 15/16 of the way."""
    run = rounds(FedSgd(step_size=0.05, decay=Exponential(per_round=0.5)), two_clients)
    left = 9.0
    for share in (3 / 4, 7 / 8, 15 / 16):
        run.play()
        left *= share
        assert run.state[0] == pytest.approx(9.0 - left, abs=1e-5)


@pytest.mark.parametrize(
    "learner",
    [FedSgd(step_size=0.1), FedAvg(), FedProx(mu=1.0), Scaffold(), Scaffold(option="I"), FedDyn(alpha=1.0)],
    ids=lambda learner: type(learner).__name__,
)
def test_every_learner_that_takes_it_uses_it(rounds, two_clients, learner):
    """At its milestone a learner goes on as one with that step size would; before, as one without."""
    decayed = rounds(replace(learner, decay=Milestones(at=(2,), factor=0.5)), two_clients)
    plain = rounds(learner, two_clients)
    for _ in range(2):
        decayed.play()
        plain.play()
    assert np.array_equal(decayed.models, plain.models)
    if isinstance(learner, FedSgd):
        plain.learner = replace(learner, step_size=0.05)
    else:
        plain.learner = replace(learner, solver=replace(learner.solver, step_size=0.05))
    before = plain.models
    plain.play()
    decayed.play()
    assert np.array_equal(decayed.models, plain.models)
    assert not np.array_equal(decayed.models, before)


def test_scaffold_divides_by_the_step_size_really_used(rounds, two_clients):
    """One step a round: the control is the gradient at the model of the round, whatever the step size."""
    solver = Sgd(epochs=1, batch_size=None, step_size=0.05)
    run = rounds(Scaffold(solver=solver, decay=Exponential(per_round=0.5), precision="float64"), two_clients)
    for _ in range(4):
        at = run.state.model[0]
        run.play()
        assert [run.memory[k][0] for k in (0, 1)] == pytest.approx([at, 9 * (at - 10)])


LEARNERS = standard_catalogue().kinds["learner"]


@pytest.mark.parametrize(
    "name", [name for name in LEARNERS if "decay" in {f.name for f in fields(LEARNERS[name].type)}]
)
def test_no_learner_takes_a_decay_and_forgets_it(name):
    """What devices compute at version 3 is not what they compute at version 0, with the same luck."""
    problem, everybody = small_problem(), range(7)
    learner = LEARNERS[name].type(decay=Exponential(per_round=0.5))
    central, luck = hasattr(learner, "aggregate"), np.random.default_rng(0)
    start = learner.init(problem, luck) if central else learner.init(problem, 0, luck)
    received = np.stack([learner.broadcast(problem, start, k) if central else start for k in everybody])
    memory = tuple(learner.memory(problem, k) for k in everybody)
    bench = Bench(learner=learner, problem=problem, received=received, memory=memory)
    luck = [np.random.default_rng(k) for k in everybody]
    work = replace(bench.work(everybody), rngs=luck)
    again = replace(work, versions=work.versions + 3, rngs=[np.random.default_rng(k) for k in everybody])
    early, late = (learner.local(problem, some) for some in (work, again))
    if not early.sent.size:  # a learner whose devices say nothing keeps what it computes
        assert not np.allclose(early.memory[0].parameters, late.memory[0].parameters)
        return
    assert not np.allclose(early.sent, late.sent)


def test_peers_count_their_own_rounds(two_clients):
    learner = DPsgd(solver=Sgd(epochs=1, batch_size=None, step_size=0.1), decay=Exponential(per_round=0.5))
    work = Work(
        devices=np.array([1, 1]),
        received=np.zeros((2, 1)),
        memory=(None, None),
        steps=np.array([1, 1]),
        versions=np.array([0, 3]),
        rngs=(np.random.default_rng(0), np.random.default_rng(0)),
    )
    assert learner.local(two_clients, work).sent[:, 0] == pytest.approx([9.0, 9.0 / 8])
