"""Learners of peers against closed forms: gradient tracking, coded gossip, plain averaging, and rebased work."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.averaging import Averaging
from fedsim.learners.choco import ChocoSgd
from fedsim.learners.codecs import Float16, Qsgd, RandomK, TopK
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.dsgt import Dsgt
from fedsim.learners.mixing import metropolis
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd

RING = metropolis(nx.cycle_graph(6))


def regression(nodes=6, features=3, seed=0):
    """Each node has its own least-squares optimum."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(nodes * 5, features)), rng.normal(size=nodes * 5)
    part = Examples.of(X, y, np.repeat(np.arange(nodes), 5), nodes)
    return Problem(model=LeastSquares(features=features, bias=False), train=part, test=part)


def optimum(problem):
    return np.linalg.lstsq(problem.train.X, problem.train.y)[0]


def descent(step_size, epochs=1):
    return Sgd(epochs=epochs, batch_size=None, step_size=step_size)


def gradients(problem, x):
    X, y = problem.train.X.reshape(len(x), 5, -1), problem.train.y.reshape(len(x), 5)
    return np.stack([X[i].T @ (X[i] @ x[i] - y[i]) / 5 for i in range(len(x))])


def test_gradient_tracking_is_the_papers_recursion(gossip):
    """x <- W (x - eta y), y <- W y + g(new x) - g(old x), y = g at first."""
    problem, x = regression(), np.zeros((6, 3))
    peers = gossip(Dsgt(solver=descent(0.1), precision="float64"), problem, RING)
    y = gradients(problem, x)
    for _ in range(12):
        new = RING @ (x - 0.1 * y)
        y = RING @ y + gradients(problem, new) - gradients(problem, x)
        x = new
        peers.play()
        assert np.allclose(peers.models, x, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("epochs", [1, 3])
def test_gradient_tracking_has_no_bias_where_d_psgd_has(gossip, epochs):
    """A constant step on nodes that disagree: one ends at the optimum of all, the other at O(step) from it."""
    problem = regression()
    best, away = optimum(problem), {}
    for learner in (Dsgt, DPsgd):
        peers = gossip(learner(solver=descent(0.05, epochs), precision="float64"), problem, RING)
        for _ in range(1500):
            peers.play()
        away[learner] = np.abs(peers.models - best).max()
    assert away[Dsgt] < 1e-9
    assert away[DPsgd] > 1e-2


def test_a_message_that_reaches_one_of_two_leaves_a_drift(gossip):
    peers = gossip(Dsgt(solver=descent(0.05)), regression(), RING)
    for _ in range(50):
        peers.play()
    assert peers.measures["drift"] < 1e-15  # in float32, too
    peers.play(lost={(0, 1), (1, 0)})
    assert peers.measures["drift"] < 1e-15
    peers.play(lost={(0, 1)})
    for _ in range(50):
        peers.play()
    assert peers.measures["drift"] > 1e-6


def test_a_round_without_steps_does_not_throw_the_tracking_off(gossip):
    problem = regression()
    peers = gossip(Dsgt(solver=descent(0.05), precision="float64"), problem, RING)
    for number in range(1500):
        peers.play(steps=0 if number == 10 else None)
    assert np.abs(peers.models - optimum(problem)).max() < 1e-9


def test_gradient_tracking_sends_twice_as_much_and_adds_a_vector_in_each_step():
    problem, learner, plain = regression(), Dsgt(), DPsgd()
    assert learner.up_bytes(problem) == 2 * plain.up_bytes(problem) == 2 * 3 * 4
    dear, cheap = learner.local_cost(problem, 0), plain.local_cost(problem, 0)
    assert dear.step_flops - cheap.step_flops == 3
    assert dear.step_moved_bytes - cheap.step_moved_bytes == dear.memory_bytes - cheap.memory_bytes == 12


CODECS = [TopK(share=0.34), RandomK(share=0.34), Qsgd(levels=2), Float16(), None]


def choco(codec, **options):
    return ChocoSgd(codec=codec, precision="float64", **options)


def test_a_round_of_choco_is_the_papers(gossip):
    """x' = x - eta g; y <- y + Q(x' - y); x <- x' + gamma (W - I) y, with the largest of three numbers as Q."""
    problem, x, y = regression(), np.zeros((6, 3)), np.zeros((6, 3))
    peers = gossip(choco(TopK(share=0.34), solver=descent(0.1), consensus_step=0.4), problem, RING)
    for _ in range(10):
        half = x - 0.1 * gradients(problem, x)
        change = half - y
        kept = np.abs(change) == np.abs(change).max(axis=1, keepdims=True)
        y = y + np.where(kept, change.astype(np.float32), 0.0)
        x = half + 0.4 * (RING @ y - y)
        peers.play()
        assert np.allclose(peers.models, x, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("codec", CODECS)
def test_coded_gossip_keeps_the_mean_and_agrees(gossip, codec):
    """Without learning (a step too small to matter) all nodes come to the mean, of which a code shows a third."""
    problem = regression()
    peers = gossip(choco(codec, solver=descent(1e-30), consensus_step=0.3), problem, RING)
    peers.states = np.random.default_rng(1).normal(size=(6, 3))
    mean = peers.states.mean(axis=0)
    for _ in range(400):
        peers.play()
    assert np.allclose(peers.states.mean(axis=0), mean, rtol=0, atol=1e-13)
    assert np.abs(peers.states - mean).max() < 1e-4


def test_choco_without_a_code_is_d_psgd(gossip):
    problem = regression()
    both = [
        gossip(learner, problem, RING)
        for learner in (
            choco(None, solver=descent(0.1), consensus_step=1.0),
            DPsgd(solver=descent(0.1), overlaps=False, precision="float64"),
        )
    ]
    for _ in range(20):
        for peers in both:
            peers.play()
    assert np.allclose(both[0].models, both[1].models, rtol=1e-9, atol=1e-12)


def test_codes_get_where_d_psgd_gets_with_fewer_bytes(gossip):
    """A tenth of the numbers each time: after as many rounds within 1 % of what was to be gained, for an 8th."""
    problem = regression(features=20)
    coded = ChocoSgd(codec=TopK(share=0.1), solver=descent(0.02), consensus_step=0.3)
    plain = DPsgd(solver=descent(0.02), overlaps=False)
    ends = []
    for learner in (coded, plain):
        peers = gossip(learner, problem, RING)
        for _ in range(600):
            peers.play()
        ends.append(peers.measures["objective"])
    start = float((problem.train.y**2).mean() / 2)
    assert ends[0] - ends[1] < 0.01 * (start - ends[1])
    assert coded.up_bytes(problem) == plain.up_bytes(problem) / 8


def test_who_missed_codes_is_sent_all_of_them_or_the_whole_copy():
    problem = regression(features=100)
    learner = ChocoSgd(codec=TopK(share=0.1))
    code = TopK(share=0.1).size_bytes(100)
    assert learner.up_bytes(problem) == code == 49
    assert [learner.catch_up_bytes(problem, codes) for codes in (1, 2, 8, 9)] == [49, 98, 392, 400]
    assert ChocoSgd(codec=None).up_bytes(problem) == 400


def test_coding_is_charged():
    problem = regression(features=100)
    plain, coded = (
        DPsgd().local_cost(problem, 0),
        ChocoSgd(codec=TopK(share=0.1)).local_cost(problem, 0),
    )
    assert coded.begin_flops - plain.begin_flops == 4 * 100


@pytest.mark.parametrize("step", [0.0, -1.0, 1.1, np.nan])
def test_a_consensus_step_is_a_share(step):
    with pytest.raises(FedsimError, match="consensus_step must be > 0 and <= 1"):
        ChocoSgd(consensus_step=step)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([TopK(share=0.1), RandomK(share=0.1), Qsgd(levels=1), Qsgd(levels=4), Float16()]),
    st.integers(1, 200),
    st.integers(0, 1000),
)
def test_damped_codes_shrink(codec, numbers, seed):
    """E |Q(x) - x|^2 < |x|^2, on which CHOCO rests: the mean of many draws."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=numbers)
    left = [np.square(codec.damping(numbers) * codec.carried(x, rng) - x).sum() for _ in range(60)]
    assert np.mean(left) < np.square(x).sum()


def test_averaging_starts_apart_and_agrees(gossip):
    problem = regression()
    peers = gossip(Averaging(spread=2.0, precision="float64"), problem, RING)
    start = peers.states.copy()
    assert len(np.unique(start)) == start.size
    assert 1.0 < start.std() < 3.0
    for _ in range(3):
        peers.play()
    assert np.allclose(peers.states, np.linalg.matrix_power(RING, 3) @ start)
    assert np.array_equal(gossip(Averaging(spread=0.0), problem, RING).states, np.zeros((6, 3)))


def test_averaging_costs_nothing_but_messages():
    cost = Averaging().local_cost(regression(), 0)
    assert (cost.steps, cost.flops(0), cost.dispatches(0)) == (0, 0.0, 0)
    assert Averaging(precision="float64").up_bytes(regression()) == 24


@pytest.mark.parametrize("spread", [-1.0, np.nan, np.inf])
def test_the_spread_is_a_number(spread):
    with pytest.raises(FedsimError, match="spread must be >= 0 and finite"):
        Averaging(spread=spread)


def test_work_that_was_done_on_an_older_model_is_added_to_the_present_one():
    started, computed, current = np.array([[1.0]]), np.array([[3.0]]), np.array([[10.0]])
    assert DPsgd().rebase(started, computed, current).tolist() == [[12.0]]
    assert Averaging().rebase(started, computed, current).tolist() == [[10.0]]
