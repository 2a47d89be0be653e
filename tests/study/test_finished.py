import json

import pytest

from fedsim.errors import FedsimError
from fedsim.study.finished import compare_folders, compare_results, with_goal
from fedsim.study.folder import write, write_run

CURVE = [(0.0, 0.1), (10.0, 0.95), (60.0, 0.95)]
SLOW = [(0.0, 0.1), (40.0, 0.95), (60.0, 0.95)]


@pytest.fixture
def seeds_folder(make_result, tmp_path):
    """What many seeds of a scenario leave behind."""

    def make(name, rows, seeds, place=None):
        folder = tmp_path / (place or name)
        for seed in seeds:
            inside = folder / "runs" / f"{name}-seed-{seed}"
            inside.mkdir(parents=True)
            write_run(make_result(rows, name=name, seed=seed), inside)
        words = {"format": 1, "kind": "seeds", "name": name, "seeds": list(seeds)}
        (folder / "summary.json").write_text(json.dumps(words))
        return folder

    return make


def runs(make_result, name="star", rows=CURVE, seeds=(1, 2, 3), **changes):
    return [make_result(rows, name=name, seed=seed, **changes) for seed in seeds]


def test_folders_of_many_seeds_are_paired(seeds_folder):
    found = compare_folders([seeds_folder("star", CURVE, [1, 2]), seeds_folder("ring", SLOW, [2, 1])])
    assert (found.names, found.seeds, found.horizon_s) == (("star", "ring"), (1, 2), 60.0)
    assert (found.metric, found.target) == ("mean_accuracy", 0.9)
    assert found.difference("ring", found.measures[0]).differences == [30.0] * 2
    assert found.notes == ("evaluated at different times: who is looked at more often may reach a target earlier",)


def test_runs_that_were_looked_at_together_need_no_note(make_result):
    assert compare_results({"a": runs(make_result), "b": runs(make_result)}).notes == ()
    stopped = runs(make_result, rows=CURVE[:2], stopped_because="target reached")
    assert compare_results({"a": runs(make_result), "b": stopped}).notes == ()
    older = runs(make_result, version="1.0.0")
    assert compare_results({"a": runs(make_result), "b": older}).notes == ("computed by fedsim 1.0.0, 1.2.3",)


def test_scenarios_of_one_name_are_called_by_their_folders(seeds_folder, tmp_path):
    one, other = (seeds_folder("star", CURVE, [1], place) for place in ("wifi", "lte"))
    assert compare_folders([one, other]).names == ("wifi", "lte")
    deeper = seeds_folder("star", CURVE, [1], "deep/lte")
    assert compare_folders([other, deeper]).names == (str(other), str(deeper))
    with pytest.raises(FedsimError, match="a folder is named twice"):
        compare_folders([one, one])


def test_metric_and_target_can_be_given(make_result):
    found = compare_results({"a": runs(make_result)}, metric="worst_tenth", target=0.4)
    assert (found.metric, found.target, found.reached("a")) == ("worst_tenth", 0.4, 3)


def test_runs_that_stopped_at_the_target_are_compared_up_to_it(make_result):
    stopped = runs(make_result, "ring", SLOW[:2], stopped_because="target reached")
    found = compare_results({"star": runs(make_result), "ring": stopped})
    assert found.difference("ring", found.measures[0]).differences == [30.0] * 3
    assert {found.verdict("ring", m).state for m in found.measures if not m.is_to_target} == {"nothing to compare"}


def test_runs_that_stopped_for_another_reason_are_refused(make_result):
    stopped = runs(make_result, "ring", [(0.0, 0.1), (31.0, 0.5)], stopped_because="rounds are over")
    with pytest.raises(FedsimError) as refused:
        compare_results({"star": runs(make_result), "ring": stopped})
    lines = str(refused.value).splitlines()
    assert lines[0] == (
        "ring, seed 1: was stopped after 31 s of 60 s (rounds are over) without reaching mean_accuracy of 0.9"
    )
    assert len(lines) == 4
    assert lines[-1] == "let these runs go on, or compare the scenario files"


def test_a_target_that_a_stopped_run_did_not_aim_at_is_refused(make_result):
    stopped = runs(make_result, "ring", SLOW[:2], stopped_because="target reached")
    with pytest.raises(FedsimError, match=r"without reaching mean_accuracy of 0\.99"):
        compare_results({"ring": stopped}, target=0.99)


def test_seeds_must_be_the_same(make_result):
    with pytest.raises(FedsimError, match="seed by seed: star has seeds 1, 2, 3, ring has 1, 2, 4"):
        compare_results({"star": runs(make_result), "ring": runs(make_result, seeds=(1, 2, 4))})
    with pytest.raises(FedsimError, match=r"star: seeds must be different, and at least one, got \[1, 1\]"):
        compare_results({"star": runs(make_result, seeds=(1, 1))})
    with pytest.raises(FedsimError, match="there are no results"):
        compare_results({})


def test_horizons_must_be_the_same(make_result):
    longer = [_with_time(result, 90.0) for result in runs(make_result)]
    with pytest.raises(FedsimError, match=r"same stop\.time, in seconds: star has 60\.0; ring has 90\.0"):
        compare_results({"star": runs(make_result), "ring": longer})
    endless = [_with_time(result, None) for result in runs(make_result)]
    with pytest.raises(FedsimError, match=r"same stop\.time, in seconds: star has None"):
        compare_results({"star": endless})


def _with_time(result, time_s):
    from dataclasses import replace

    stop = result.scenario.stop.model_copy(update={"time_s": time_s})
    return replace(result, scenario=result.scenario.model_copy(update={"stop": stop}))


def test_a_metric_must_have_been_evaluated(make_result):
    with pytest.raises(FedsimError, match="tiny: 'acuracy' is not a known metric"):
        compare_results({"tiny": runs(make_result, "tiny")}, metric="acuracy", target=0.5)
    with pytest.raises(FedsimError, match="tiny did not evaluate objective"):
        compare_results({"tiny": runs(make_result, "tiny")}, metric="objective", target=0.5)


def test_timing_runs_need_no_target(make_result):
    found = compare_results({"a": runs(make_result, learned=False), "b": runs(make_result, learned=False)})
    assert (found.target, found.learned) == (None, False)


def test_a_comparison_is_judged_anew(make_comparison):
    found = make_comparison({"star": [CURVE], "ring": [SLOW]})
    assert with_goal(found, None, None) is found
    assert with_goal(found, None, 0.5).target == 0.5
    other = with_goal(found, "worst_tenth", None)
    assert (other.metric, other.target) == ("worst_tenth", 0.9)
    assert with_goal(found, "mean_accuracy", None).target == 0.9


def test_what_holds_no_runs_of_its_own_is_refused(make_comparison, tmp_path, make_result):
    (tmp_path / "summary.json").write_text(json.dumps({"format": 1, "kind": "sweep"}))
    alone = write(make_result(CURVE), tmp_path / "alone")
    with pytest.raises(FedsimError, match="holds a sweep, which cannot be compared"):
        compare_folders([alone, tmp_path])
    (tmp_path / "summary.json").write_text(json.dumps({"format": 1, "kind": "comparison"}))
    with pytest.raises(FedsimError, match="holds a comparison, which cannot be compared with others"):
        compare_folders([alone, tmp_path])
