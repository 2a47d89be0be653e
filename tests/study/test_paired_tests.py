import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.study.paired_tests import holm, sign_test


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None, max_examples=100)
def test_the_sign_test_is_the_exact_binomial_test(better, worse):
    expected = stats.binomtest(better, better + worse).pvalue if better + worse else 1.0
    assert sign_test(better, worse) == pytest.approx(expected)


def test_five_of_five_are_not_enough_and_six_of_six_are():
    """Two to the power of -4 and -5, by hand."""
    assert sign_test(5, 0) == 0.0625
    assert sign_test(0, 6) == 0.03125
    assert sign_test(0, 0) == 1.0


def test_mcnemar_as_agresti_has_it():
    """Agresti, "Categorical data analysis", section 10.1: 86 and 150 changed their minds, z^2 = 17.36."""
    assert sign_test(86, 150) == pytest.approx(3.716e-5, rel=1e-3)
    assert sign_test(86, 150) == pytest.approx(stats.chi2.sf(17.36, 1), rel=0.25)  # which is the approximation of it


@pytest.mark.parametrize(
    ("values", "raised"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # by hand: times 3, 1 (not below 0.06), 2, 4
        ([0.01, 0.02, 0.03, 0.04, 0.05], [0.05, 0.08, 0.09, 0.09, 0.09]),  # what R's p.adjust says
        ([0.6, 0.9], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holms_correction(values, raised):
    assert holm(values) == pytest.approx(raised)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(deadline=None, max_examples=100)
def test_correction_keeps_the_order_and_lies_between_none_and_bonferronis(values):
    raised = holm(values)
    for one, its in zip(values, raised, strict=True):
        assert one <= its <= min(1.0, len(values) * one)
        assert all(its <= theirs for other, theirs in zip(values, raised, strict=True) if one < other)


def test_holm_keeps_the_rate_of_false_alarms():
    """Ten tests of nothing, a thousand times: 4.3 % of the families have an alarm; without correction 40 %."""
    families = stats.uniform.rvs(size=(1000, 10), random_state=4)
    alarms = sum(min(holm(family)) < 0.05 for family in families.tolist())
    assert 30 <= alarms <= 70
    assert 350 <= (families.min(axis=1) < 0.05).sum() <= 450
