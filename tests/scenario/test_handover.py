"""Handovers and outages in words: what they become, what is refused, and that they load back equal."""

import math

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.scenario.load import check, load, resolved
from fedsim.scenario.roams import make_outage, make_roams
from fedsim.system.course import Fades
from fedsim.system.handover import ByLaw, ByTimetable
from fedsim.system.law import Constant, Exponential, Lognormal, Uniform
from fedsim.system.outage import Schedule
from fedsim.system.presence import Crashes
from fedsim.system.profiles import load_profiles

OTHER = {"link": "4g", "at": "cell-b"}
BY_LAW = {"to": [OTHER], "stay": {"exponential": {"mean": "2 h"}}, "away": "30 min"}
STOPS = [{"from": "8 h", "link": "4g"}, {"from": "18 h", "link": "wifi"}]


def checked(words, catalogue, handover=None, outages=None):
    words["fleet"][1]["handover"] = handover
    if outages is not None:
        words["outages"] = outages
    return check(words, catalogue=catalogue)


def refusals(words, catalogue, **given):
    with pytest.raises(ScenarioError) as caught:
        checked(words, catalogue, **given)
    return [line.removeprefix("scenario: ").partition(" (known: ")[0] for line in str(caught.value).splitlines()]


def roams(scenario):
    return make_roams(scenario.fleet[1], load_profiles())


def test_by_law(words, catalogue):
    scenario = checked(words, catalogue, BY_LAW)
    made = roams(scenario)
    assert made.moves == ByLaw(stay_s=Exponential(7200.0), away_s=Constant(1800.0))
    assert made.then == "continue"
    [way] = made.others
    assert (way.link, way.places, way.radio.name, way.half_duplex) == ("4g", ("cell-b",), "4g_2020", False)
    assert (way.up_bps, way.down_bps, way.rtt_s) == (Lognormal(8e6, 0.53), Lognormal(2e7, 0.53), Lognormal(0.05, 0.25))
    assert way.paging_s == 1.28


def test_what_another_way_says_goes_before_its_profile(words, catalogue):
    other = {**OTHER, "radio": "4g_2012", "up": "1 Mbit/s", "rtt": "10 ms", "at": ["cell-a", "cell-b"]}
    [way] = roams(checked(words, catalogue, {**BY_LAW, "to": [other], "then": "fail"})).others
    assert (way.radio.name, way.up_bps, way.rtt_s) == ("4g_2012", Constant(1e6), Constant(0.01))
    assert way.places == ("cell-a", "cell-b")


def test_by_schedule(words, catalogue):
    handover = {"to": [OTHER], "schedule": STOPS, "repeat": "24 h", "shift": {"uniform": ["0 s", "1 h"]}}
    made = roams(checked(words, catalogue, handover))
    assert made.moves == ByTimetable(
        starts_s=(28_800.0, 64_800.0), ways=(1, 0), repeat_s=86_400.0, shift_s=Uniform(0.0, 3600.0)
    )


def test_a_stop_may_name_its_place(words, catalogue):
    """The second place of one technology is one more way, with the same rates and the same radio."""
    stops = [
        {"from": "1 s", "link": "4g", "at": "cell-a"}, {"from": "2 s", "link": "4g"},
        {"from": "3 s", "link": "4g", "at": "cell-b"}, {"from": "4 s", "link": "wifi", "at": "cell-b"},
    ]  # fmt: skip
    made = roams(checked(words, catalogue, {"to": [OTHER], "schedule": stops}))
    assert made.moves.ways == (2, 1, 1, 3)
    assert [(way.link, *way.places) for way in made.others] == [("4g", "cell-b"), ("4g", "cell-a"), ("wifi", "cell-b")]
    assert made.others[1].up_bps == made.others[0].up_bps


def test_a_trace_is_a_schedule_beside_the_file(words, catalogue, tmp_path):
    (tmp_path / "walk.csv").write_text("seconds,link,place\n0.5,4g,cell-a\n\n60, wifi ,\n")
    (tmp_path / "broken.csv").write_text("seconds,for\n10,2.5\n20,1\n")
    words["fleet"][1]["handover"] = {"to": [OTHER], "trace": "walk.csv"}
    words["outages"] = [{"node": "cell-a", "trace": "broken.csv"}]
    (tmp_path / "it.yaml").write_text(yaml.safe_dump(words))
    scenario = load(tmp_path / "it.yaml", catalogue=catalogue)
    assert roams(scenario).moves == ByTimetable(starts_s=(0.5, 60.0), ways=(2, 0))
    [outage] = map(make_outage, scenario.outages)
    assert outage.times == Schedule(from_s=(10.0, 20.0), for_s=(2.5, 1.0))
    shown = yaml.safe_load(resolved(scenario, catalogue=catalogue))
    assert shown["fleet"][1]["handover"]["schedule"][1] == {"from": "60 s", "link": "wifi", "at": None}
    assert check(shown, catalogue=catalogue) == scenario


def test_outages(words, catalogue):
    scenario = checked(words, catalogue, outages=[
        {"node": "cell-a", "every": {"exponential": {"mean": "1 h"}}, "repair": "1 min"},
        {"node": ["cell-a", "cell-b"], "schedule": [{"from": "5 s", "for": "1 s"}], "repeat": "10 s", "then": "fail"},
        {"link": ["hub", "cell-b"], "schedule": [{"from": "5 s", "for": "1 s"}], "then": "stall"},
    ])  # fmt: skip
    law, both, link = map(make_outage, scenario.outages)
    assert (law.nodes, law.times) == (("cell-a",), Crashes(every_s=Exponential(3600.0), repair_s=Constant(60.0)))
    assert (both.nodes, both.times.repeat_s, both.then) == (("cell-a", "cell-b"), 10.0, "fail")
    assert (link.link, link.times.repeat_s, link.then) == (("hub", "cell-b"), math.inf, "stall")
    assert check(yaml.safe_load(resolved(scenario, catalogue=catalogue)), catalogue=catalogue) == scenario


@pytest.mark.parametrize(
    "handover", [BY_LAW, {"to": [OTHER], "schedule": STOPS, "repeat": "24 h", "shift": "1 min", "then": "restart"}]
)
def test_a_resolved_handover_loads_back_equal(words, catalogue, handover):
    scenario = checked(words, catalogue, handover)
    text = resolved(scenario, catalogue=catalogue)
    assert check(yaml.safe_load(text), catalogue=catalogue) == scenario
    assert yaml.safe_load(text)["fleet"][1]["handover"]["to"][0]["up"] == {
        "lognormal": {"median": "8 Mbit/s", "sigma": 0.53}
    }


H = "fleet[1].handover"


@pytest.mark.parametrize(
    ("handover", "line"),
    [
        ({"to": [OTHER]}, f"{H}: needs stay and away, a schedule, or a trace"),
        ({"to": [OTHER], "stay": "1 s"}, f"{H}.away: is missing"),
        ({**BY_LAW, "schedule": STOPS}, f"{H}: goes by stay and away, or by a schedule, not by both"),
        ({**BY_LAW, "repeat": "1 h"}, f"{H}.repeat: repeats a schedule, and there is none"),
        ({**BY_LAW, "shift": "1 h"}, f"{H}.shift: moves a schedule, and there is none"),
        ({**BY_LAW, "to": []}, f"{H}.to: must have at least 1 item, got 0"),
        ({**BY_LAW, "then": "contineu"}, f"{H}.then: 'contineu' is not a known fate; did you mean 'continue'?"),
        ({**BY_LAW, "to": [{"link": "4g", "at": "cell-d"}]},
         f"{H}.to[0].at: 'cell-d' is not a known place in the topology; did you mean 'cell-b'?"),
        ({**BY_LAW, "to": [{**OTHER, "rtf": 0}]}, f"{H}.to[0].rtf: 'rtf' is not a known key; did you mean 'rtt'?"),
        ({"to": [OTHER], "schedule": [{"from": "1 s", "link": "wify"}]},
         f"{H}.schedule[0].link: 'wify' is not a known link of this group; did you mean 'wifi'?"),
        ({"to": [OTHER], "schedule": STOPS[::-1]},
         f"{H}.schedule[1].from: must be later than the one before, got 8 h"),
        ({"to": [OTHER], "schedule": STOPS, "repeat": "18 h"},
         f"{H}.repeat: must be later than the last stop, got 18 h"),
        ({"to": [OTHER], "schedule": STOPS, "trace": "x.csv"},
         f"{H}.trace: cannot be given together with a schedule"),
        ({"to": [OTHER], "trace": 3}, f"{H}.trace: must be the path of a file, got 3"),
        ({"to": [OTHER], "trace": "no-such.csv"}, f"{H}.trace: no-such.csv: no such file"),
    ],
)  # fmt: skip
def test_a_handover_that_cannot_be_is_refused(words, catalogue, handover, line):
    assert refusals(words, catalogue, handover=handover) == [line]


ONCE = [{"from": "5 s", "for": "1 s"}]


@pytest.mark.parametrize(
    ("outage", "line"),
    [
        ({"schedule": ONCE}, "outages[0]: must name a node, or several, or a link; or groups, devices or the server"),
        ({"node": "cell-a", "link": ["hub", "cell-a"], "schedule": ONCE},
         "outages[0]: must name either a node, or several, or a link, not both"),
        ({"node": "cell-a"}, "outages[0]: needs every and repair, a schedule, or a trace"),
        ({"node": "cell-a", "every": "1 h"}, "outages[0].repair: is missing"),
        ({"node": "cel-a", "schedule": ONCE},
         "outages[0].node: 'cel-a' is not a known place in the topology; did you mean 'cell-a'?"),
        ({"link": ["cell-a", "cell-b"], "schedule": ONCE},
         "outages[0].link: the topology has no link 'cell-a -- cell-b'; did you mean 'cell-a -- hub'?"),
        ({"node": "cell-a", "schedule": ONCE, "repeat": "6 s"},
         "outages[0].repeat: must be later than the last end, got 6 s"),
        ({"node": "cell-a", "schedule": ONCE * 2},
         "outages[0].schedule[1].from: must be later than the end of the one before, got 5 s"),
        ({"node": "cell-a", "schedule": ONCE, "then": "restart"},
         "outages[0].then: 'restart' is not a known fate; did you mean 'reroute'?"),
        ({"node": "cell-a", "schedule": [{"from": "5 s", "for": 0}]},
         "outages[0].schedule[0].for: must be > 0 and finite, got 0"),
    ],
)  # fmt: skip
def test_an_outage_that_cannot_be_is_refused(words, catalogue, outage, line):
    assert refusals(words, catalogue, outages=[outage]) == [line]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is empty"),
        ("seconds,link\n5,4g\n3,4g\n", "line 3, seconds: must be later than the one before, got 3 s"),
        ("seconds,link\n\n\nsoon,4g\n", "line 4, seconds: 'soon' is not a time such as '250 ms'"),
        ("seconds,link\n1,3g\n", "line 2, link: '3g' is not a known link of this group; did you mean '4g'?"),
        ("seconds,link,place\n1,4g,cell-x\n",
         "line 2, place: 'cell-x' is not a known place in the topology; did you mean 'cell-b'?"),
        ("seconds,link\n", "must have at least 1 item, got 0"),
        ("seconds,lnk\n1,4g\n", "header: 'lnk' is not a known column; did you mean 'link'?"),
        ("seconds\n1\n", "header: must have seconds, link, each once, got seconds"),
        ("seconds,link\n1,4g\n2\n", "line 3: must have 2 cells, got 1"),
    ],
)  # fmt: skip
def test_a_trace_that_is_no_table_is_refused(words, catalogue, tmp_path, text, rule):
    path = tmp_path / "walk.csv"
    path.write_text(text)
    given = {"to": [OTHER], "trace": str(path)}
    assert refusals(words, catalogue, handover=given) == [f"{H}.trace: {path}: {rule}"]


def test_another_way_has_rates_over_time_of_its_own(words, catalogue, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.csv").write_text("t_s,mbps\n0,4\n1,0\n")
    ways = [
        {"link": "wifi", "at": "cell-b", "rate": "fading", "loss": "residual"},
        {"link": "4g", "at": "cell-b", "rate": {"trace": "walk.csv"}},
    ]
    words["fleet"][0]["handover"] = {"to": ways, "stay": "1 min", "away": "1 min"}
    scenario = check(words, catalogue=catalogue)
    roams = make_roams(scenario.fleet[0], load_profiles())
    wifi, cellular = roams.others
    assert (wifi.course, wifi.loss) == (Fades(shape=load_profiles().fading["wifi_zhuge"]), 0.001)
    assert (cellular.course.up.traces[0].mean_bps, cellular.loss) == (2e6, 0.0)
    assert check(yaml.safe_load(resolved(scenario, catalogue=catalogue)), catalogue=catalogue) == scenario


def test_the_trace_of_another_way_is_found_from_the_scenario(words, catalogue, tmp_path):
    (tmp_path / "walk.csv").write_text("t_s,mbps\n0,4\n1,0\n")
    ways = [{"link": "4g", "at": "cell-b", "rate": {"down": {"trace": "walk.csv"}}}]
    words["fleet"][0]["handover"] = {"to": ways, "stay": "1 min", "away": "1 min"}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(words))
    [way] = load(tmp_path / "x.yaml", catalogue=catalogue).fleet[0].handover.to
    assert way.rate.down.trace == str(tmp_path / "walk.csv")
