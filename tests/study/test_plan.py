from pathlib import Path

import numpy as np
import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.scenario import load
from fedsim.study.plan import read_plan
from fedsim.study.run import simulate

RING = {
    "extends": "tiny.yaml",
    "name": "ring",
    "learner": {"name": "d-psgd", "step_size": 0.5},
    "protocol": {"name": "synchronous-gossip", "overlay": "ring"},
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    Path("studies").mkdir()
    Path("studies/tiny.yaml").write_text(yaml.safe_dump({**tiny, "stop": {"target": "80 %", "time": "4 s"}}))
    Path("studies/ring.yaml").write_text(yaml.safe_dump(RING))


def planned(**words):
    Path("studies/study.yaml").write_text(yaml.safe_dump({"name": "study", **words}, sort_keys=False))
    return read_plan("studies/study.yaml")


def refused(**words):
    with pytest.raises(ScenarioError) as caught:
        planned(**words)
    return str(caught.value).splitlines()


def labels(plan):
    return [point.label for point in plan.points]


def test_lists_are_crossed_and_the_last_varies_fastest():
    plan = planned(scenario="tiny.yaml", vary={"protocol.cohort": [1, 2], "learner.step_size": [0.1, 0.5]}, seeds=3)
    assert labels(plan) == [
        "cohort-1-step_size-0.1",
        "cohort-1-step_size-0.5",
        "cohort-2-step_size-0.1",
        "cohort-2-step_size-0.5",
    ]
    assert plan.seeds == (1, 2, 3)  # from the scenario's own on
    assert plan.run_count == 12
    assert plan.points[1].scenario.protocol.value.cohort == 1
    assert plan.points[1].scenario.learner.value.solver.step_size == 0.5


def test_every_point_runs_with_a_seed_before_any_runs_with_the_next():
    plan = planned(scenario="tiny.yaml", vary={"protocol.cohort": [1, 2]}, seeds=[7, 3])
    assert [run.name for run in plan.runs] == [
        "cohort-1-seed-7", "cohort-2-seed-7", "cohort-1-seed-3", "cohort-2-seed-3",
    ]  # fmt: skip


def test_samples_are_crossed_with_lists_and_with_scenarios():
    plan = planned(
        scenarios=["tiny.yaml", {"label": "many", "file": "tiny.yaml", "set": {"fleet.phones.count": 8}}],
        vary={"protocol.deadline": {"uniform": ["1 s", "9 s"]}, "protocol.cohort": [1, 2]},
        sample={"latin_hypercube": 4},
        seeds=1,
    )
    assert len(plan.points) == 2 * 2 * 4
    deadlines_s = sorted({point.scenario.protocol.value.deadline_s for point in plan.points})
    assert [int((deadline_s - 1) / 2) for deadline_s in deadlines_s] == [0, 1, 2, 3]
    assert plan.points[-1].scenario.fleet[0].count == 8
    assert {point.settings["scenario"] for point in plan.points} == {"tiny", "many"}


def test_whole_blocks_topologies_and_links_vary():
    Path("studies/near.yaml").write_text(yaml.safe_dump({
        "name": "near", "nodes": {"server": {"kind": "server"}, "cell": {"kind": "cell"}},
        "links": [{"from": "server", "to": "cell", "capacity": "1 Gbit/s", "delay": "1 ms"}],
    }))  # fmt: skip
    plan = planned(
        scenario="tiny.yaml",
        vary={
            "topology": ["near.yaml"],
            "fleet.phones.link": ["3g", "wifi"],
            "learner": ["fedsgd", {"name": "fedavg", "epochs": 2}],
        },
    )
    assert labels(plan) == [
        "near-link-3g-fedsgd",
        "near-link-3g-fedavg",
        "near-link-wifi-fedsgd",
        "near-link-wifi-fedavg",
    ]
    assert plan.points[0].scenario.topology.name == "near"
    assert plan.points[0].scenario.fleet[0].down_bps != plan.points[2].scenario.fleet[0].down_bps


def test_settings_are_made_in_turn_the_studys_first():
    plan = planned(
        set={"protocol.cohort": 1, "learner.epochs": 2, "learner.step_size": 0.1},
        scenarios=[{"label": "a", "file": "tiny.yaml", "set": {"learner.epochs": 3, "protocol.cohort": 3}}],
        vary={"protocol.cohort": [4]},
    )
    [point] = plan.points
    assert point.scenario.learner.value.solver.step_size == 0.1
    assert point.scenario.learner.value.solver.epochs == 3
    assert point.scenario.protocol.value.cohort == 4


def test_the_mistakes_of_all_points_are_said_at_once_with_their_names():
    lines = refused(
        scenarios=["tiny.yaml", "ring.yaml"],
        set={"learner.step_siz": 0.1},
        vary={"protocol.deadline": ["3 s", "-5 s"], "fleet.phonse.count": [4]},
    )
    assert [line for line in lines if "set.learner.step_siz" in line and "did you mean 'step_size'" in line]
    [strange] = [line for line in lines if "deadline' is not a known key" in line]
    assert strange.startswith("studies/study.yaml: vary.protocol.deadline: protocol.deadline: ")
    assert strange.endswith("(points ring-deadline-3s-count-4, ring-deadline-minus5s-count-4)")
    [negative] = [line for line in lines if "must be > 0" in line]
    assert negative.endswith("(point tiny-deadline-minus5s-count-4)")
    [group] = [line for line in lines if "phonse" in line]
    assert "did you mean 'phones'?" in group
    assert group.endswith("(in all 4 points)")


def test_a_missing_scenario_is_a_mistake_like_others():
    [line] = refused(scenarios=["tiny.yaml", "tinny.yaml"], vary={"protocol.cohort": [1, 2]})
    assert line == (
        "studies/tinny.yaml: no such file; did you mean 'studies/tiny.yaml'? "
        "(points tinny-cohort-1, tinny-cohort-2)"
    )  # fmt: skip


def test_points_that_are_the_same_scenario_are_refused():
    [line] = refused(scenario="tiny.yaml", vary={"protocol.deadline": ["3 s", "3000 ms"]})
    assert line == "studies/study.yaml: points 'deadline-3s' and 'deadline-3000ms' are the same scenario: leave one out"


def test_on_equal_terms_all_go_on_to_the_smallest_horizon_at_the_same_instants():
    settings = {"stop.time": "9 s", "stop.rounds": 3, "protocol.cohort": 3}
    plan = planned(scenarios=["tiny.yaml", {"label": "long", "file": "tiny.yaml", "set": settings}])
    assert plan.horizon_s == 4.0
    assert {
        (point.scenario.stop.time_s, point.scenario.stop.rounds, point.scenario.stop.target) for point in plan.points
    } == {(4.0, None, None)}
    assert (plan.goal.metric, plan.goal.target) == ("accuracy", 0.8)


def test_on_their_own_terms_they_stop_as_they_say():
    plan = planned(scenario="tiny.yaml", terms="own", vary={"stop.rounds": [2, 3]}, target="70 %", metric="worst_tenth")
    assert plan.horizon_s is None
    assert [point.scenario.stop.rounds for point in plan.points] == [2, 3]
    assert (plan.goal.metric, plan.goal.target) == ("worst_tenth", 0.7)
    assert simulate(next(plan.runs).scenario).summary.rounds <= 2


def test_without_a_horizon_or_a_target_there_are_no_equal_terms():
    assert (
        "none of tiny, tiny has a stop.time"
        in refused(scenario="tiny.yaml", set={"stop.time": None, "stop.rounds": 3}, vary={"protocol.cohort": [1, 2]})[0]
    )
    assert "a target is needed" in refused(scenario="tiny.yaml", set={"stop.target": None})[0]
    assert planned(scenario="tiny.yaml", set={"stop.target": None}, terms="own").goal.target is None


def test_metric_and_target_are_checked():
    assert "'mean_acuracy' is not a known metric" in refused(scenario="tiny.yaml", metric="mean_acuracy")[0]
    assert "target must be above 0 %" in refused(scenario="tiny.yaml", target="170 %")[0]


def test_a_fingerprint_is_that_of_the_scenario_whatever_the_point_is_called():
    one = planned(scenario="tiny.yaml", vary={"protocol.cohort": [1, 2]}).points
    other = planned(scenarios=[{"label": "small", "file": "tiny.yaml", "set": {"protocol.cohort": 1}}]).points
    assert one[0].fingerprint == other[0].fingerprint != one[1].fingerprint


def test_a_mapping_has_its_paths_from_the_working_folder():
    plan = read_plan({"name": "study", "scenario": "studies/tiny.yaml", "vary": {"protocol.cohort": [1, 2]}})
    assert labels(plan) == ["cohort-1", "cohort-2"]
    assert plan.points[0].scenario.name == load("studies/tiny.yaml").name


def test_a_mapping_may_hold_what_arrays_hold():
    words = {"name": "study", "scenario": "studies/tiny.yaml", "seeds": (3, 4)}
    plan = read_plan(
        {**words, "vary": {"learner.step_size": np.linspace(0.1, 0.5, 3), "protocol.cohort": [np.int64(2)]}}
    )
    assert labels(plan) == ["step_size-0.1-cohort-2", "step_size-0.3-cohort-2", "step_size-0.5-cohort-2"]
    assert plan.seeds == (3, 4)
