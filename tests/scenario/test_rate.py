"""Rates over time in scenario files: what the words mean, what is shown, and what is refused."""

import gzip
from hashlib import blake2b

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.scenario.load import check, load, resolved
from fedsim.scenario.rate import CONSTANT, make_course
from fedsim.system.course import STEADY, Fades, Replays
from fedsim.system.law import Constant, Uniform
from fedsim.system.profiles import load_profiles

BUS = "t_s,down_kbps,up_kbps\n0,800,80\n1,1600,160\n2,0,40\n"
NEITHER = "rate: must be constant, fading, or a mapping with the key fading, trace, up or down"
WALKS = "trace_id,t_s,mbps\nout,0,1\nout,1,3\nback,0,5\nback,1,2\nbus,0,4\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A working folder with traces in it."""
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "bus.csv").write_text(BUS)
    (tmp_path / "traces" / "walks.csv.gz").write_bytes(gzip.compress(WALKS.encode()))
    (tmp_path / "traces" / "down.csv").write_text("t_s,down_kbps\n0,800\n1,0\n")
    (tmp_path / "traces" / "lte.up").write_text("50\n100\n")
    (tmp_path / "traces" / "lte.down").write_text("10\n20\n30\n100\n")
    (tmp_path / "traces" / "two.csv").write_text("t_s,lte_mbps,nr_mbps\n0,1,2\n")
    (tmp_path / "traces" / "zero.csv").write_text("trace_id,t_s,mbps\na,0,1\nb,0,0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scenario_with(words, catalogue, rate, **overrides):
    words["fleet"][0]["rate"] = rate
    return check(words, overrides, catalogue=catalogue)


def course_of(scenario, group=0):
    return make_course(scenario.fleet[group].rate, load_profiles())


def shown_rate(scenario, catalogue):
    text = resolved(scenario, catalogue=catalogue)
    assert check(yaml.safe_load(text), catalogue=catalogue) == scenario
    return yaml.safe_load(text)["fleet"][0]["rate"]


def refusal(words, catalogue, rate):
    with pytest.raises(ScenarioError) as caught:
        scenario_with(words, catalogue, rate)
    return [line.removeprefix("scenario: fleet[0].") for line in str(caught.value).splitlines()]


def test_a_rate_that_is_not_said_is_constant(words, catalogue):
    scenario = check(words, catalogue=catalogue)
    assert scenario.fleet[0].rate == CONSTANT
    assert course_of(scenario) is STEADY
    assert shown_rate(scenario, catalogue) == "constant"


def test_fading_is_that_of_the_link(words, catalogue):
    scenario = check(words, ["fleet.*.rate=fading"], catalogue=catalogue)
    shapes = load_profiles().fading
    assert [course_of(scenario, group) for group in (0, 1)] == [
        Fades(shape=shapes["3g_norway"]),
        Fades(shape=shapes["wifi_zhuge"]),
    ]
    assert shown_rate(scenario, catalogue) == {"fading": "3g_norway"}
    words["fleet"][0]["link"] = "ethernet"
    assert course_of(check(words, ["fleet.*.rate=fading"], catalogue=catalogue)) is STEADY


def test_a_shape_may_be_named(words, catalogue):
    scenario = scenario_with(words, catalogue, {"fading": "4g_ghent"})
    assert course_of(scenario) == Fades(shape=load_profiles().fading["4g_ghent"])


def test_a_trace_serves_the_directions_that_it_has(words, catalogue, files):
    scenario = scenario_with(words, catalogue, {"trace": "traces/bus.csv"})
    course = course_of(scenario)
    assert isinstance(course, Replays)
    assert [lane.traces[0].mean_bps for lane in (course.up, course.down)] == pytest.approx([280e3 / 3, 2400e3 / 3])
    assert (course.offset_s, course.loop) == (Constant(0.0), True)
    digest = blake2b(BUS.encode(), digest_size=8).hexdigest()
    assert shown_rate(scenario, catalogue) == {
        "up": {
            "trace": str(files / "traces" / "bus.csv"),
            "id": None,
            "column": "up_kbps",
            "scale": "100 %",
            "digest": digest,
        },
        "down": {
            "trace": str(files / "traces" / "bus.csv"),
            "id": None,
            "column": "down_kbps",
            "scale": "100 %",
            "digest": digest,
        },
        "offset": "0 s",
        "loop": True,
    }
    only_down = course_of(scenario_with(words, catalogue, {"trace": "traces/down.csv"}))
    assert (only_down.up, only_down.down.traces[0].mean_bps) == (None, 400e3)


def test_every_key_of_a_trace_matters(words, catalogue, files):
    rate = {
        "trace": "traces/walks.csv.gz",
        "id": "*[!s]",
        "offset": {"uniform": ["0 s", "10 s"]},
        "loop": False,
        "scale": "50 %",
        "up": {"id": "bus", "scale": "mean"},
    }
    scenario = scenario_with(words, catalogue, rate)
    course = course_of(scenario)
    assert [trace.mean_bps for trace in course.down.traces] == [2e6, 3.5e6]
    assert [trace.mean_bps for trace in course.up.traces] == [4e6]
    assert (course.down.scale, course.up.scale) == (0.5, None)
    assert (course.offset_s, course.loop) == (Uniform(0.0, 10.0), False)
    shown_rate(scenario, catalogue)


def test_each_is_every_trace_of_a_file(words, catalogue, files):
    course = course_of(scenario_with(words, catalogue, {"trace": "traces/walks.csv.gz", "id": "each"}))
    assert [trace.mean_bps for trace in course.down.traces] == [2e6, 3.5e6, 4e6]


def test_each_direction_may_have_a_file_of_its_own(words, catalogue, files):
    rate = {"down": {"trace": "traces/lte.down"}, "up": {"trace": "traces/lte.up"}}
    course = course_of(scenario_with(words, catalogue, rate))
    assert [lane.traces[0].mean_bps for lane in (course.up, course.down)] == pytest.approx([240e3, 480e3])
    course = course_of(scenario_with(words, catalogue, {"down": {"trace": "traces/lte.down"}}))
    assert course.up is None
    course = course_of(scenario_with(words, catalogue, {"trace": "traces/lte.down", "up": "constant"}))
    assert course.up is None
    course = course_of(
        scenario_with(words, catalogue, {"trace": "traces/down.csv", "up": {"column": "down_kbps", "scale": 0.1}})
    )
    assert (course.up.traces, course.up.scale) == (course.down.traces, 0.1)


def test_files_of_traces_are_found_from_the_scenario(words, catalogue, files):
    (files / "runs").mkdir()
    words["fleet"][0]["rate"] = {"trace": "../traces/bus.csv"}
    words["fleet"][1]["rate"] = {"up": {"trace": "../traces/lte.up"}, "down": {"trace": "../traces/lte.down"}}
    (files / "runs" / "x.yaml").write_text(yaml.safe_dump(words))
    scenario = load(files / "runs" / "x.yaml", catalogue=catalogue)
    assert scenario.fleet[0].rate.up.trace == str(files / "traces" / "bus.csv")
    assert scenario.fleet[1].rate.down.trace == str(files / "traces" / "lte.down")
    moved = load("runs/x.yaml", {"fleet.0.rate.trace": "traces/lte.up"}, catalogue=catalogue)
    assert moved.fleet[0].rate.down.trace == str(files / "traces" / "lte.up")


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("fadign", [f"{NEITHER}, got 'fadign'"]),
        (3, [f"{NEITHER}, got 3"]),
        ({}, [NEITHER + ", got {}"]),
        ({"loop": True}, [
            NEITHER + ", got {'loop': True}"
        ]),
        ({"fading": "4g_gent"}, [
            ("rate.fading: '4g_gent' is not a known shape of fading; did you mean '4g_ghent'? (known: 3g_norway, "
            "4g_ghent, 4g_mpls, 4g_nyc, 5g_ucc, 5g_mmwave, wifi_zhuge, wifi_pairs)")
        ]),
        ({"fading": "4g_ghent", "loop": True}, ["rate.loop: 'loop' is not a known key (known: fading)"]),
        ({"trace": 3}, ["rate.trace: must be a text, got 3"]),
        ({"trace": "traces/none.csv"}, ["rate.trace: traces/none.csv: cannot be read: No such file or directory"]),
        ({"trace": "traces/bus.csv", "lop": 1}, [
            "rate.lop: 'lop' is not a known key; did you mean 'loop'? (known: up, down, offset, loop)"
        ]),
        ({"trace": "traces/bus.csv", "up": {"colum": "x"}}, [
            ("rate.up.colum: 'colum' is not a known key; did you mean 'column'? "
            "(known: trace, id, column, scale, digest)")
        ]),
        ({"trace": "traces/bus.csv", "scale": "0 %", "offset": "-1 s", "loop": "yes"}, [
            "rate.scale: must be 'mean' or a finite number > 0, got '0 %'",
            "rate.offset: must be >= 0, got -1 s",
            "rate.loop: must be true or false, got 'yes'",
        ]),
        ({"trace": "traces/bus.csv", "id": "7"}, [
            "rate.id: must be left out: the file holds one trace, without a name; got '7'"
        ]),
        ({"trace": "traces/walks.csv.gz"}, [
            "rate.id: holds 3 traces: name one, or give a pattern such as '*'"
        ]),
        ({"trace": "traces/walks.csv.gz", "id": "buss"}, [
            "rate.id: 'buss' is not a known trace; did you mean 'bus'? (known: out, back, bus)"
        ]),
        ({"trace": "traces/walks.csv.gz", "id": "bus", "column": "mbbs"}, [
            "rate.column: 'mbbs' is not a known column of rates; did you mean 'mbps'? (known: mbps)"
        ]),
        ({"trace": "traces/two.csv"}, ["rate.column: has several columns for up, name one: lte_mbps, nr_mbps"]),
        ({"up": {"trace": "traces/down.csv"}}, [
            "rate.up.column: is missing, and no column of traces/down.csv says up (it has down_kbps)"
        ]),
        ({"up": {"id": "x"}}, ["rate.up.trace: is missing"]),
        ({"trace": "traces/bus.csv", "loop": False}, [
            ("rate.trace: traces/bus.csv: a trace that is not looped must not end with a rate of 0, "
            "which would hold for ever")
        ]),
        ({"trace": "traces/down.csv", "loop": False}, [
            ("rate.trace: traces/down.csv: a trace that is not looped must not end with a rate of 0, "
            "which would hold for ever")
        ]),
        ({"trace": "traces/zero.csv", "id": "each"}, [
            "rate.trace: traces/zero.csv: b: a trace must not be 0 throughout"
        ]),
    ],
)  # fmt: skip
def test_a_rate_that_is_none_is_refused(words, catalogue, files, rate, expected):
    assert refusal(words, catalogue, rate) == expected


def test_a_trace_that_is_wrong_is_told_with_its_line(words, catalogue, files):
    (files / "traces" / "bus.csv").write_text("t_s,down_kbps,up_kbps\n0,800,80\n1,-1,160\n")
    assert refusal(words, catalogue, {"trace": "traces/bus.csv"}) == [
        "rate.trace: traces/bus.csv: line 3, down_kbps: must be a rate >= 0 and finite, got '-1'"
    ]


def test_a_shown_scenario_means_the_same_trace_or_none(words, catalogue, files):
    scenario = scenario_with(words, catalogue, {"trace": "traces/bus.csv"})
    text = resolved(scenario, catalogue=catalogue)
    (files / "traces" / "bus.csv").write_text(BUS.replace("1600", "1500"))
    with pytest.raises(ScenarioError) as caught:
        check(yaml.safe_load(text), catalogue=catalogue)
    path = files / "traces" / "bus.csv"
    assert str(caught.value).startswith(f"scenario: fleet[0].rate.up.digest: {path} has changed: its digest is ")
    with pytest.raises(ScenarioError, match=r"bus\.csv has changed: its digest is"):
        course_of(scenario)


def test_loss_is_none_a_share_or_what_the_link_layer_leaves(words, catalogue):
    assert [group.loss for group in check(words, catalogue=catalogue).fleet] == [0.0, 0.0]
    words["fleet"][0]["loss"] = "2 %"
    words["fleet"][1]["loss"] = "residual"
    scenario = check(words, catalogue=catalogue)
    assert [group.loss for group in scenario.fleet] == [0.02, 0.001]
    shown_rate(scenario, catalogue)


def test_links_of_the_topology_may_have_rates_over_time(words, catalogue, files):
    (files / "runs").mkdir()
    link = {"from": "hub", "to": "cell-b", "rate": {"trace": "../traces/bus.csv", "scale": "mean"}}
    words["network"] = {"links": [link, {"from": "hub", "to": "cell-a", "rate": {"fading": "4g_ghent"}}]}
    (files / "runs" / "x.yaml").write_text(yaml.safe_dump(words))
    scenario = load(files / "runs" / "x.yaml", catalogue=catalogue)
    first, second = scenario.network.links
    assert (first.source, first.target) == ("hub", "cell-b")
    assert first.rate.down.trace == str(files / "traces" / "bus.csv")
    assert make_course(second.rate, load_profiles()) == Fades(shape=load_profiles().fading["4g_ghent"])
    (files / "shown.yaml").write_text(resolved(scenario, catalogue=catalogue))
    assert load(files / "shown.yaml", catalogue=catalogue) == scenario


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ({"from": "cell-a", "to": "cell-b", "rate": "constant"}, [
            "network.links[0]: the topology has no link from 'cell-a' to 'cell-b'"
        ]),
        ({"from": "hub", "to": "cell-c", "rate": "constant"}, [
            ("network.links[0].to: 'cell-c' is not a known place in the topology; did you mean 'cell-b'? "
            "(known: hub, cell-a, cell-b)")
        ]),
        ({"from": "hub", "to": "cell-a", "rate": "fading"}, [
            ("network.links[0].rate: must name a shape, as in {fading: 4g_mpls}: "
            "a link of the topology has no technology")
        ]),
        ({"from": "hub", "to": "cell-a"}, ["network.links[0].rate: is missing"]),
    ],
)  # fmt: skip
def test_a_link_that_is_none_is_refused(words, catalogue, link, expected):
    words["network"] = {"links": [link]}
    with pytest.raises(ScenarioError) as caught:
        check(words, catalogue=catalogue)
    assert [line.removeprefix("scenario: ") for line in str(caught.value).splitlines()] == expected


def test_a_link_has_one_rate(words, catalogue):
    link = {"from": "hub", "to": "cell-a", "rate": "constant"}
    words["network"] = {"links": [link, {**link, "from": "cell-a", "to": "hub"}]}
    with pytest.raises(ScenarioError, match=r"network.links\[1\]: is a link that an earlier item names"):
        check(words, catalogue=catalogue)
