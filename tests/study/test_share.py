import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.study.share import Share


@given(st.integers(1, 200).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.floats(0.5, 0.99))
@settings(deadline=None, max_examples=100)
def test_it_is_wilsons_interval(counts, confidence):
    expected = stats.binomtest(*counts).proportion_ci(confidence, method="wilson")
    found = Share(count=counts[0], of=counts[1]).interval(confidence)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_newcombes_example():
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I: 81 of 263 and 0 of 20."""
    assert Share(count=81, of=263).interval() == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert Share(count=0, of=20).interval() == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_a_few_runs_that_all_did_it_say_little():
    low, high = Share(count=5, of=5).interval()
    assert (low, high) == (pytest.approx(0.5655, abs=5e-5), 1.0)
    assert str(Share(count=5, of=5)) == "5 of 5"


@pytest.mark.parametrize(("count", "of"), [(1, 0), (0, 0), (3, 2), (-1, 2)])
def test_what_is_no_share_is_refused(count, of):
    with pytest.raises(ValueError, match="a count of at least one run"):
        Share(count=count, of=of)
