import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.examples import Examples
from fedsim.tasks.losses import Hinge, LogLoss, Squared, SquaredHinge
from fedsim.tasks.sdca import Sdca, Subproblem
from fedsim.tasks.svm import LinearSvm

ROWS = 2


class FourKinds:
    """A linear model of two rows of weights; label y asks for the signs of its two binary digits."""

    rows, bias = ROWS, False

    def targets(self, y):
        return np.stack([y // 2, y % 2], axis=-1) * 2.0 - 1.0


MODEL = FourKinds()


def setting(sizes, seed=0, d=3):
    """Devices with examples (one of them all zeros), weights from a server, and duals somewhere in their domain."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    X = rng.normal(size=(n, d))
    X[0] = 0.0
    examples = Examples.of(X, rng.integers(0, 4, n), np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    targets = MODEL.targets(examples.y)
    duals = targets * rng.random((n, ROWS))
    work = Subproblem(
        w=rng.normal(size=(len(sizes), ROWS, d)),
        alpha=tuple(duals[examples.rows(t)] for t in range(len(sizes))),
        coupling=rng.exponential(size=(len(sizes), ROWS)) + 0.1,
        scale=1.0 / examples.sizes,
    )
    return examples, targets, work


def streams(devices):
    return tuple(np.random.default_rng([99, device]) for device in devices)


def only(work, i):
    return Subproblem(
        w=work.w[i : i + 1],
        alpha=work.alpha[i : i + 1],
        coupling=work.coupling[i : i + 1],
        scale=work.scale[i : i + 1],
    )


def sdca_slow(loss, X, targets, *, work, i, steps, rng):
    """The steps of the notes, one number at a time: sigma' Sigma_tt / lambda is ``coupling``, c_t is ``scale``."""
    alpha, u = work.alpha[i].copy(), np.zeros_like(work.w[i])
    order = []
    while len(order) < steps:
        order.extend(rng.permutation(len(X)))
    for j in order[:steps]:
        x = X[j]
        if not x.any():
            continue
        for row in range(ROWS):
            y, old, coupling, c = targets[j, row], alpha[j, row], work.coupling[i, row], work.scale[i]
            g = x @ (work.w[i, row] + coupling * u[row])
            if isinstance(loss, Squared):
                new = old + (y - g - old) / (1 + coupling * c * (x @ x))
            elif not isinstance(loss, Hinge):
                new = loss.step(*(np.array([number]) for number in (old, y, g, coupling * c * (x @ x))))[0]
            else:
                s = loss.smoothing
                b = y * old + (1 - y * g - s * y * old) / (s + coupling * c * (x @ x))
                new = y * min(max(b, 0.0), 1.0)
            alpha[j, row] = new
            u[row] += c * (new - old) * x
    return u, alpha


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 12) | st.integers(17, 40), min_size=1, max_size=5),
    loss=st.sampled_from([Hinge(), Hinge(smoothing=0.4), Squared(), SquaredHinge(), LogLoss()]),
    d=st.sampled_from([3, 8]),
    data=st.data(),
)
def test_it_is_the_coordinate_step_of_the_notes(sizes, loss, d, data):
    examples, targets, work = setting(sizes, d=d)
    devices = np.arange(len(sizes))
    steps = np.array([data.draw(st.integers(0, 3 * size)) for size in sizes])
    solution = Sdca(loss=loss).run(MODEL, examples, work=work, devices=devices, steps=steps, rngs=streams(devices))
    for i, rng in enumerate(streams(devices)):
        rows = examples.rows(i)
        u, alpha = sdca_slow(loss, examples.X[rows], targets[rows], work=work, i=i, steps=int(steps[i]), rng=rng)
        assert np.allclose(solution.u[i], u, rtol=1e-12, atol=1e-12)
        assert np.allclose(solution.alpha[i], alpha, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("d", [3, 9, 40])
@pytest.mark.parametrize("loss", [Hinge(), LogLoss()], ids=repr)
def test_company_changes_no_bit(loss, d):
    sizes = [4, 30, 9, 30, 1]
    examples, _, work = setting(sizes, d=d)
    devices, steps = np.arange(5), np.array([8, 17, 0, 45, 2])
    together = Sdca(loss=loss).run(MODEL, examples, work=work, devices=devices, steps=steps, rngs=streams(devices))
    for i in devices:
        alone = Sdca(loss=loss).run(
            MODEL,
            examples,
            work=only(work, i),
            devices=devices[i : i + 1],
            steps=steps[i : i + 1],
            rngs=streams([i]),
        )
        assert np.array_equal(together.u[i], alone.u[0])
        assert np.array_equal(together.alpha[i], alone.alpha[0])


@settings(deadline=None, max_examples=40)
@given(
    loss=st.sampled_from([Hinge(), Hinge(smoothing=0.4), Squared(), SquaredHinge(), LogLoss()]),
    seed=st.integers(0, 1000),
    steps=st.integers(1, 20),
)
def test_each_step_improves_the_subproblem_and_u_is_the_image_of_the_change(loss, seed, steps):
    examples, targets, work = setting([7], seed)

    def value(alpha):
        u = work.scale[0] * (alpha - work.alpha[0]).T @ examples.X
        gained = work.scale[0] * loss.dual(alpha, targets).sum()
        return gained - (work.w[0] * u).sum() - (work.coupling[0] / 2 * (u**2).sum(axis=1)).sum()

    values = [value(work.alpha[0])]
    for granted in range(1, steps + 1):
        solution = Sdca(loss=loss).run(
            MODEL, examples, work=work, devices=np.array([0]), steps=np.array([granted]), rngs=streams([0])
        )
        values.append(value(solution.alpha[0]))
        image = work.scale[0] * (solution.alpha[0] - work.alpha[0]).T @ examples.X
        assert np.allclose(solution.u[0], image, atol=1e-12)
    assert (np.diff(values) >= -1e-12).all()


def test_no_steps_change_nothing_and_what_was_given_stays_as_it_was():
    examples, _, work = setting([6, 6])
    before = [alpha.copy() for alpha in work.alpha]
    solution = Sdca().run(
        MODEL, examples, work=work, devices=np.arange(2), steps=np.array([0, 6]), rngs=streams([0, 1])
    )
    assert not solution.u[0].any()
    assert np.array_equal(solution.alpha[0], before[0])
    assert not np.array_equal(solution.alpha[1], before[1])
    assert all(np.array_equal(kept, given) for kept, given in zip(work.alpha, before, strict=True))


def test_a_bias_is_the_weight_of_a_constant_feature():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(9, 3)), rng.integers(0, 2, 9)
    plain = Examples.of(X, y, np.zeros(9, dtype=np.int64), 1)
    work = Subproblem(
        w=rng.normal(size=(1, 1, 4)), alpha=(np.zeros((9, 1)),), coupling=np.ones((1, 1)), scale=np.ones(1)
    )
    with_bias, by_hand = (
        Sdca().run(
            LinearSvm(features=features, classes=2, bias=bias),
            examples,
            work=work,
            devices=np.array([0]),
            steps=np.array([9]),
            rngs=streams([0]),
        )
        for features, bias, examples in ((3, True, plain), (4, False, plain.with_constant))
    )
    assert np.abs(with_bias.u).max() > 0
    assert np.array_equal(with_bias.u, by_hand.u)


def test_an_example_of_zeros_keeps_its_dual_variable():
    examples, _, work = setting([3])
    solution = Sdca().run(MODEL, examples, work=work, devices=np.array([0]), steps=np.array([9]), rngs=streams([0]))
    assert np.array_equal(solution.alpha[0][0], work.alpha[0][0])


def test_steps_and_operations():
    assert Sdca().steps(100) == 100
    assert Sdca(epochs=0.5).steps(100) == 50
    assert Sdca(epochs=0.01).steps(3) == 1
    assert Sdca().step_flops(561, 1) == 2244.0
    assert Sdca().step_flops(65, 10) == 2600.0


@pytest.mark.parametrize("epochs", [0, -1.0, float("nan"), float("inf")])
def test_epochs_must_be_positive(epochs):
    with pytest.raises(FedsimError, match="epochs"):
        Sdca(epochs=epochs)
