import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.losses import Hinge, LogLoss, Squared, SquaredHinge

LOSSES = [Hinge(), Hinge(smoothing=0.5), SquaredHinge(), Squared(), LogLoss()]
SIGNS = np.array([-1.0, 1.0])


def targets_of(loss):
    return np.array([-1.3, 0.4, 2.0]) if isinstance(loss, Squared) else SIGNS


def test_values_by_hand():
    u = np.array([2.0, 1.0, 0.75, 0.5, 0.0, -1.0])
    assert Hinge().loss(u, np.ones(6)).tolist() == [0.0, 0.0, 0.25, 0.5, 1.0, 2.0]
    assert Hinge(smoothing=0.5).loss(u, np.ones(6)).tolist() == [0.0, 0.0, 0.0625, 0.25, 0.75, 1.75]
    assert SquaredHinge().loss(u, np.ones(6)).tolist() == [0.0, 0.0, 0.0625, 0.25, 1.0, 4.0]
    assert LogLoss().loss(np.array([0.0, -800.0, 800.0]), np.ones(3)).tolist() == [np.log(2.0), 800.0, 0.0]
    assert Squared().loss(u, np.ones(6)).tolist() == [0.5, 0.0, 0.03125, 0.125, 0.5, 2.0]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_slope_is_that_of_the_loss(loss):
    u = np.linspace(-3.0, 3.0, 61) + 0.003  # not at a kink
    for t in targets_of(loss):
        target = np.full_like(u, t)
        slope = (loss.loss(u + 1e-6, target) - loss.loss(u - 1e-6, target)) / 2e-6
        assert np.allclose(loss.slope(u, target), slope, atol=1e-8)


def test_a_hinge_has_slope_0_at_its_kink():
    assert Hinge().slope(np.array([1.0, -1.0]), SIGNS[::-1]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_dual_is_the_smallest_value_of_loss_plus_alpha_u(loss):
    """- loss*(-alpha) = min over u of loss(u) + alpha u, here by looking at many u."""
    u = np.linspace(-30.0, 30.0, 600_001)
    for t in targets_of(loss):
        for share in (0.0, 0.3, 1.0):
            alpha = np.array([share * t])
            lowest = (loss.loss(u, np.full_like(u, t)) + alpha * u).min()
            assert loss.dual(alpha, np.array([t]))[0] == pytest.approx(lowest, abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_step_finds_the_best_dual_variable(loss):
    """It maximises dual(new) - u (new - old) - curvature / 2 (new - old)^2, here against many others."""
    rng = np.random.default_rng(0)
    for t in targets_of(loss):
        widest = {Squared: (-6.0, 6.0), SquaredHinge: (0.0, 6.0 * t)}.get(type(loss), (0.0, t))
        others = np.linspace(*widest, 240_001)
        for _ in range(10):
            old, u, curvature = t * rng.random(), rng.normal(), rng.exponential()

            def gain(new, t=t, old=old, u=u, curvature=curvature):
                return loss.dual(new, np.full_like(new, t)) - u * (new - old) - curvature / 2 * (new - old) ** 2

            new = loss.step(np.array([old]), np.array([t]), np.array([u]), np.array([curvature]))
            assert gain(new)[0] >= gain(others).max() - 1e-12


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_infinite_curvature_is_no_step(loss):
    alpha = 0.25 * targets_of(loss)
    after = loss.step(alpha, targets_of(loss), np.zeros_like(alpha), np.full_like(alpha, np.inf))
    assert np.array_equal(after, alpha)


def test_hinge_duals_outside_their_domain_are_worth_minus_infinity():
    alpha = np.array([-0.1, 1.1, 0.1])
    assert Hinge().dual(alpha, np.ones(3)).tolist() == [-np.inf, -np.inf, 0.1]


def test_the_other_hinges_duals_have_their_own_domains():
    alpha = np.array([-0.1, 1.1, 0.5])
    assert SquaredHinge().dual(alpha, np.ones(3)) == pytest.approx([-np.inf, 1.1 - 1.21 / 4, 0.5 - 0.25 / 4])
    assert LogLoss().dual(alpha, np.ones(3)) == pytest.approx([-np.inf, -np.inf, np.log(2.0)])


@settings(deadline=None, max_examples=200)
@given(
    share=st.floats(0.0, 1.0),
    u=st.floats(-1e3, 1e3),
    curvature=st.one_of(st.floats(1e-6, 1e6), st.just(0.0)),
    t=st.sampled_from([-1.0, 1.0]),
)
def test_a_logistic_step_satisfies_its_equation(share, u, curvature, t):
    """log((1 - b) / b) = t u + curvature (b - share), and whoever is computed with it changes no bit."""
    loss, one = LogLoss(), np.array([t])
    after = loss.step(np.array([t * share]), one, np.array([u]), np.array([curvature]))
    b = float(t * after[0])
    assert 0.0 <= b <= 1.0

    def slope(b):
        return np.log1p(-b) - np.log(b) - t * u - curvature * (b - share)

    if 1e-12 < b < 1 - 1e-12:
        near = 1e-9 * min(b, 1 - b) + 4e-16  # not less than the distance to the next number
        assert slope(b - near) >= -1e-12 * (1 + abs(u) + curvature)
        assert slope(b + near) <= 1e-12 * (1 + abs(u) + curvature)
    company = [np.array([t * share, 0.3]), np.array([t, 1.0]), np.array([u, 700.0]), np.array([curvature, 1e5])]
    assert loss.step(*company)[0] == after[0]


@pytest.mark.parametrize("smoothing", [-0.1, float("nan"), float("inf")])
def test_smoothing_must_be_a_width(smoothing):
    with pytest.raises(FedsimError, match="smoothing"):
        Hinge(smoothing=smoothing)
