import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.study.goal import Goal
from fedsim.study.outcome import MEASURES
from fedsim.study.share import Share

MEASURE = {measure.field: measure for measure in MEASURES}
TIME = MEASURE["time_to_target_s"]


def until(time_s, end=0.95):
    """A curve that reaches its end at a time, and stays there until the horizon."""
    return [(0.0, 0.1), (time_s, end), (60.0, end)]


NEVER = [(0.0, 0.1), (60.0, 0.5)]


@pytest.fixture
def two(make_comparison):
    return make_comparison({"star": [until(10.0), until(20.0), until(30.0)], "ring": [until(14.0), NEVER, until(36.0)]})


def test_typical_figures_stand_side_by_side(two):
    table = two.table().set_index("scenario")
    assert table["seeds"].tolist() == [3, 3]
    assert table["reached"].tolist() == [3, 2]
    assert table["reached_low"].tolist() == pytest.approx([0.4385, 0.2077], abs=5e-5)
    assert table["time_to_target_s"].tolist() == [20.0, 36.0]
    assert table.loc["ring", "mean_accuracy"] == pytest.approx((0.95 + 0.5 + 0.95) / 3)


def test_a_scenario_that_mostly_fails_is_infinitely_far(make_comparison):
    found = make_comparison({"star": [until(10.0), NEVER, NEVER]})
    assert found.reached("star") == 1
    assert found.typical("star", TIME) == math.inf


def test_differences_are_paired_by_seed_and_count_who_never_got_there(two):
    found = two.difference("ring", TIME)
    assert found.differences == [4.0, 40.0, 6.0]  # with seed 2 the ring was watched for 60 s in vain
    assert (found.among_complete.mean, found.among_complete.pairs) == (5.0, 2)
    assert found.among_complete.low == pytest.approx(5 - 12.706204736 * 1.0)
    assert two.difference("ring", MEASURE["rounds"]).interval.pairs == 3


def test_time_is_counted_up_to_the_horizon_also_where_nothing_could_go_on(make_comparison):
    found = make_comparison({"star": [until(10.0)], "ring": [[(0.0, 0.1), (20.0, 0.5)]]})
    assert found.difference("ring", TIME).differences == [50.0]


def test_a_run_that_failed_cheaply_saved_nothing(make_comparison):
    """The ring stops working after a round of 10 J; the star needs two rounds, and gets there."""
    star = [(0.0, 0.1), (10.0, 0.5), (20.0, 0.95), (60.0, 0.95)]
    found = make_comparison({"star": [star], "ring": [[(0.0, 0.1), (20.0, 0.5)]]})
    energy = found.difference("ring", MEASURE["energy_to_target_j"])
    assert energy.pairs[0].own.value < energy.pairs[0].first.value
    assert (energy.differences, energy.more) == ([0.0], 1)


def test_a_figure_that_a_run_lacks_is_not_compared_at_all(make_comparison, make_result):
    whole, stopped = [until(10.0)] * 3, [[(0.0, 0.1), (10.0, 0.95)]] * 3
    found = make_comparison({"star": whole, "ring": whole})
    cut = tuple(make_result(rows, seed=i, stopped_because="target reached") for i, rows in enumerate(stopped, 1))
    found = replace(found, results={**found.results, "ring": (*found.results["ring"][:2], cut[2])})
    assert found.difference("ring", MEASURE["mean_accuracy"]).pairs == ()
    assert found.verdict("ring", MEASURE["mean_accuracy"]).state == "nothing to compare"
    assert found.runs()["whole"].tolist() == [True] * 5 + [False]
    assert found.difference("ring", TIME).differences == [0.0, 0.0, 0.0]


def test_timing_runs_have_neither_target_nor_quality(make_comparison, make_result):
    found = make_comparison({"star": [until(10.0)] * 3, "ring": [until(10.0)] * 3})
    timing = tuple(make_result(until(10.0), seed=seed, learned=False) for seed in (1, 2, 3))
    found = replace(found, results={**found.results, "ring": timing})
    for field in ("time_to_target_s", "energy_to_target_j", "mean_accuracy"):
        assert found.verdict("ring", MEASURE[field]).state == "nothing to compare"
    assert found.verdict("ring", MEASURE["energy_j"]).state == "the same"


def test_nobody_gets_there(make_comparison):
    found = make_comparison({"star": [NEVER] * 4, "ring": [NEVER] * 4})
    assert found.verdict("ring", TIME).state == "never reached"
    assert found.reaching("ring").state == "the same"
    assert found.reached_share("star") == Share(count=0, of=4)
    row = found.differences().set_index("measure").loc["time_to_target_s"]
    assert (row["pairs"], row["both"], row["mean"]) == (4, 0, 0.0)
    assert math.isnan(row["both_mean"])


def test_one_seed_gives_a_difference_and_no_interval(make_comparison):
    found = make_comparison({"star": [until(10.0)], "ring": [until(14.0)]})
    interval = found.difference("ring", TIME).interval
    assert (interval.mean, interval.low, interval.high) == (4.0, None, None)
    assert found.verdict("ring", TIME).state == "too few seeds"
    assert found.reaching("ring").state == "too few seeds"


def test_differences_has_a_row_for_each_other_scenario_and_figure(two):
    rows = two.differences()
    assert set(rows["scenario"]) == {"ring"}
    assert set(rows["less"]) == {"star"}
    assert rows["measure"].tolist() == list(MEASURE)
    time = rows.set_index("measure").loc["time_to_target_s"]
    assert (time["pairs"], time["both"], time["both_mean"]) == (3, 2, 5.0)
    assert time["factor"] == pytest.approx((1.4 * 3 * 1.2) ** (1 / 3))
    assert time["low"] < time["mean"] < time["high"]


def test_verdicts_has_who_reached_it_and_every_figure(two):
    rows = two.verdicts().set_index("measure")
    assert rows.index.tolist() == ["reached", *MEASURE]
    assert rows.loc["reached", ["less", "more", "p"]].tolist() == [1, 0, 1.0]
    assert rows.loc["time_to_target_s", ["less", "more", "sign_p"]].tolist() == [0, 3, 0.25]
    assert rows.loc["time_to_target_s", "verdict"] == "cannot tell"
    assert rows.loc["time_to_target_s", "words"].startswith(
        "ring is at least 1.71 x slower to the target (0.507 to 5.8)"
    )


def test_verdicts_are_corrected_for_the_number_of_scenarios(make_comparison):
    """Ten, eleven and twelve seconds more are told apart alone, and no longer among six scenarios that are alike."""
    star, ring = ([until(base + step * i) for i in range(3)] for base, step in ((10.0, 2.0), (13.0, 3.0)))
    alone = make_comparison({"star": star, "ring": ring}).verdict("ring", TIME)
    others = {f"ring-{i}": ring for i in range(6)}
    among = make_comparison({"star": star, "ring": ring, **others}).verdict("ring", TIME)
    assert among.difference.p == alone.difference.p == alone.p
    assert among.p == pytest.approx(7 * alone.p)
    assert (alone.state, among.state) == ("real", "cannot tell")


def test_who_reaches_the_target_is_corrected_too(make_comparison):
    curves = {"star": [until(10.0)] * 6, "ring": [NEVER] * 6, "tree": [NEVER] * 6}
    found = make_comparison(curves)
    assert (found.reaching("ring").p, found.reaching("ring").p_holm) == (0.03125, 0.0625)
    assert found.reaching("ring").state == "cannot tell"
    del curves["tree"]
    assert make_comparison(curves).reaching("ring").state == "real"
    assert make_comparison(curves).verdict("ring", TIME).state == "real"


def test_a_falling_metric_is_compared_as_well(make_comparison):
    found = make_comparison({"star": [until(10.0)] * 3, "ring": [until(20.0)] * 3})
    for results in found.results.values():
        for result in results:
            result.curve["gap"] = 1 - result.curve["mean_accuracy"]
    found = replace(found, goal=Goal(metric="gap", target=0.2, falls=True))
    assert found.reached("star") == 3
    assert found.difference("ring", TIME).differences == [10.0] * 3
    assert found.verdict("ring", next(m for m in found.measures if m.field == "goal_metric")).state == "the same"


def test_runs_has_a_row_for_each_run(two):
    runs = two.runs()
    assert runs[["scenario", "seed"]].to_numpy().tolist() == [
        [name, seed] for name in ("star", "ring") for seed in (1, 2, 3)
    ]
    assert runs["time_to_target_s"].isna().tolist() == [False] * 4 + [True, False]


def test_the_target_and_the_metric_are_those_of_the_comparison(make_comparison):
    curves = {"star": [until(10.0, end=0.8)]}
    assert make_comparison(curves).reached("star") == 0
    assert make_comparison(curves, target=0.8).reached("star") == 1
    assert make_comparison(curves, target=0.4, metric="worst_tenth").reached("star") == 1
    assert make_comparison(curves, target=0.5, metric="worst_tenth").reached("star") == 0


CURVES = st.lists(
    st.tuples(st.floats(0, 60, allow_subnormal=False), st.one_of(st.floats(0, 1), st.just(math.nan))),
    min_size=1,
    max_size=4,
).map(lambda rows: [(0.0, 0.1), *sorted(rows, key=lambda row: row[0])])


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CURVES, min_size=n, max_size=n), min_size=1, max_size=4)))
@settings(deadline=None, max_examples=15)
def test_whatever_runs_came_to_there_is_something_to_say(make_comparison, curves):
    """Nothing fails, nobody's runs are forgotten, and what is real is so on both scales."""
    found = make_comparison({f"s{i}": of_seed for i, of_seed in enumerate(curves)})
    assert len(found.figures()) == len(found.names) * (1 + len(MEASURE))
    assert str(found)
    assert found._repr_html_()
    for name in found.names[1:]:
        for measure in found.measures:
            verdict = found.verdict(name, measure)
            assert len(verdict.difference.pairs) == len(found.seeds)
            if verdict.state == "real":
                interval, factor = verdict.difference.interval, verdict.difference.factor
                assert interval.low > 0 or interval.high < 0
                assert factor is None or factor.low > 1 or factor.high < 1
