import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from fedsim.errors import FedsimError
from fedsim.system.law import Choice, Constant, Exponential, Lognormal, Uniform, Weibull
from fedsim.system.scipy_law import ScipyLaw

LAWS = [
    (Uniform(2.0, 6.0), stats.uniform(2.0, 4.0)),
    (Exponential(600.0), stats.expon(scale=600.0)),
    (Lognormal(3017.0, 1.39), stats.lognorm(1.39, scale=3017.0)),
    (Weibull(16_005.0, 0.656), stats.weibull_min(0.656, scale=16_005.0)),
    (ScipyLaw("gamma", (("a", 2.0), ("scale", 600.0))), stats.gamma(2.0, scale=600.0)),
]


@pytest.mark.parametrize(("law", "reference"), LAWS, ids=[type(law).__name__ for law, _ in LAWS])
def test_a_law_is_that_of_scipy(law, reference):
    sample = law.draws(np.random.default_rng(3), 20_000)
    assert stats.kstest(sample, reference.cdf).pvalue > 0.01
    assert law.mean == pytest.approx(reference.mean(), rel=1e-12)
    low, high = law.support
    assert (low, high) == reference.support()


Q = np.array([1e-12, 0.01, 0.2, 0.5, 0.8, 0.99])


@pytest.mark.parametrize(("law", "reference"), LAWS, ids=[type(law).__name__ for law, _ in LAWS])
def test_what_is_exceeded_with_a_probability_is_that_of_scipy(law, reference):
    np.testing.assert_allclose(law.isf(Q), reference.isf(Q), rtol=1e-9)


@pytest.mark.parametrize(("law", "reference"), LAWS, ids=[type(law).__name__ for law, _ in LAWS])
def test_spread_is_the_law_of_the_period_that_a_random_instant_hits(law, reference):
    """P(spread > x) = integral of y f(y) over y > x, over the mean; by quadrature over the upper probabilities."""
    for q in (0.01, 0.2, 0.5, 0.8, 0.99):
        above = reference.sf(law.spread(np.array([q]))[0])
        share, _ = integrate.quad(reference.isf, 0.0, above, epsabs=0, epsrel=1e-9, limit=500)
        assert share / reference.mean() == pytest.approx(q, rel=2e-4 if isinstance(law, ScipyLaw) else 1e-6)


def test_a_choice_takes_stretches_of_chance_from_the_greatest_value_down():
    law = Choice((1.0, 9.0, 5.0), (2.0, 0.0, 3.0))
    assert law.isf(np.array([0.1, 0.59, 0.61, 1 - 2**-53])).tolist() == [5.0, 5.0, 1.0, 1.0]
    assert law.spread(np.array([0.88, 0.89])).tolist() == [5.0, 1.0]  # 15 : 2
    assert Choice((0.0, 2.0)).spread(np.array([0.01, 0.99])).tolist() == [2.0, 2.0]


def test_choice_draws_in_proportion_to_weights():
    law = Choice((1.0, 5.0, 9.0), (1.0, 3.0, 0.0))
    sample = law.draws(np.random.default_rng(1), 20_000)
    assert set(sample) == {1.0, 5.0}
    assert np.mean(sample == 5.0) == pytest.approx(0.75, abs=0.01)
    assert law.mean == 4.0
    assert law.support == (1.0, 5.0)
    assert Choice((1.0, 5.0)).mean == 3.0


def test_every_draw_takes_one_number_of_the_generator_whatever_the_law():
    for law in (Constant(7.0), Choice((1.0, 2.0)), *(law for law, _ in LAWS)):
        rng, other = np.random.default_rng(1), np.random.default_rng(1)
        law.draws(rng, 3)
        other.random(3)
        assert rng.random() == other.random()


def test_a_constant_is_a_constant():
    assert Constant(7.0).draw(np.random.default_rng(1)) == Constant(7.0).mean == 7.0
    assert Constant(7.0).spread(Q).tolist() == [7.0] * 6


def test_no_spread_is_a_constant():
    law = Lognormal(1e9, 0.0)
    assert law.draws(np.random.default_rng(1), 3).tolist() == [1e9] * 3
    assert law.support == (1e9, 1e9)
    assert law.mean == 1e9


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from([Constant(2.0), Choice((1.0, 2.0, 3.0), (1.0, 2.0, 3.0)), *(law for law, _ in LAWS)]),
    st.integers(0, 2**32),
    st.integers(1, 20),
)
def test_many_draws_are_single_draws_one_after_the_other(law, seed, n):
    one_by_one = np.random.default_rng(seed)
    low, high = law.support
    many = law.draws(np.random.default_rng(seed), n)
    assert many.tolist() == [law.draw(one_by_one) for _ in range(n)]
    assert ((many >= low) & (many <= high)).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Constant(math.nan), "constant: value must be a number, got nan"),
        (lambda: Uniform(3.0, 2.0), r"uniform: low must be <= high, got \(3.0, 2.0\)"),
        (lambda: Uniform(0.0, math.inf), "uniform: low must be"),
        (lambda: Uniform(math.nan, 1.0), "uniform: low must be"),
        (lambda: Exponential(0.0), "exponential: mean must be > 0 and finite, got 0.0"),
        (lambda: Exponential(math.nan), "exponential: mean"),
        (lambda: Lognormal(-1.0, 1.0), "lognormal: median must be > 0 and finite, got -1.0"),
        (lambda: Lognormal(1.0, -1.0), "lognormal: sigma must be from 0 to 10, got -1.0"),
        (lambda: Lognormal(1.0, math.nan), "lognormal: sigma"),
        (lambda: Weibull(0.0, 1.0), "weibull: scale must be > 0"),
        (lambda: Weibull(1.0, 0.01), "weibull: shape must be from 0.1 to 100, got 0.01"),
        (lambda: Choice(()), "choice: values must not be empty"),
        (lambda: Choice((math.nan,)), "choice: values must be numbers"),
        (lambda: Choice((1.0, 2.0), (1.0,)), "choice: weights must be as many as values, got 1"),
        (lambda: Choice((1.0, 2.0), (0.0, 0.0)), "choice: weights must be >= 0, finite and not all 0"),
        (lambda: Choice((1.0, 2.0), (1.0, math.nan)), "choice: weights must be >= 0"),
    ],
)
def test_impossible_parameters_are_refused(make, message):
    with pytest.raises(FedsimError, match=message):
        make()
