import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.tasks.losses import Hinge, Squared

LOSSES = [Hinge(), Hinge(smoothing=0.5), Squared()]
SIGNS = np.array([-1.0, 1.0])


def targets_of(loss):
    return np.array([-1.3, 0.4, 2.0]) if isinstance(loss, Squared) else SIGNS


def test_values_by_hand():
    u = np.array([2.0, 1.0, 0.75, 0.5, 0.0, -1.0])
    assert Hinge().loss(u, np.ones(6)).tolist() == [0.0, 0.0, 0.25, 0.5, 1.0, 2.0]
    assert Hinge(smoothing=0.5).loss(u, np.ones(6)).tolist() == [0.0, 0.0, 0.0625, 0.25, 0.75, 1.75]
    assert Squared().loss(u, np.ones(6)).tolist() == [0.5, 0.0, 0.03125, 0.125, 0.5, 2.0]


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
        others = np.linspace(-6.0, 6.0, 240_001) if isinstance(loss, Squared) else t * np.linspace(0, 1, 240_001)
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


@pytest.mark.parametrize("smoothing", [-0.1, float("nan"), float("inf")])
def test_smoothing_must_be_a_width(smoothing):
    with pytest.raises(FedsimError, match="smoothing"):
        Hinge(smoothing=smoothing)
