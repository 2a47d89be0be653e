"""What a scenario may say about processors, power, batteries, charging and measured speeds."""

import math

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario.build import build
from fedsim.scenario.fleets import make_fleet
from fedsim.scenario.load import check, load, resolved
from fedsim.system.chip import Chip, OperatingPoint
from fedsim.system.law import Choice, Constant, Lognormal
from fedsim.system.plug import Overnight
from fedsim.system.profiles import load_profiles
from fedsim.system.takes_part import TakesPart
from fedsim.system.throttle import Throttle


@pytest.fixture
def group(words, catalogue):
    """The first group of the scenario, with changes; it is written and read back on the way."""

    def make(**changes):
        words["fleet"][0] |= changes
        scenario = check(words, catalogue=catalogue)
        again = check(yaml.safe_load(resolved(scenario, catalogue=catalogue)), catalogue=catalogue)
        assert again == scenario
        return scenario.fleet[0]

    return make


@pytest.fixture
def refusal(words, catalogue):
    def of(**changes):
        words["fleet"][0] |= changes
        with pytest.raises(ScenarioError) as caught:
            check(words, catalogue=catalogue)
        return str(caught.value)

    return of


def test_no_battery_at_all_is_a_word_of_its_own(group):
    """Of all keys of a group null stands for "as in the profile", but for this one."""
    assert group(device="phone-mid").battery_j == pytest.approx(15.4 * 3600)
    assert group(device="phone-mid", battery=None).battery_j is None
    mixed = group(
        battery="11 Wh", mix=[{"device": "phone-mid", "battery": None}, {"device": "phone-low", "speed": None}]
    )
    assert [kind.battery_j is None for kind in mixed.mix] == [True, False]


def test_what_is_left_out_comes_from_the_profile(group):
    there = group()
    throttle = Throttle(after_s=600.0, speed_share=0.75)
    assert there.processor == Chip(ram_bytes=3e9, throttle=throttle)
    assert (there.power.train_w, there.power.idle_w, there.power.sleep_w) == (3.0, 0.27, 0.03)
    assert there.charging is None
    assert (there.floor_share, there.restart_share, there.takes_part) == (0.0, 0.05, TakesPart())


def test_a_runtime_chooses_among_the_profile_s_speeds(group):
    assert group(runtime="native").flops_per_s == Constant(3e9)
    assert group(runtime="managed").flops_per_s == Constant(5e8)
    assert group(runtime="native", speed="1 GFLOP/s").flops_per_s == Constant(1e9)


def test_everything_about_a_processor(group):
    there = group(
        processor={
            "cores": 4,
            "job_cores": 2,
            "clock": "50 %",
            "operating_points": [{"clock": "50 %", "power": "900 mW"}],
            "step_cv": "profile",
            "ram": "2 GB",
            "ram_share": "25 %",
            "bandwidth": "10 GB/s",
            "throttle": None,
            "other_apps": {
                "share": {"uniform": [0, "60 %"]},
                "busy": "2 min",
                "quiet": {"exponential": {"mean": "1 h"}},
            },
        }
    ).processor
    assert (there.cores, there.job_cores, there.clock, there.step_cv) == (4, 2, 0.5, 0.06)
    assert there.operating_points == (OperatingPoint(clock=0.5, power_w=0.9),)
    assert (there.memory_bytes, there.bandwidth_bps, there.throttle) == (5e8, 8e10, None)
    assert there.other_apps.busy_s == Constant(120.0)


def test_everything_about_a_battery(group):
    there = group(
        charging={"plug": {"name": "overnight", "from_hour": 23, "spread": "30 min"}, "efficiency": "90 %"},
        floor="15 %",
        restart="10 %",
        takes_part={"min_charge_share": "30 %", "only_charging": True, "only_links": ["wifi", "5g"]},
    )
    assert there.charging.charger.power_w == 10.0  # the profile's
    assert (there.charging.charger.efficiency, there.charging.charger.taper_from_share) == (0.9, 0.8)
    assert there.charging.plug == Overnight(from_hour=23.0, spread_s=1800.0)
    assert (there.floor_share, there.restart_share) == (0.15, 0.1)
    assert there.takes_part == TakesPart(min_charge_share=0.3, only_charging=True, only_links=("wifi", "5g"))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"charge": "120 %"}, "fleet[0].charge: must lie between 0 % and 100 %, got 120 %"),
        ({"power": {"train": "-3 W"}}, "fleet[0].power.train: must be >= 0 and finite, got '-3 W'"),
        ({"power": {"idle": "3 J"}}, "fleet[0].power.idle: '3 J' is not a power such as '3.5 W'"),
        ({"processor": {"ram": "3 W"}}, "fleet[0].processor.ram: '3 W' is not a size such as '5 MB'"),
        ({"processor": {"coers": 4}}, "'coers' is not a known key; did you mean 'cores'?"),
        ({"processor": {"cores": 0}}, "fleet[0].processor: cores must be >= 1, got 0"),
        ({"processor": 4}, "fleet[0].processor: must be a mapping, got 4"),
        ({"charging": {"power": "-3 W", "plug": "always"}}, "fleet[0].charging: power must be > 0 and finite, got -3"),
        ({"charging": {"plug": "overnite"}}, "'overnite' is not a known name; did you mean 'overnight'?"),
        (
            {"charging": {"plug": {"name": "opportunistic", "plugged": "0 s", "unplugged": "0 s"}}},
            "must be >= 0 with a finite mean cycle of at least 1 ms, got at least 0 s, and a mean of 0 s",
        ),
        (
            {"processor": {"operating_points": [{"clock": 1, "power": "1 W"}, {"clock": 1, "power": "5 W"}]}},
            "operating_points must have one power for each clock, got clocks [1.0, 1.0]",
        ),
        (
            {"processor": {"other_apps": {"share": "50 %", "busy": "-1 s", "quiet": "1 s"}}},
            "busy and quiet must be >= 0 with a mean that is > 0 and finite, got at least -1 s, and a mean of -1 s",
        ),
        ({"charging": {}}, "fleet[0].charging.plug: is missing"),
        ({"device": "jetson", "charging": {"power": "9 W", "plug": "always"}}, "there is no battery to charge"),
        ({"takes_part": {"only_links": ["wify"]}}, "fleet[0].takes_part.only_links[0]: 'wify' is not a known link"),
        ({"floor": "-3 %"}, "fleet[0].floor: must be from 0 % to 100 %, got '-3 %'"),
        ({"restart": 0}, "fleet[0].restart: must be above 0 % and at most 100 %, got 0"),
        ({"runtime": "java"}, "fleet[0].runtime: input should be 'managed' or 'native', got 'java'"),
        (
            {"speed": {"measured": "phones-2032"}},
            "fleet[0].speed.measured: 'phones-2032' is not a known measured fleet",
        ),
    ],
)
def test_what_cannot_be_is_refused(refusal, changes, text):
    assert text in refusal(**changes)


def test_a_measured_fleet_is_a_law(group):
    assert group(speed={"measured": "phones-2023"}).flops_per_s == Lognormal(1.6e9, 0.784)
    assert group(speed={"measured": "phones-2023"}, runtime="native").flops_per_s == Lognormal(1.03e10, 0.784)


def test_speeds_from_a_file_beside_the_scenario(words, catalogue, tmp_path, monkeypatch):
    """Of rates, or of times and the work that they took."""
    text = "gflops,phone,ms\n1.5,a,100\n3,b,50\n"
    (tmp_path / "fleets").mkdir()
    (tmp_path / "fleets" / "phones.csv").write_text(text, encoding="utf-8-sig")  # as spreadsheets write it
    (tmp_path / "runs").mkdir()
    words["fleet"][0]["speed"] = {"csv": {"file": "../fleets/phones.csv", "column": "gflops", "unit": "GFLOP/s"}}
    path = tmp_path / "runs" / "one.yaml"
    path.write_text(yaml.safe_dump(words))
    assert load(path, catalogue=catalogue).fleet[0].flops_per_s == Choice((1.5e9, 3e9))
    monkeypatch.chdir(tmp_path / "fleets")
    words["fleet"][0]["speed"] = {"csv": {"file": "phones.csv", "column": "ms", "unit": "ms", "work": "100 MFLOP"}}
    assert check(words, catalogue=catalogue).fleet[0].flops_per_s == Choice((1e9, 2e9))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"file": "none.csv"}, "fleet[0].speed.csv.file: cannot be read"),
        ({"column": "gflop"}, "'gflop' is not a known column of phones.csv; did you mean 'gflops'?"),
        ({"column": "phone"}, "phones.csv: line 2: must be a number > 0, got 'a'"),
        ({"unit": "ms"}, "a time needs the work that it took, such as work: 97.2 MFLOP"),
        ({"unti": "x"}, "'unti' is not a known key; did you mean 'unit'?"),
        ({"column": None}, "fleet[0].speed.csv.column: must be a text"),
        ({"file": "empty.csv"}, "empty.csv has no rows"),
    ],
)
def test_a_file_of_speeds_that_cannot_be_used_is_refused(refusal, tmp_path, monkeypatch, changes, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phones.csv").write_text("phone,gflops\na,1.5\nb,-3\n")
    (tmp_path / "empty.csv").write_text("gflops\n")
    block = {"file": "phones.csv", "column": "gflops", "unit": "GFLOP/s", **changes}
    assert text in refusal(speed={"csv": block})


def test_what_a_scenario_says_reaches_its_devices(tiny):
    said = {
        "processor": {"cores": 2, "ram": "1 GB"},
        "power": {"train": "7 W"},
        "charge": "50 %",
        "charging": {"plug": "always"},
        "floor": "20 %",
        "takes_part": {"min_charge_share": "60 %"},
    }
    world = build(check({**tiny, "fleet": [tiny["fleet"][0] | said]}), Simulation(seed=1))
    device = world.devices[0]
    assert (device.spec.kind.chip.cores, device.spec.kind.chip.ram_bytes, device.spec.kind.train_w) == (2, 1e9, 7.0)
    assert device.spec.kind.capacity_j == pytest.approx(2 * device.spec.charge_j)
    assert device.spec.kind.rules.floor_share == 0.2
    assert device.meter.battery.is_plugged(0.0)
    assert not device.is_up()


def test_a_server_may_have_a_law_of_service_and_a_power(tiny):
    law = {"exponential": {"mean": "2 s"}}
    world = build(check({**tiny, "server": {"at": "server", "service": law}}), Simulation(seed=1))
    assert world.server.spec.service_s.mean == 2.0
    assert (world.server.spec.train_w, world.server.spec.idle_w) == (400.0, 60.0)
    assert math.isinf(world.devices[0].spec.kind.chip.bandwidth_bps)


def test_correlations_reach_what_devices_draw(words, catalogue):
    """A kind of a mix has its group's; another way into the network that of its group as well."""
    other = {"to": [{"link": "3g", "at": "cell-a"}], "stay": "1 h", "away": "1 h"}
    items = [{"weight": 1}, {"weight": 2, "correlation": {"speed": -0.5}}]
    words["fleet"][0] |= {"correlation": {"up": 0.75, "speed": 0.4}, "handover": other, "mix": items, "count": 2000}
    scenario = check(words, catalogue=catalogue)
    assert check(yaml.safe_load(resolved(scenario, catalogue=catalogue)), catalogue=catalogue) == scenario
    sim = Simulation(seed=1)
    first, second = make_fleet(scenario, load_profiles(), sim, ()).groups[0].kinds
    assert (first.correlation, first.way.correlation, first.roams.others[0].correlation) == (0.4, 0.75, 0.75)
    assert (second.correlation, second.way.correlation) == (-0.5, 0.0)


@pytest.mark.parametrize("value", [1.5, -1.01, math.nan, "75 %", True])
def test_a_correlation_that_cannot_be_is_refused(refusal, value):
    assert "fleet[0].correlation.up: " in refusal(correlation={"up": value})
