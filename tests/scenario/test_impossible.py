"""Impossible values, wrong units, times that go back and missing columns: refused with file, line or key, and value."""

import copy
import gzip
import math

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import check, load
from fedsim.study.measurements import read_measurements

below_zero = st.floats(-1e9, -1e-9)
above_whole = st.floats(100.001, 1e9)
not_whole = below_zero | above_whole
odd = st.sampled_from([math.nan, math.inf, -math.inf])


def in_unit(numbers, *units):
    """Texts such as ``-3.5 W``."""
    return st.builds(lambda number, unit: f"{number!r} {unit}", numbers, st.sampled_from(units))


def of_wrong_kind(*units):
    return in_unit(st.floats(1, 100), *units)


SHARES = in_unit(not_whole, "%") | not_whole.filter(lambda number: number < 0 or number > 1) | of_wrong_kind("s", "W")
WATTS = in_unit(below_zero, "W", "mW") | of_wrong_kind("J", "Wh", "s", "%")
IMPOSSIBLE = {
    "charge": SHARES,
    "charge.uniform": st.tuples(st.just("20 %"), in_unit(above_whole, "%")).map(list),
    "battery": in_unit(below_zero, "Wh", "J") | of_wrong_kind("W", "%") | st.just("0 Wh"),
    "floor": SHARES,
    "restart": SHARES | st.just("0 %"),
    "power.train": WATTS,
    "power.idle": WATTS,
    "power.sleep": WATTS,
    "charging.power": WATTS | st.just("0 W"),
    "charging.efficiency": SHARES | st.just("0 %"),
    "charging.taper_from_share": SHARES,
    "takes_part.min_charge_share": SHARES,
    "speed": in_unit(below_zero, "GFLOP/s") | of_wrong_kind("W", "bit/s") | st.just("0 GFLOP/s"),
    "step_overhead": in_unit(below_zero, "ms") | of_wrong_kind("J"),
    "processor.clock": SHARES | st.just("0 %"),
    "processor.ram": in_unit(below_zero, "GB") | of_wrong_kind("s") | st.just("0 B"),
    "processor.ram_share": SHARES | st.just("0 %"),
    "processor.bandwidth": in_unit(below_zero, "GB/s") | of_wrong_kind("W"),
    "processor.throttle.after": in_unit(below_zero, "s") | of_wrong_kind("W"),
    "processor.throttle.speed_share": SHARES | st.just("0 %"),
    "faults.per_job": SHARES | st.just("100 %"),
    "crashes.every": in_unit(below_zero, "h") | of_wrong_kind("W") | st.just("0 s"),
    "crashes.repair": in_unit(below_zero, "h") | of_wrong_kind("J"),
    "availability.stay": in_unit(below_zero, "h") | of_wrong_kind("bit/s"),
    "churn.belongs": in_unit(below_zero, "d") | of_wrong_kind("W"),
    "up": in_unit(below_zero, "Mbit/s") | of_wrong_kind("s", "W"),
    "rtt": in_unit(below_zero, "ms") | of_wrong_kind("W"),
    "loss": SHARES | st.just("100 %"),
    "count": st.integers(-5, 0) | st.floats(1, 5) | st.just("4"),
}
SOUND = {
    "battery": "15 Wh",
    "power": {"train": "3 W"},
    "charging": {"power": "10 W", "plug": "overnight"},
    "takes_part": {"min_charge_share": "30 %"},
    "processor": {"throttle": {"after": "300 s", "speed_share": "70 %"}},
    "faults": {"per_job": "1 %"},
    "crashes": {"every": "1 h", "repair": "1 min"},
    "availability": {"stay": "3 h", "away": "1 h"},
    "churn": {"belongs": "10 d"},
}


def with_group(tiny, group):
    return {**copy.deepcopy(tiny), "fleet": [{**tiny["fleet"][0], **copy.deepcopy(group)}]}


def test_without_what_is_impossible_the_scenario_loads(tiny):
    assert check(with_group(tiny, SOUND)).fleet[0].battery_j == 54_000.0


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_impossible_is_refused_by_its_key(tiny, data):
    """One line, with the key, or the block and the key; whatever the value, no other error than this."""
    path = data.draw(st.sampled_from(sorted(IMPOSSIBLE)))
    value = data.draw(IMPOSSIBLE[path] | odd)
    if value == math.inf and path in {"speed", "up", "processor.ram", "processor.bandwidth"}:
        return  # infinitely fast, or large, is a thought that one may have
    group, *keys = copy.deepcopy(SOUND), *path.split(".")
    place = group
    for key in keys[:-1]:
        place = place.setdefault(key, {}) if isinstance(place.get(key, {}), dict) else place
    place[keys[-1]] = value
    with pytest.raises(ScenarioError) as caught:
        check(with_group(tiny, group))
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"scenario: fleet[0].{keys[0]}")
    assert keys[-1] in line or path == "charge.uniform"
    assert "got " in line or " is not " in line


BACK = {
    "outages.csv": ("seconds,for", "{:g},1", lambda name: {"outages": [{"node": "cell", "trace": name}]}),
    "walk.csv": (
        "seconds,link",
        "{:g},4g",
        lambda name: {"handover": {"to": [{"link": "wifi", "at": "cell"}], "trace": name}},
    ),
    "there.csv": ("device,t_s,state", "a,{:g},2", lambda name: {"availability": {"trace": name}}),
    "rate.csv": ("t_s,mbps", "{:g},5", lambda name: {"rate": {"trace": name}}),
}


def scenario_file(tiny, folder, words):
    top = {key: value for key, value in words.items() if key == "outages"}
    group = {key: value for key, value in words.items() if key != "outages"}
    path = folder / "it.yaml"
    path.write_text(yaml.safe_dump({**with_group(tiny, group), **top}))
    return path


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(BACK)),
    steps=st.lists(st.integers(3, 50), min_size=2, max_size=6),
    turn=st.data(),
    blank=st.booleans(),
)
def test_a_time_that_goes_back_is_refused_by_file_and_line(tiny, tmp_path_factory, name, steps, turn, blank):
    folder = tmp_path_factory.mktemp("back")
    header, row, words = BACK[name]
    place = turn.draw(st.integers(1, len(steps) - 1))
    times = [sum(steps[: i + 1]) for i in range(len(steps))]
    rows = [row.format(time) for time in times]
    rows[place] = row.format(times[place - 1] - 1.5)
    head = [header, ""] if blank else [header]
    (folder / name).write_text("\n".join([*head, *rows]) + "\n")
    with pytest.raises(ScenarioError) as caught:
        load(scenario_file(tiny, folder, words(name)))
    first, line = str(caught.value).splitlines()[0], len(head) + place + 1
    assert f"{folder / name}: line {line}, " in first or f"{folder / name}:{line}: " in first
    assert f"{times[place - 1] - 1.5:g} s" in first.replace(".0 s", " s")


COLUMNS = {
    "outages.csv": ("for", "seconds,fr\n1,2\n"),
    "walk.csv": ("link", "seconds,lnk\n1,4g\n"),
    "there.csv": ("state", "device,t_s,stat\na,0,2\n"),
    "rate.csv": ("t_s", "t,mbps\n0,5\n"),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("packed", [False, True])
def test_a_missing_column_is_refused_by_file_and_name(tiny, tmp_path, name, packed):
    column, text = COLUMNS[name]
    file = f"{name}.gz" if packed and name in {"there.csv", "rate.csv"} else name
    (tmp_path / file).write_bytes(gzip.compress(text.encode()) if file.endswith(".gz") else text.encode())
    with pytest.raises(ScenarioError) as caught:
        load(scenario_file(tiny, tmp_path, BACK[name][2](file)))
    assert str(tmp_path / file) in str(caught.value)
    assert column in str(caught.value)


def test_columns_of_fleets_and_measurements_are_missed_by_name(tiny, tmp_path):
    (tmp_path / "fleet.csv").write_text("nme,charge\na,80 %\n")
    with pytest.raises(ScenarioError, match=r"fleet\.csv:1: 'nme' is not a known column; did you mean 'name'\?"):
        check(with_group(tiny, {"devices": str(tmp_path / "fleet.csv"), "count": None}))
    (tmp_path / "times.csv").write_text("flops,batch,steps\n1e6,10,5\n")
    with pytest.raises(FedsimError, match=r"times\.csv.*seconds"):
        read_measurements(tmp_path / "times.csv")


@pytest.mark.parametrize("given", [{"devices": []}, {"devices": [], "mix": []}])
def test_an_empty_list_of_devices_says_so(tiny, given):
    words = with_group(tiny, {**given, "count": None})
    with pytest.raises(ScenarioError) as caught:
        check(words)
    rule = "is an empty list, and there is no count: name a device, or give a count"
    assert str(caught.value) == f"scenario: fleet[0].devices: {rule}"
    assert check(with_group(tiny, given)).fleet[0].count == 4
