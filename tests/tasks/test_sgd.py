import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm
from fedsim.tasks.terms import Terms

MODEL = Softmax(features=4, classes=3, l2=0.1)


def examples_of(sizes, seed=0, classes=3):
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    device = np.repeat(np.arange(len(sizes)), sizes)
    return Examples.of(rng.normal(size=(n, 4)), rng.integers(0, classes, n), device, len(sizes))


def streams(devices):
    return tuple(np.random.default_rng([99, device]) for device in devices)


def train(solver, examples, *, devices, model=MODEL, **work):
    return solver.run(model, examples, devices=devices, rngs=streams(devices), **work)


def sgd_slow(solver, X, y, *, w, steps, rng, rate=None, linear=0.0, proximal=0.0, anchor=0.0, q=None, v=0.0):
    """The definition: one device, one minibatch after the other, no padding."""
    size = len(X) if solver.batch_size is None else solver.batch_size
    q = np.ones(len(X)) if q is None else q
    while steps > 0:
        order = rng.permutation(len(X))
        for begin in range(0, len(X), size):
            if steps == 0:
                return w, v
            chosen = order[begin : begin + size]
            weight = q[None, chosen] / len(chosen)
            g = MODEL.gradient(w[None], X[None, chosen], y[None, chosen], weight)[0]
            g = g + linear + proximal * (w - anchor)
            if solver.clip_norm is not None and np.linalg.norm(g) > solver.clip_norm:
                g = g * (solver.clip_norm / np.linalg.norm(g))
            v = solver.momentum * v + g + solver.weight_decay * w
            w = w - (rate or solver.step_size) * v
            steps -= 1
    return w, v


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
    result = train(solver, examples, start=start, devices=devices, steps=steps)
    assert not result.momentum.any()
    for i, rng in enumerate(streams(devices)):
        rows = examples.rows(i)
        X, y = examples.X[rows], examples.y[rows]
        expected, _ = sgd_slow(solver, X, y, w=start[i], steps=int(steps[i]), rng=rng)
        assert np.allclose(result.parameters[i], expected, rtol=1e-12, atol=1e-12)


def all_terms(examples, devices, seed=2):
    """Everything that a learner can add, different for each device."""
    rng = np.random.default_rng(seed)
    shape = (len(devices), MODEL.parameters)
    return Terms(
        rates=rng.uniform(0.1, 0.4, len(devices)),
        linear=rng.normal(size=shape),
        proximal=rng.uniform(0.0, 0.5, len(devices)),
        anchor=rng.normal(size=shape),
        example_weights=rng.random(int(examples.sizes[devices].sum())),
        momentum=rng.normal(size=shape),
    )


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 23), min_size=1, max_size=5),
    batch_size=st.sampled_from([1, 4, 10, None]),
    momentum=st.sampled_from([0.0, 0.9]),
    weight_decay=st.sampled_from([0.0, 0.1]),
    clip_norm=st.sampled_from([None, 0.5, 1.5]),
    data=st.data(),
)
def test_it_follows_what_a_learner_adds(sizes, batch_size, momentum, weight_decay, clip_norm, data):
    solver = Sgd(epochs=2, batch_size=batch_size, momentum=momentum, weight_decay=weight_decay, clip_norm=clip_norm)
    examples = examples_of(sizes)
    devices = np.array(data.draw(st.permutations(range(len(sizes)))))
    steps = np.array([data.draw(st.integers(0, solver.steps(sizes[device]))) for device in devices])
    start = np.random.default_rng(1).normal(size=(len(sizes), MODEL.parameters))
    terms = all_terms(examples, devices)
    result = train(solver, examples, start=start, devices=devices, steps=steps, terms=terms)
    weights = np.split(terms.example_weights, np.cumsum(examples.sizes[devices])[:-1])
    for i, rng in enumerate(streams(devices)):
        rows = examples.rows(devices[i])
        w, v = sgd_slow(
            solver,
            examples.X[rows],
            examples.y[rows],
            w=start[i],
            steps=int(steps[i]),
            rng=rng,
            rate=terms.rates[i],
            linear=terms.linear[i],
            proximal=terms.proximal[i],
            anchor=terms.anchor[i],
            q=weights[i],
            v=terms.momentum[i],
        )
        assert np.allclose(result.parameters[i], w, rtol=1e-11, atol=1e-11)
        if momentum:
            assert np.allclose(result.momentum[i], v, rtol=1e-11, atol=1e-11)


COMPANY = [3, 0, 6, 5, 2, 4, 1]


@pytest.mark.parametrize("batch_size", [1, 7, 10, None])
@pytest.mark.parametrize("model", [MODEL, LinearSvm(features=4, classes=3), Logistic(features=4, l2=0.1)], ids=repr)
def test_company_changes_no_bit(batch_size, model):
    sizes = [1, 5, 10, 23, 10, 40, 3]
    solver = Sgd(epochs=2, batch_size=batch_size, momentum=0.5, weight_decay=0.01, clip_norm=0.5)
    examples = examples_of(sizes, classes=model.classes)
    devices = np.array(COMPANY)
    steps = np.array([solver.steps(sizes[device]) for device in devices]) - np.array([1, 0, 0, 3, 1, 0, 1]) // 2
    start = np.random.default_rng(1).normal(size=(7, model.parameters))
    together = train(solver, examples, start=start, devices=devices, steps=steps, model=model)
    for i, device in enumerate(devices):
        one = slice(i, i + 1)
        alone = train(solver, examples, start=start[one], devices=np.array([device]), steps=steps[one], model=model)
        assert np.array_equal(together.parameters[one], alone.parameters)
        assert np.array_equal(together.momentum[one], alone.momentum)


def test_terms_of_the_others_change_no_bit():
    examples, solver = examples_of([12, 8, 12]), Sgd(clip_norm=1.0)
    devices = np.array([2, 0, 1])
    start = np.zeros((3, MODEL.parameters))
    terms = all_terms(examples, devices)
    together = train(solver, examples, start=start, devices=devices, steps=np.array([1, 2, 1]), terms=terms)
    own = Terms(
        rates=terms.rates[1:2],
        linear=terms.linear[1:2],
        proximal=terms.proximal[1:2],
        anchor=terms.anchor[1:2],
        example_weights=terms.example_weights[12:24],
    )
    alone = train(solver, examples, start=start[:1], devices=np.array([0]), steps=np.array([2]), terms=own)
    assert np.array_equal(together.parameters[1], alone.parameters[0])


def test_terms_of_nothing_are_plain_descent_to_the_last_bit():
    examples, solver = examples_of([12, 8]), Sgd(epochs=3)
    common = {"start": np.ones((2, MODEL.parameters)), "devices": np.arange(2), "steps": np.array([6, 3])}
    nothing = Terms(
        rates=np.full(2, solver.step_size),
        linear=np.zeros((2, MODEL.parameters)),
        proximal=np.zeros(2),
        example_weights=np.ones(20),
    )
    plain, tilted = train(solver, examples, **common), train(solver, examples, terms=nothing, **common)
    assert np.array_equal(plain.parameters, tilted.parameters)


def test_the_anchor_is_the_start_unless_said():
    """On (w - 2)^2 / 2 from w = 4, pulled back to 4 with strength 1, descent ends half-way; pulled to 0, at 1."""
    examples = Examples.of(np.ones((1, 1)), np.array([2.0]), np.zeros(1, dtype=np.int64), 1)
    solver = Sgd(epochs=100, batch_size=None, step_size=0.2)
    for anchor, end in ((None, 3.0), (np.zeros((1, 1)), 1.0)):
        result = solver.run(
            LeastSquares(features=1),
            examples,
            start=np.array([[4.0]]),
            devices=np.array([0]),
            steps=np.array([100]),
            rngs=streams([0]),
            terms=Terms(proximal=np.array([1.0]), anchor=anchor),
        )
        assert result.parameters[0, 0] == pytest.approx(end, abs=1e-12)


def test_momentum_can_be_kept_from_call_to_call():
    """With all data in each step, two calls that hand on the velocity are one; without it they are not."""
    examples, devices = examples_of([9]), np.array([0])
    solver = Sgd(epochs=4, batch_size=None, momentum=0.9)
    start = np.zeros((1, MODEL.parameters))
    whole = train(solver, examples, start=start, devices=devices, steps=np.array([4]))
    half = train(solver, examples, start=start, devices=devices, steps=np.array([2]))
    kept = Terms(momentum=half.momentum)
    rest = {"start": half.parameters, "devices": devices, "steps": np.array([2])}
    assert np.allclose(train(solver, examples, terms=kept, **rest).parameters, whole.parameters, rtol=1e-12)
    assert not np.allclose(train(solver, examples, **rest).parameters, whole.parameters, rtol=1e-3)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"rates": np.ones(3)}, r"rates must have shape \(2,\), got \(3,\)"),
        ({"linear": np.ones(2)}, "linear must have shape"),
        ({"proximal": np.ones((2, 1))}, "proximal must have shape"),
        ({"proximal": np.ones(2), "anchor": np.ones((2, 1))}, "anchor must have shape"),
        ({"example_weights": np.ones(7)}, r"example_weights must have shape \(20,\), got \(7,\)"),
        ({"momentum": np.ones(5)}, "momentum must have shape"),
    ],
)
def test_terms_that_do_not_fit_are_refused(terms, message):
    common = {"start": np.ones((2, MODEL.parameters)), "devices": np.arange(2), "steps": np.array([6, 3])}
    with pytest.raises(FedsimError, match=message):
        train(Sgd(), examples_of([12, 8]), terms=Terms(**terms), **common)


def test_an_anchor_without_a_pull_is_refused():
    with pytest.raises(FedsimError, match="anchor needs proximal"):
        Terms(anchor=np.ones((2, 3)))


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
    ).parameters
    assert not np.array_equal(result[0], result[2])
    again = solver.run(MODEL, examples, start=start[:1], devices=np.array([0]), steps=np.array([2]), rngs=streams([6]))
    assert np.array_equal(result[2], again.parameters[0])


def test_no_steps_return_the_start_and_leave_it_alone():
    start = np.ones((2, MODEL.parameters))
    devices, steps = np.arange(2), np.array([0, 2])
    result = train(Sgd(), examples_of([15, 15]), start=start, devices=devices, steps=steps).parameters
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
    assert sorted(result.parameters[0]) == [0.5, 0.5, 0.5, 0.5, 1.0]  # the last minibatch holds one example


def test_steps_and_operations():
    assert Sgd(epochs=3, batch_size=10).steps(25) == 9
    assert Sgd(epochs=3, batch_size=None).steps(25) == 3
    assert Sgd(epochs=1, batch_size=10).steps(4) == 1
    # An epoch is 3 passes over 25 examples whatever the minibatches: 75 passes in 3 steps.
    assert Sgd(batch_size=10).step_flops(MODEL, 25) == 25 * MODEL.forward_flops
    assert Sgd(batch_size=None, epochs=4).step_flops(MODEL, 25) == 75 * MODEL.forward_flops
    plain = Sgd().step_flops(MODEL, 25)
    assert Sgd(momentum=0.9).step_flops(MODEL, 25) == plain + 2 * 15
    assert Sgd(weight_decay=0.1, clip_norm=10.0).step_flops(MODEL, 25) == plain + 5 * 15


def test_momentum_takes_memory():
    assert Sgd(momentum=0.9).memory_bytes(MODEL, 25) - Sgd().memory_bytes(MODEL, 25) == 15 * 4
    assert Sgd(momentum=0.9).step_moved_bytes(MODEL, 25) - Sgd().step_moved_bytes(MODEL, 25) == 2 * 15 * 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"step_size": 0.0}, "step_size"),
        ({"step_size": float("nan")}, "step_size"),
        ({"step_size": float("inf")}, "step_size"),
        ({"momentum": 1.0}, "momentum"),
        ({"momentum": -0.1}, "momentum"),
        ({"weight_decay": float("nan")}, "weight_decay"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"clip_norm": 0.0}, "clip_norm"),
        ({"clip_norm": float("inf")}, "clip_norm"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(FedsimError, match=message):
        Sgd(**parameters)
