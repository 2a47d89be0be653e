"""What if? Single changes over several seeds, ranked by what they gain."""

import json
from dataclasses import dataclass

import pandas as pd
import pytest
from matplotlib.figure import Figure

import fedsim
from fedsim.errors import FedsimError
from fedsim.scenario import Scenario, check, load
from fedsim.study.changes.change import DoesNotApplyError
from fedsim.study.gains import AS_IT_IS
from fedsim.study.interval import Interval
from fedsim.study.reading import kind_of, read_result
from fedsim.study.run import run
from fedsim.study.whatif import whatif
from fedsim.study.whatif_folder import write_whatif

CLOSED = {
    "name": "closed",
    "seed": 1,
    "topology": {
        "name": "wire",
        "nodes": {"server": {"kind": "server"}, "hub": {"kind": "router"}},
        "links": [{"from": "server", "to": "hub", "capacity": "32 kbit/s", "delay": "0 s"}],
    },
    "network": {"transport": "ideal"},
    "server": {"at": "server", "service": "1 ns"},
    "fleet": [
        {
            "name": "phones",
            "count": 8,
            "device": "phone-mid",
            "link": "ethernet",
            "at": "hub",
            "up": "4 kbit/s",
            "down": "8 kbit/s",
            "rtt": "0 s",
            "speed": "1e18 FLOP/s",
            "step_overhead": "2 s",
        }
    ],
    "data": {"name": "counts", "examples": 10, "features": 49, "classes": 10},
    "model": "softmax",
    "learner": {"name": "fedavg", "batch_size": 10},
    "protocol": {"name": "synchronous-rounds", "cohort": 8},
    "stop": {"rounds": 2, "time": "200 s"},
}
"""Two rounds of 4 s down, 2 s of computing, 4 s up: 20 s."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Within:
    """Another bound on time: a change of one's own. With the seed 2 it is refused, if so wanted."""

    name: str
    time_s: float
    refuses: bool = False
    text: str = "runs are over after so long"
    alters_rounds: bool = False

    def changed(self, scenario: Scenario) -> Scenario:
        if self.refuses and scenario.seed == 2:
            raise DoesNotApplyError("not with that seed")
        return scenario.model_copy(update={"stop": scenario.stop.model_copy(update={"time_s": self.time_s})})


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """A scenario that is checked and cannot run: there are more devices than examples."""

    name: str = "broken"
    text: str = "too many devices"
    alters_rounds: bool = False

    def changed(self, scenario: Scenario) -> Scenario:
        group = scenario.fleet[0].model_copy(update={"count": 5000})
        return scenario.model_copy(update={"fleet": (group,)})


@pytest.fixture(scope="module")
def found():
    names = ["server-line-x2", "half-message", "faster-devices", "no-failures", "cohort-half", "ring"]
    return whatif(check(CLOSED), seeds=[1, 2], changes=names)


def test_changes_are_ranked_by_what_they_gain(found):
    """Of 20 s: half the message saves 8 s, a line twice as wide 4 s, on the way down, devices twice as fast 2 s."""
    gains = found.gains()
    assert list(gains) == ["half-message", "server-line-x2", "faster-devices"]
    assert [gain.interval.mean for gain in gains.values()] == pytest.approx([8.0, 4.0, 2.0])
    assert [gain.mean for gain in gains.values()] == pytest.approx([12.0, 16.0, 18.0])
    assert [gain.ratio for gain in gains.values()] == pytest.approx([20 / 12, 20 / 16, 20 / 18])
    assert all(gain.is_real for gain in gains.values())  # the same with every seed


def test_what_does_not_apply_has_its_reason(found):
    rounds = "runs are over after so many rounds, and these would be others: give a stop.target"
    assert found.refused == {"no-failures": "nothing fails", "cohort-half": rounds, "ring": rounds}


def test_the_table_begins_with_the_scenario_as_it_is(found):
    table = found.table()
    assert table["change"].tolist() == [AS_IT_IS, "half-message", "server-line-x2", "faster-devices"]
    assert table["reached"].tolist() == [2, 2, 2, 2]
    assert table["time_s"].tolist() == pytest.approx([20.0, 12.0, 16.0, 18.0])
    assert table["gain_time_s"].iloc[1:].tolist() == pytest.approx([8.0, 4.0, 2.0])
    assert table["gain_bytes"].iloc[1:].tolist() == pytest.approx([32_000.0, 0.0, 0.0])
    assert "half-message" in found._repr_html_()
    assert len(found.runs()) == 8


def test_bytes_rank_otherwise(found):
    assert next(iter(found.gains("bytes"))) == "half-message"
    assert found.gains("bytes")["server-line-x2"].interval == Interval(mean=0.0, low=0.0, high=0.0, pairs=2, p=1.0)


def test_who_never_gets_there_counts_with_the_horizon():
    """In 15 s the two rounds are not over: 200 s instead of 20 s, a loss of 180 s."""
    found = whatif(check(CLOSED), seeds=[1, 2], changes=[Within(name="soon", time_s=15.0)])
    gain = found.gains()["soon"]
    assert (found.reached("soon"), found.reached(AS_IT_IS)) == (0, 2)
    assert (gain.mean, gain.interval.mean) == pytest.approx((200.0, -180.0))


def test_who_never_gets_there_saves_nothing():
    """It spent less by the end of its time, and that is no factor to be had."""
    found = whatif(check(CLOSED), seeds=[1, 2], changes=[Within(name="soon", time_s=15.0)])
    gain, spent_j = found.gains("energy")["soon"], found.figures(AS_IT_IS, "energy")[0].value
    assert gain.mean < spent_j
    assert (gain.interval.mean, gain.ratio) == (0.0, 1.0)
    assert found.gains("time")["soon"].ratio == pytest.approx(20 / 200)


@pytest.mark.parametrize("bound", [{"plateau": {"evaluations": 2}}, {"energy": "1 J"}])
def test_no_plateau_and_no_energy_ends_a_run_before_its_goal(tiny, bound):
    """At 400 instants two evaluations without progress are soon there: rounds take longer than that."""
    stop = {"target": "80 %", "time": "20 s"}
    free, bounded = (
        whatif(check({**tiny, "stop": one}), seeds=[1, 2], changes=["cohort-x2"]) for one in (stop, {**stop, **bound})
    )
    assert (bounded.reached(AS_IT_IS), bounded.reached("cohort-x2")) == (2, 2)
    pd.testing.assert_frame_equal(bounded.table(), free.table())


def test_a_change_that_fails_with_one_seed_is_refused_as_a_whole(tiny):
    never = Within(name="never", time_s=15.0, refuses=True)
    scenario = check({**tiny, "stop": {"target": "50 %", "time": "10 s"}})
    found = whatif(scenario, seeds=[1, 2], changes=[never, Broken()])
    assert found.refused["never"] == "not with that seed"
    assert "5000 devices" in found.refused["broken"]
    assert list(found.results) == [AS_IT_IS]


def test_every_run_is_what_it_would_be_alone(tiny):
    """To the target, at 400 instants, with its seed."""
    scenario = check({**tiny, "stop": {"metric": "accuracy", "target": "50 %", "time": "10 s", "rounds": 1}})
    found = whatif(scenario, seeds=[3], changes=["cohort-x2"])
    evaluate = {"every_rounds": None, "every": 10 / 400}
    stop = {"metric": "accuracy", "target": "50 %", "time": "10 s"}
    protocol = {"name": "synchronous-rounds", "cohort": 4}
    alone = run(check({**tiny, "seed": 3, "stop": stop, "evaluate": evaluate, "protocol": protocol}))
    pd.testing.assert_frame_equal(alone.curve, found.results["cohort-x2"][0].curve)
    assert found.figures("cohort-x2", "time")[0].value == alone.summary.time_to_target_s
    assert found.gains()["cohort-x2"].is_real is None  # one seed cannot tell


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"stop": {"rounds": 3}}, {}, r"'tiny' has no stop.time"),
        ({"stop": {"time": "3 s"}}, {}, r"nothing to get to: give it a stop.target"),
        ({}, {"by": "money"}, r"'money' is not a known way to rank.*known: time, energy, bytes"),
        ({}, {"seeds": [1, 1]}, r"seeds must be different"),
        ({}, {"changes": ["wfi"]}, r"'wfi' is not a known change.*did you mean 'wifi'"),
        ({}, {"changes": ["wifi", "wifi"]}, r"names of their own"),
    ],
)
def test_what_cannot_be_asked(tiny, changes, options, message):
    with pytest.raises(FedsimError, match=message):
        whatif(check({**tiny, **changes}), **options)


def test_its_folder(found, tmp_path):
    folder = write_whatif(found, tmp_path / "found")
    assert kind_of(folder) == "whatif"
    words = json.loads((folder / "summary.json").read_text())
    assert words["refused"]["no-failures"] == "nothing fails"
    assert words["table"][0]["gain_time_s"] is None
    assert words["table"][1]["gain_time_s"] == pytest.approx(8.0)
    assert pd.read_csv(folder / "table.csv")["change"].tolist() == found.table()["change"].tolist()
    assert len(pd.read_csv(folder / "runs.csv")) == 8
    assert (folder / "gains.png").stat().st_size > 1000
    again = read_result(folder / "runs" / "half-message-seed-2")
    assert again.scenario.compression.up is not None


def test_its_picture(found):
    ax = found.plot()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["half-message", "server-line-x2", "faster-devices"]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([8.0, 4.0, 2.0])
    other = Figure().add_subplot()
    assert found.plot(other) is other


def test_quickstart_has_an_answer_for_every_change():
    """One seed, and a target that is near: every change of the list applies to this scenario."""
    scenario = load("scenarios/quickstart.yaml", {"stop.target": "30 %", "stop.time": "20 s"})
    found = fedsim.whatif(scenario, seeds=[22], by="energy")
    assert found.refused == {}
    assert len(found.gains()) == 15
    assert found.reached(AS_IT_IS) == 1


def test_a_mapping_will_do_and_single_keys_may_be_changed_first():
    """Two rounds take 20 s, one of them half of that."""
    found = whatif(CLOSED, seeds=[1], overrides={"stop.rounds": 1}, changes=["faster-devices"])
    assert [figure.value for figure in found.figures(AS_IT_IS, "time")] == pytest.approx([10.0], rel=1e-3)
    assert repr(found) == "WhatIf('closed': 1 changes x 1 seeds, 0 do not apply)"
