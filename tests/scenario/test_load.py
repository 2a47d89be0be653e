import math
import re

import pytest
import yaml

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario.load import check, load, resolved
from fedsim.scenario.schema import Scenario
from fedsim.system.law import Constant, Exponential, Lognormal, Uniform


def lines(error):
    return str(error.value).splitlines()


def refusals(words, catalogue, overrides=()):
    with pytest.raises(ScenarioError) as caught:
        check(words, overrides, catalogue=catalogue)
    return lines(caught)


def test_a_scenario_in_words_becomes_values_in_si(words, catalogue):
    scenario = check(words, catalogue=catalogue)
    low, lap = scenario.fleet
    assert (scenario.name, scenario.seed, scenario.devices) == ("small", 1, 6)
    assert (low.count, low.at, low.charge, low.link) == (4, ("cell-a", "cell-b"), Uniform(0.2, 1.0), "3g")
    assert low.availability.stay_s == Exponential(3600.0)
    assert low.availability.away_s == Constant(600.0)
    assert low.crashes is None
    assert (lap.at, lap.charge) == (("cell-a",), Constant(1.0))
    assert (scenario.stop.metric, scenario.stop.target, scenario.stop.time_s) == ("accuracy", 0.9, 1800.0)
    assert scenario.topology.graph.edges["cell-b", "hub"]["capacity_bps"] == 1e6
    assert scenario.learner.value.solver.epochs == 5
    assert (scenario.protocol.value.cohort, scenario.protocol.value.deadline_s) == (3, 10.0)
    assert (scenario.server.at, scenario.server.device) == ("hub", "server")
    assert scenario.network.message_loss == 0.0
    assert scenario.evaluate.every_rounds == 1


def test_what_a_group_leaves_out_comes_from_its_profiles(words, catalogue):
    low, lap = check(words, catalogue=catalogue).fleet
    assert (low.radio, low.flops_per_s, low.battery_j) == ("3g_2012", Constant(5e8), 41_760.0)
    assert (low.up_bps, low.down_bps, low.rtt_s) == (
        Lognormal(9e5, 0.54),
        Lognormal(1.2e6, 0.54),
        Lognormal(0.12, 0.45),
    )
    assert (lap.radio, lap.flops_per_s, lap.battery_j) == ("wifi_modern", Constant(8e10), 198_000.0)


def test_what_a_group_says_goes_before_its_profiles(words, catalogue):
    words["fleet"][0] |= {
        "radio": "4g_2012",
        "speed": {"choice": ["1 GFLOP/s", "2 GFLOP/s"]},
        "battery": "10 Wh",
        "up": "inf",
        "down": "3 Mbit/s",
        "rtt": 0,
        "crashes": {"every": {"weibull": {"scale": "1 h", "shape": 0.7}}, "repair": "1 min"},
    }
    low = check(words, catalogue=catalogue).fleet[0]
    assert (low.radio, low.flops_per_s.mean, low.battery_j) == ("4g_2012", 1.5e9, 36_000.0)
    assert (low.up_bps, low.down_bps, low.rtt_s) == (Constant(math.inf), Constant(3e6), Constant(0.0))
    assert (low.crashes.every_s.shape, low.crashes.repair_s) == (0.7, Constant(60.0))


def test_a_device_on_the_mains_has_no_battery(words, catalogue):
    words["fleet"][0] |= {"device": "jetson"}
    assert check(words, catalogue=catalogue).fleet[0].battery_j is None


def test_a_resolved_scenario_holds_everything_and_loads_to_an_equal_one(words, catalogue):
    words["fleet"][0] |= {"speed": {"lognormal": {"median": 1e9 / 3, "sigma": 0.1}}, "device": "jetson"}
    words["network"] = {"message_loss": "0.5 %"}
    scenario = check(words, catalogue=catalogue)
    text = resolved(scenario, catalogue=catalogue)
    again = check(yaml.safe_load(text), catalogue=catalogue)
    assert again == scenario
    assert hash(again) == hash(scenario)
    assert resolved(again, catalogue=catalogue) == text
    written = yaml.safe_load(text)
    assert written["network"]["message_loss"] == "0.5 %"
    assert written["fleet"][1]["up"] == {"lognormal": {"median": "25 Mbit/s", "sigma": 0.4}}
    assert written["protocol"]["deadline"] == "10 s"
    assert written["topology"]["links"][0]["capacity"] == "8 Mbit/s"
    assert written["evaluate"] == {"every_rounds": 1, "every": None, "unseen": None, "also": []}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("seed", 2),
        ("fleet.lap.count", 3),
        ("learner.prior", "peaked"),
        ("topology.links.0.delay", "6 ms"),
        ("model.bias", False),
    ],
)
def test_scenarios_that_differ_are_not_equal(words, catalogue, path, value):
    assert check(words, {path: value}, catalogue=catalogue) != check(words, catalogue=catalogue)
    assert check(words, catalogue=catalogue) != "small"


def test_overrides_from_the_command_line_and_from_python(words, catalogue):
    texts = ["fleet.low.count=20", "fleet.*.link=4g", "learner.epochs=7", "stop.time=1 h", "seed=5"]
    pairs = {"fleet.low.count": 20, "fleet.*.link": "4g", "learner.epochs": "7", "stop.time": "1 h", "seed": 5}
    scenario = check(words, texts, catalogue=catalogue)
    assert scenario == check(words, pairs, catalogue=catalogue)
    assert [group.link for group in scenario.fleet] == ["4g", "4g"]
    assert (scenario.devices, scenario.learner.value.solver.epochs, scenario.seed) == (22, 7, 5)
    assert scenario.stop.time_s == 3600.0


def test_the_seed_given_apart_goes_before_all_others(words, catalogue):
    assert check(words, ["seed=5"], seed=9, catalogue=catalogue).seed == 9
    assert refusals(words, catalogue, ["seed=-5"]) == ["--set seed: seed: must be >= 0, got -5"]


def test_swapping_the_learner_and_protocol_is_two_overrides(words, catalogue):
    scenario = check(words, ["learner=chat", "protocol=talk"], catalogue=catalogue)
    assert (scenario.learner.name, scenario.protocol.name) == ("chat", "talk")


def test_files_topology_and_base_are_found_from_the_file(words, catalogue, tmp_path, monkeypatch):
    topology = words.pop("topology")
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "village.yaml").write_text(yaml.safe_dump(topology))
    (tmp_path / "runs").mkdir()
    base = tmp_path / "runs" / "base.yaml"
    base.write_text(yaml.safe_dump({**words, "topology": "../nets/village.yaml"}))
    top = tmp_path / "top.yaml"
    top.write_text("extends: runs/base.yaml\nname: top\nlearner: {epochs: 9}\n")
    monkeypatch.chdir(tmp_path)
    scenario = load("top.yaml", seed=4, catalogue=catalogue)
    assert (scenario.name, scenario.seed, scenario.learner.value.solver.epochs) == ("top", 4, 9)
    assert scenario.topology.name == "village"
    base.write_text(yaml.safe_dump({**words, "topology": "../nets/vilage.yaml", "seed": "x"}))
    with pytest.raises(ScenarioError) as caught:
        load(top, catalogue=catalogue)
    missing = tmp_path / "nets" / "vilage.yaml"
    assert lines(caught) == [
        f"{base}: topology: {missing}: no such file; did you mean '{tmp_path / 'nets' / 'village.yaml'}'?",
        f"{base}: seed: must be a whole number, got 'x'",
    ]


def test_all_mistakes_are_reported_at_once(words, catalogue):
    words |= {
        "name": "a b",
        "seed": -1,
        "servr": {"at": "hub"},
        "learner": {"name": "averag"},
        "model": {"name": "linear", "bias": 1},
        "protocol": {"name": "rounds", "cohort": 3, "dedline": "3 s"},
        "stop": {"metric": "accuracy", "target": "200 %", "rounds": 0},
        "evaluate": {"every": "0 s"},
    }
    words["fleet"][0] |= {"count": 0, "device": "phone-lo", "link": "6g", "at": "cell-d", "charge": "120 %"}
    words["fleet"][1] |= {"up": {"lognormal": {"median": 1, "sgma": 2}}, "crashes": {"every": "0 s"}, "chrge": 1}
    assert refusals(words, catalogue) == [
        "scenario: name: must be a name of letters, digits, '-' and '_', got 'a b'",
        "scenario: seed: must be >= 0, got -1",
        "scenario: fleet[0].count: must be >= 1, got 0",
        (
            "scenario: fleet[0].device: 'phone-lo' is not a known device; did you mean 'phone-low'? "
            "(known: phone-low, phone-mid, phone-high, raspberry-pi-4, jetson, laptop, server)"
        ),
        (
            "scenario: fleet[0].link: '6g' is not a known link; did you mean '5g'? "
            "(known: 3g, 4g, 5g, 5g_mmwave, wifi, ethernet)"
        ),
        (
            "scenario: fleet[0].at: 'cell-d' is not a known place in the topology; did you mean 'cell-b'? "
            "(known: hub, cell-a, cell-b)"
        ),
        "scenario: fleet[0].charge: must lie between 0 % and 100 %, got 120 %",
        (
            "scenario: fleet[1].up.lognormal.sgma: 'sgma' is not a known parameter of lognormal; "
            "did you mean 'sigma'? (known: median, sigma)"
        ),
        "scenario: fleet[1].up.lognormal.sigma: is missing",
        "scenario: fleet[1].crashes.every: must be > 0, got 0 s",
        "scenario: fleet[1].crashes.repair: is missing",
        (
            "scenario: fleet[1].chrge: 'chrge' is not a known key; did you mean 'charge'? (known: name, count, "
            "device, link, radio, at, charge, runtime, speed, step_overhead, power, processor, ...)"
        ),
        "scenario: model.bias: must be true or false, got 1",
        "scenario: learner.name: 'averag' is not a known learner; did you mean 'average'? (known: average, chat)",
        (
            "scenario: protocol.dedline: 'dedline' is not a known key; did you mean 'deadline'? (known: cohort, "
            "deadline, chunk, limit, budget, floor, work, speed, waits, drop_share, think, shape, ...)"
        ),
        "scenario: stop.target: must be above 0 % and at most 100 %, got 200 %",
        "scenario: stop.rounds: must be >= 1, got 0",
        "scenario: evaluate.every: must be > 0 and finite, got '0 s'",
        (
            "scenario: servr: 'servr' is not a known key; did you mean 'server'? (known: name, seed, topology, "
            "network, server, edges, fleet, outages, data, model, learner, compression, ...)"
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fleet": []}, ["scenario: fleet: has no devices: it needs at least one group"]),
        ({"fleet.*.name": "same"}, ["--set fleet.*.name: fleet[1].name: 'same' is the name of an earlier group"]),
        ({"fleet.low.at": []}, ["--set fleet.low.at: fleet[0].at: must have at least 1 item, got 0"]),
        ({"server.at": "hob"}, [
            ("--set server.at: server.at: 'hob' is not a known place in the topology; did you mean 'hub'? "
            "(known: hub, cell-a, cell-b)")
        ]),
        ({"protocol.cohort": 7}, [
            "--set protocol.cohort: protocol.cohort: must be at most the 6 devices there are, got 7"
        ]),
        ({"learner": "chat"}, [
            "scenario: protocol: 'rounds' is for central learners; 'chat' is decentralised: it has no server's part"
        ]),
        ({"protocol": "talk"}, [
            ("--set protocol: protocol: 'talk' is for decentralised learners; 'average' is central: "
            "it needs a server that combines answers")
        ]),
        ({"server": None}, ["scenario: protocol: 'rounds' needs a server: give 'server: {at: ...}'"]),
        ({"model": "other"}, ["scenario: learner: 'average' cannot train a 'other' model, only one of: linear"]),
        ({"stop": {"target": 0.9}}, [
            "--set stop: stop: needs a bound, time, rounds, energy or plateau: a target may never be reached"
        ]),
        ({"topology.links.0.delay": "-1 ms"}, [
            "scenario: topology.links[0].delay: must be >= 0 and finite, got '-1 ms'"
        ]),
        ({"topology": 3}, ["--set topology: topology: must be the path of a file or a mapping, got 3"]),
        ({"topology": None}, ["--set topology: topology: must be the path of a file or a mapping, got null"]),
        ({"network.message_loss": 1}, [
            "--set network.message_loss: network.message_loss: must be at least 0 % and below 100 %, got 1"
        ]),
        ({"fleet.low.availability.stay": "inf"}, [
            "--set fleet.low.availability.stay: fleet[0].availability.stay: must be finite, got inf"
        ]),
        ({"fleet.low.rtt": "-1 ms"}, ["--set fleet.low.rtt: fleet[0].rtt: must be >= 0, got -1 ms"]),
        ({"fleet.low.speed": {"choice": [0, 1]}}, [
            "--set fleet.low.speed: fleet[0].speed: must be > 0, got 0 flop/s to 1 FLOP/s"
        ]),
        ({"fleet.low.battery": "0 Wh"}, [
            "--set fleet.low.battery: fleet[0].battery: must be > 0 and finite, got '0 Wh'"
        ]),
        ({"fleet.low.radio": "am"}, [
            ("--set fleet.low.radio: fleet[0].radio: 'am' is not a known radio (known: 3g_2012, 4g_2012, 4g_2020, "
            "5g_low, 5g_mmwave, wifi_2012, wifi_modern, ethernet)")
        ]),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_with_the_reason(words, catalogue, changes, expected):
    if changes.get("fleet") == []:
        words["fleet"] = changes.pop("fleet")
    assert refusals(words, catalogue, changes) == expected


def test_a_broken_topology_hides_no_other_mistake_and_entails_none(words, catalogue):
    words["topology"]["links"][0]["delay"] = "-1 ms"
    words["fleet"][0]["at"] = "nowhere"
    words["seed"] = -1
    assert refusals(words, catalogue) == [
        "scenario: topology.links[0].delay: must be >= 0 and finite, got '-1 ms'",
        "scenario: seed: must be >= 0, got -1",
    ]


def test_mistakes_in_overrides_are_reported_with_the_others(words, catalogue):
    words["seed"] = -1
    assert refusals(words, catalogue, ["fleet.lop.count=3", "seed", "netwrk.x=1"]) == [
        "--set fleet.lop.count: 'lop' is not a known item of fleet; did you mean 'low'? (known: low, lap)",
        "--set seed: must be key.path=value",
        "scenario: seed: must be >= 0, got -1",
        (
            "--set netwrk.x: netwrk: 'netwrk' is not a known key; did you mean 'network'? (known: name, seed, "
            "topology, network, server, edges, fleet, outages, data, model, learner, compression, ...)"
        ),
    ]


def test_gossip_may_do_without_a_server(words, catalogue):
    scenario = check(words, {"learner": "chat", "protocol": "talk", "server": None}, catalogue=catalogue)
    assert scenario.server is None


def test_a_missing_key_is_the_files_own(words, catalogue):
    del words["stop"], words["fleet"]
    assert refusals(words, catalogue) == ["scenario: fleet: is missing", "scenario: stop: is missing"]


def test_a_scenario_is_made_by_the_loader_only(words):
    with pytest.raises(FedsimError, match=re.escape("a scenario is made by load() or check()")):
        Scenario.model_validate(words)


def test_a_scenario_can_not_be_changed(words, catalogue):
    scenario = check(words, catalogue=catalogue)
    with pytest.raises(ValueError, match="frozen"):
        scenario.seed = 3
    with pytest.raises(ValueError, match="frozen"):
        scenario.fleet[0].count = 3
