import math

import numpy as np
import pytest
from scipy import stats

from fedsim.study.seeds_needed import MOST_SEEDS, seeds_needed


def with_effect(effect):
    """Values whose mean is ``effect`` standard deviations."""
    values = np.array([-1.0, 0.0, 1.0])
    return (values + effect).tolist()


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (-0.5, 34)])
def test_cohens_sample_sizes(effect, seeds):
    """Small, medium and large effects at 5 % and a power of 80 %, as G*Power has them for two dependent means."""
    assert seeds_needed(with_effect(effect)) == seeds


def test_so_many_seeds_do_find_it():
    """By simulation: of 2,000 experiments with the 15 seeds asked for an effect of 0.8, about 80 % find it."""
    draws = stats.norm.rvs(loc=0.8, size=(2000, 15), random_state=1)
    found = (stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05).mean()
    assert found == pytest.approx(0.80, abs=0.03)


def test_level_and_power_matter():
    base = seeds_needed(with_effect(0.5))
    assert seeds_needed(with_effect(0.5), level=0.01) > base
    assert seeds_needed(with_effect(0.5), power=0.95) > base


def test_nobody_can_say_from_one_value_or_from_no_difference():
    assert seeds_needed([3.0]) is None
    assert seeds_needed([0.0, 0.0]) is None
    assert seeds_needed([-1.0, 1.0]) is None
    assert seeds_needed([1.0, math.inf]) is None
    assert seeds_needed([1.0, math.nan]) is None


def test_equal_values_need_no_more_and_tiny_effects_too_many():
    assert seeds_needed([2.0, 2.0, 2.0]) == 3
    assert seeds_needed(with_effect(1e-3)) is None
    assert MOST_SEEDS == 1000
