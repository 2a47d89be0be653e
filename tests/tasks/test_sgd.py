import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax

MODEL = Softmax(features=4, classes=3, l2=0.1)


def examples_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    device = np.repeat(np.arange(len(sizes)), sizes)
    return Examples.of(rng.normal(size=(n, 4)), rng.integers(0, 3, n), device, len(sizes))


def streams(devices):
    return tuple(np.random.default_rng([99, device]) for device in devices)


def sgd_slow(solver, X, y, *, w, steps, rng):
    """The definition: one device, one minibatch after the other, no padding."""
    size = len(X) if solver.batch_size is None else solver.batch_size
    while steps > 0:
        order = rng.permutation(len(X))
        for begin in range(0, len(X), size):
            if steps == 0:
                return w
            chosen = order[begin : begin + size]
            weight = np.full((1, len(chosen)), 1 / len(chosen))
            w = w - solver.step_size * MODEL.gradient(w[None], X[None, chosen], y[None, chosen], weight)[0]
            steps -= 1
    return w


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 23), min_size=1, max_size=6),
    batch_size=st.sampled_from([1, 4, 10, None]),
    epochs=st.integers(1, 3),
    data=st.data(),
)
def test_it_is_plain_sgd_on_each_device(sizes, batch_size, epochs, data):
    solver = Sgd(epochs=epochs, batch_size=batch_size, step_size=0.3)
    examples = examples_of(sizes)
    asked = np.array([solver.steps(size) for size in sizes])
    steps = np.array([data.draw(st.integers(0, int(most))) for most in asked])
    start = np.random.default_rng(1).normal(size=(len(sizes), MODEL.parameters))
    devices = np.arange(len(sizes))
    result = solver.run(MODEL, examples, start=start, devices=devices, steps=steps, rngs=streams(devices))
    for i, rng in enumerate(streams(devices)):
        rows = examples.rows(i)
        X, y = examples.X[rows], examples.y[rows]
        expected = sgd_slow(solver, X, y, w=start[i], steps=int(steps[i]), rng=rng)
        assert np.allclose(result[i], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("batch_size", [1, 7, 10, None])
def test_company_changes_no_bit(batch_size):
    sizes = [1, 5, 10, 23, 10, 40, 3]
    solver = Sgd(epochs=2, batch_size=batch_size, step_size=0.3)
    examples = examples_of(sizes)
    devices = np.array([3, 0, 6, 5, 2, 4, 1])
    steps = np.array([solver.steps(sizes[device]) for device in devices]) - np.array([1, 0, 0, 3, 1, 0, 1]) // 2
    start = np.random.default_rng(1).normal(size=(7, MODEL.parameters))
    together = solver.run(MODEL, examples, start=start, devices=devices, steps=steps, rngs=streams(devices))
    for i, device in enumerate(devices):
        one = slice(i, i + 1)
        alone = solver.run(
            MODEL, examples, start=start[one], devices=devices[one], steps=steps[one], rngs=streams([device])
        )
        assert np.array_equal(together[one], alone)


def test_a_device_may_work_twice_in_one_batch():
    examples, solver = examples_of([12, 8]), Sgd()
    start = np.zeros((3, MODEL.parameters))
    result = solver.run(
        MODEL,
        examples,
        start=start,
        devices=np.array([0, 1, 0]),
        steps=np.array([2, 1, 2]),
        rngs=streams([5, 1, 6]),
    )
    assert not np.array_equal(result[0], result[2])
    again = solver.run(MODEL, examples, start=start[:1], devices=np.array([0]), steps=np.array([2]), rngs=streams([6]))
    assert np.array_equal(result[2], again[0])


def test_no_steps_return_the_start_and_leave_it_alone():
    start = np.ones((2, MODEL.parameters))
    devices, steps = np.arange(2), np.array([0, 2])
    result = Sgd().run(MODEL, examples_of([15, 15]), start=start, devices=devices, steps=steps, rngs=streams(devices))
    assert np.array_equal(result[0], start[0])
    assert not np.array_equal(result[1], start[1])
    assert np.array_equal(start, np.ones_like(start))


def test_an_epoch_visits_every_example_once():
    """With one-hot features and targets, each step moves the weights of its own examples and of no others."""
    examples = Examples.of(np.eye(5), np.ones(5), np.zeros(5, dtype=np.int64), 1)
    solver = Sgd(epochs=1, batch_size=2, step_size=1.0)
    assert solver.steps(5) == 3
    result = solver.run(
        LeastSquares(features=5),
        examples,
        start=np.zeros((1, 5)),
        devices=np.array([0]),
        steps=np.array([3]),
        rngs=streams([0]),
    )
    assert sorted(result[0]) == [0.5, 0.5, 0.5, 0.5, 1.0]  # the last minibatch holds one example


def test_steps_and_operations():
    assert Sgd(epochs=3, batch_size=10).steps(25) == 9
    assert Sgd(epochs=3, batch_size=None).steps(25) == 3
    assert Sgd(epochs=1, batch_size=10).steps(4) == 1
    # An epoch is 3 passes over 25 examples whatever the minibatches: 75 passes in 3 steps.
    assert Sgd(batch_size=10).step_flops(MODEL, 25) == 25 * MODEL.forward_flops
    assert Sgd(batch_size=None, epochs=4).step_flops(MODEL, 25) == 75 * MODEL.forward_flops


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"step_size": 0.0}, "step_size"),
        ({"step_size": float("nan")}, "step_size"),
        ({"step_size": float("inf")}, "step_size"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(FedsimError, match=message):
        Sgd(**parameters)
