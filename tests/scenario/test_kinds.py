"""Groups of several kinds, of named devices, and from CSV files."""

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import check, load, resolved
from fedsim.scenario.build import comings_and_goings

CSV = """\
name,device,link,charge,speed [GFLOP/s],up
eve,phone-low,3g,80 %,0.4,
joe,,,,,3 Mbit/s
"""


def with_group(tiny, **changes):
    group = {key: value for key, value in tiny["fleet"][0].items() if key in {"name", "at"}}
    return {**tiny, "protocol": {"name": "synchronous-rounds", "cohort": 1}, "fleet": [{**group, **changes}]}


def fleet_of(scenario):
    again = check(yaml.safe_load(resolved(scenario)))
    assert again == scenario
    return comings_and_goings(again, Simulation(seed=1))[0]


def test_a_mix_draws_kinds_by_weight(tiny):
    mix = [
        {"weight": 3, "device": "phone-low", "link": "3g"},
        {"weight": 1, "device": "jetson", "link": "wifi", "charge": "50 %"},
    ]
    fleet = fleet_of(check(with_group(tiny, count=400, charge="90 %", mix=mix)))
    specs = [fleet.spec(index) for index in range(400)]
    assert {(spec.link, spec.flops_per_s, spec.radio.name) for spec in specs} == {
        ("3g", 0.5e9, "3g_2012"),
        ("wifi", 300e9, "wifi_modern"),
    }
    assert 260 < sum(spec.link == "3g" for spec in specs) < 340
    assert {fleet.charge[index] for index, spec in enumerate(specs) if spec.link == "wifi"} == {0.5}


def test_devices_by_name(tiny):
    devices = ["ada", {"name": "bob", "speed": "2 GFLOP/s"}]
    scenario = check(with_group(tiny, device="phone-mid", link="4g", devices=devices))
    fleet = fleet_of(scenario)
    assert scenario.devices == 2
    assert [(fleet.spec(i).name, fleet.spec(i).flops_per_s) for i in (0, 1)] == [("ada", 1.5e9), ("bob", 2e9)]


@pytest.fixture
def scenario_file(tiny, tmp_path):
    """A scenario with devices from a CSV file beside it."""

    def write(text, **changes):
        (tmp_path / "fleet.csv").write_text(text)
        words = with_group(tiny, **({"device": "phone-mid", "link": "wifi", "devices": "fleet.csv"} | changes))
        path = tmp_path / "scenario.yaml"
        path.write_text(yaml.safe_dump(words))
        return path

    return write


def test_devices_from_a_file(scenario_file):
    fleet = fleet_of(load(scenario_file(CSV)))
    eve, joe = fleet.spec(0), fleet.spec(1)
    assert (eve.name, eve.link, eve.flops_per_s, fleet.charge[0]) == ("eve", "3g", 0.4e9, 0.8)
    assert (joe.name, joe.link, joe.flops_per_s, joe.access.up_bps) == ("joe", "wifi", 1.5e9, 3e6)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("nme,speed\na,1\n", ["fleet.csv:1: 'nme' is not a known column; did you mean 'name'?"]),
        ("speed\n1\n", ["fleet.csv:1: must have the column 'name', and each column once, got speed"]),
        ("name,speed,speed\n", ["must have the column 'name', and each column once"]),
        ("name\n", ["fleet.csv: has no devices"]),
        (
            "name,speed,link,charge\na,1 Mbit/s,6g,80 %\nb,1 GFLOP/s,4g\nc,,,180 %\n",
            [
                "fleet.csv:2: link: '6g' is not a known link; did you mean",
                "fleet.csv:2: speed: '1 Mbit/s' is not a computing speed",
                "fleet.csv:3: must have 4 cells, got 3",
                "fleet.csv:4: charge: must lie between 0 % and 100 %, got 180 %",
            ],
        ),
        ("name,speed [furlong]\na,3\n", ["fleet.csv:2: speed: '3 furlong' is not a computing speed"]),
        ("name,at\n,cell\n,cell\n", ["fleet.csv:2: name: is missing", "fleet.csv:3: name: is missing"]),
        ("name\na b\n", ["fleet.csv:2: name: must be a name of letters"]),
        ("name\na\na\n", ["fleet.csv:3: name: 'a' is the device in line 2"]),
    ],
)
def test_mistakes_in_a_file_name_line_and_column(scenario_file, text, lines):
    with pytest.raises(ScenarioError) as caught:
        load(scenario_file(text))
    found = str(caught.value).splitlines()
    assert len(found) == len(lines), found
    for one, line in zip(found, lines, strict=True):
        assert line in one


def test_a_file_that_is_not_there(scenario_file):
    with pytest.raises(ScenarioError, match=r"fleet\[0\].devices: .*none.csv"):
        load(scenario_file(CSV, devices="none.csv"))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"device": "phone-mid", "link": "4g", "mix": [{"weight": 1}], "devices": ["a"], "count": 1},
            "fleet[0]: has a mix or devices, not both",
        ),
        (
            {"device": "phone-mid", "link": "4g", "devices": ["a"], "count": 3},
            "count: must be that of the devices, 1, got 3",
        ),
        ({"count": 2, "mix": [{"device": "phone-mid", "link": "4g", "weight": 0}]}, "mix[0].weight: must be > 0"),
        ({"count": 2, "mix": [{"device": "phone-mid"}]}, "fleet[0].mix[0].link: is missing"),
        ({"count": 2, "mix": 3}, "fleet[0].mix: must be a list, got 3"),
        ({"device": "phone-mid", "link": "4g", "devices": ["cell"]}, "'cell' is the name of a place"),
        ({"device": "phone-mid", "link": "4g"}, "fleet[0].count: is missing"),
    ],
)
def test_groups_that_cannot_be(tiny, changes, line):
    with pytest.raises(ScenarioError) as caught:
        check(with_group(tiny, **changes))
    assert line in str(caught.value)


@pytest.mark.parametrize("order", [1, -1])
def test_a_device_may_not_have_the_name_that_another_has_by_its_rank(tiny, order):
    """Else two devices would share one name, and with it their luck."""
    ranked, listed = tiny["fleet"][0], {**tiny["fleet"][0], "name": "lab", "devices": ["ada", "phones-03"], "count": 2}
    with pytest.raises(ScenarioError, match="'phones-03' is the name of a place or of another group's device"):
        check({**tiny, "fleet": [ranked, listed][::order]})
    others = {**listed, "devices": ["phones-04", "phones-3", "phones-003", "phones-"], "count": 4}
    assert check({**tiny, "fleet": [ranked, others][::order]}).devices == 8


def test_a_device_may_not_have_the_name_of_a_place_by_its_rank(tiny):
    topology = {**tiny["topology"], "nodes": {**tiny["topology"]["nodes"], "phones-00": {"kind": "cell"}}}
    topology["links"] = [*topology["links"], {**topology["links"][0], "to": "phones-00"}]
    with pytest.raises(ScenarioError, match=r"fleet\[0\].name: its device 'phones-00' has the name of a place"):
        check({**tiny, "topology": topology})
