import math

import pytest

from fedsim.study.difference import Difference
from fedsim.study.effect import digits, effect
from fedsim.study.outcome import GOAL, MEASURES, Measure
from fedsim.study.pair import Figure, Pair
from fedsim.study.reaching import Reaching
from fedsim.study.share import Share
from fedsim.study.verdict import Verdict

FEW = "too few seeds for a verdict, 3 are the fewest"
MEASURE = {measure.field: measure for measure in MEASURES}


def figure(word):
    """A number that was reached, or a text such as ``>60``, that was not."""
    return Figure(value=float(str(word).lstrip(">")), complete=not str(word).startswith(">"))


def difference(own, first, field="time_to_target_s"):
    pairs = tuple(Pair(own=figure(a), first=figure(b)) for a, b in zip(own, first, strict=True))
    return Difference(measure=MEASURE[field], pairs=pairs)


def verdict(own, first, field="time_to_target_s"):
    found = difference(own, first, field)
    return Verdict(name="ring", first="star", difference=found, p=found.p)


def test_a_real_difference_is_said_with_its_factor_and_interval():
    found = verdict([18.2, 36, 53.8, 72.4], [10, 20, 30, 40])
    assert found.state == "real"
    assert found.words == "ring is 1.81 x slower to the target (1.79 to 1.82): real"
    back = verdict([10, 20, 30, 40], [18.2, 36, 53.8, 72.4])
    assert back.words == "ring is 1.81 x faster to the target (1.79 to 1.82): real"


def test_what_cannot_be_told_says_how_many_seeds_might():
    found = verdict([12, 19, 37], [10, 20, 30])
    assert found.state == "cannot tell"
    assert found.words == "ring is 1.12 x slower to the target (0.784 to 1.6): cannot tell; about 21 seeds might tell"


def test_a_promise_of_fewer_seeds_than_there_are_is_not_made():
    """The correction for many scenarios may ask for more than the seeds that one difference needs."""
    found = difference([18.2, 36, 53.8, 72.4, 18, 36.2], [10, 20, 30, 40, 10, 20])
    corrected = Verdict(name="ring", first="star", difference=found, p=0.2)
    assert corrected.state == "cannot tell"
    assert corrected.words.endswith(": cannot tell")


def test_who_missed_the_target_is_at_least_so_much_slower():
    assert effect("ring", difference([">60", 40], [20, 20])).startswith("ring is at least 2.45 x slower")
    assert effect("ring", difference([20, 20], [">60", 40])).startswith("ring is at least 2.45 x faster")
    assert effect("ring", difference([">60", 40], [20, 20], "energy_to_target_j")).startswith(
        "ring takes at least 2.45 x"
    )
    assert effect("ring", difference([20, 20], [">60", 40], "energy_to_target_j")).startswith(
        "ring takes at most 0.408 x"
    )


def test_where_each_missed_it_once_it_is_no_bound():
    assert effect("ring", difference([">60", 20, 50], [20, ">60", 10])).startswith("ring is 1.71 x slower")
    assert effect("ring", difference([">60", 40], [">60", 20])).startswith("ring is 1.41 x slower")


def test_a_bound_is_one_of_the_factor_that_is_told():
    """Slower by 50 s with the one seed that it missed, and 5 x faster with three: by ratios it is ahead."""
    found = difference([">60", 2, 2, 2], [10, 10, 10, 10])
    assert (found.interval.mean, found.factor.mean) == (6.5, pytest.approx((6 * 0.2**3) ** 0.25))
    assert effect("ring", found).startswith("ring is 2.14 x faster")


def test_of_no_difference_there_is_no_bound():
    """As much as the other had spent without getting there: less, if anything, and not at least as much."""
    found = difference([10, 20], [">10", 20], "energy_to_target_j")
    assert effect("ring", found).startswith("ring takes 1 x")


def test_costs_and_shares_have_words_of_their_own():
    assert effect("ring", difference([4, 8], [2, 4], "energy_j")) == "ring ends with 2 x the energy (2 to 2)"
    assert effect("ring", difference([1, 2], [2, 4], "total_bytes")) == "ring ends with 0.5 x the bytes (0.5 to 0.5)"
    assert (
        effect("ring", difference([0.80, 0.81], [0.82, 0.84], "mean_accuracy"))
        == "ring ends 2.5 pt lower in mean accuracy (-3.85 to 8.85)"
    )
    assert effect("ring", difference([0.9], [0.8], "mean_accuracy")) == "ring ends 10 pt higher in mean accuracy"


def test_without_a_ratio_there_are_units():
    assert effect("ring", difference([10, 20], [0, 10])) == "ring is 10 s higher in time to target (10 to 10)"
    own = Difference(
        measure=Measure(field=GOAL, unit="", text="objective"),
        pairs=tuple(Pair(own=Figure(value=a), first=Figure(value=b)) for a, b in ((-3, -1), (-4, -2))),
    )
    assert effect("ring", own) == "ring ends 2 lower in objective (2 to 2)"


@pytest.mark.parametrize(
    ("own", "first", "state", "words"),
    [
        ([], [], "nothing to compare", "energy: nothing to compare"),
        ([1, math.nan, 3], [1, 2, 3], "diverged", "energy: not finite with 1 of 3 seeds"),
        ([1, 2, 3], [1, 2, 3], "the same", "ring has the same energy as star with every seed"),
        ([1, 2], [2, 4], "too few seeds", f"ring ends with 0.5 x the energy (0.5 to 0.5): {FEW}"),
        ([1], [2], "too few seeds", f"ring ends with 0.5 x the energy: {FEW}"),
    ],
)  # fmt: skip
def test_cases_without_a_verdict(own, first, state, words):
    found = verdict(own, first, "energy_j")
    assert (found.state, found.words) == (state, words)


def test_nobody_reached_the_target():
    found = verdict([">60"] * 3, [">60"] * 3)
    assert found.state == "never reached"
    assert found.words == "time to target: neither ring nor star reached the target"


def test_seeds_of_which_some_reached_the_target_in_neither_are_ties():
    found = verdict([">60", ">60", ">60"], [">60", 20, ">60"])
    assert found.state == "cannot tell"
    assert found.difference.differences == [0, 40, 0]


def test_reaching_is_told_by_seeds_that_one_of_them_reached_alone():
    found = Reaching.of([True, True, False, False], [True, False, True, True])
    assert (found.only_own, found.only_first) == (1, 2)
    assert (found.own, found.first) == (Share(count=2, of=4), Share(count=3, of=4))
    assert found.p == 1.0
    assert found.state == "cannot tell"
    assert found.words("ring", "star") == "ring reaches the target with 2 of 4 seeds, star with 3 of 4: cannot tell"
    assert Reaching.of([True] * 4, [True] * 4).state == "the same"


@pytest.mark.parametrize(
    ("value", "text"), [(1.8049, "1.8"), (0.0123456, "0.0123"), (123.4, "123"), (12345.0, "12,300"), (2e12, "2e+12")]
)
def test_numbers_have_three_digits(value, text):
    assert digits(value) == text
