"""Whole runs: what stops them, what they report, and the laws that every one of them keeps."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fedsim
from fedsim.errors import FedsimError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.learners.training import GossipTraining
from fedsim.scenario import METRICS, check
from fedsim.scenario.build import build
from fedsim.study.run import play

CENTRAL = {
    "learner": {"name": "fedavg", "epochs": 2, "step_size": 0.3},
    "protocol": {"name": "synchronous-rounds", "cohort": 4, "over_selection": 1.5, "deadline": "3 s"},
}
MOCHA = {
    "model": "svm",
    "learner": {"name": "mocha", "omega_every": 3},
    "protocol": {"name": "synchronous-rounds", "cohort": 5, "deadline": "3 s", "work_time": "50 ms"},
}
RING = {
    "learner": {"name": "d-psgd", "step_size": 0.3},
    "protocol": {"name": "synchronous-gossip", "overlay": "ring", "mixing": "metropolis", "patience": "2 s"},
}


def words(*changes, **more):
    """Eight phones learn to tell flowers apart."""
    base = {
        "name": "flowers",
        "topology": {
            "name": "star",
            "nodes": {"server": {"kind": "server"}, "cell": {"kind": "cell"}},
            "links": [{"from": "server", "to": "cell", "capacity": "2 Mbit/s", "delay": "5 ms"}],
        },
        "server": {"at": "server"},
        "fleet": [
            {"name": "slow", "count": 4, "device": "phone-low", "link": "3g", "at": "cell"},
            {"name": "fast", "count": 4, "device": "phone-mid", "link": "wifi", "at": "cell"},
        ],
        "data": {"name": "iris", "partition": {"name": "dirichlet", "alpha": 1, "min_examples": 6}},
        "model": "softmax",
        "stop": {"rounds": 5, "time": "1 min"},
    }
    for change in (*changes, more):
        base |= change
    return base


def test_a_run_stops_at_its_target_and_says_when():
    stop = {"metric": "accuracy", "target": "80 %", "time": "5 min"}
    result = fedsim.run(words(CENTRAL, stop=stop), seed=1)
    assert result.summary.stopped_because == "target reached"
    assert result.curve["accuracy"].iloc[-1] >= 0.8 > result.curve["accuracy"].iloc[:-1].max()
    assert result.time_to("accuracy", 0.8) == result.summary.time_to_target_s == result.summary.simulated_s
    assert result.time_to("accuracy", 1.01) is None


def test_a_run_stops_after_its_rounds():
    result = fedsim.run(words(CENTRAL, stop={"rounds": 3}))
    assert (result.summary.stopped_because, result.summary.rounds) == ("rounds are over", 3.0)
    assert result.curve["round"].tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("kind", [CENTRAL, RING], ids=["rounds", "gossip"])
def test_a_run_stops_when_its_time_is_up(kind):
    result = fedsim.run(words(kind, stop={"time": "7.5 s"}))
    assert (result.summary.stopped_because, result.summary.simulated_s) == ("time is up", 7.5)
    assert result.curve["time_s"].iloc[-1] == 7.5
    assert result.summary.waste["stopped"].pieces >= 1


@pytest.mark.parametrize(("kind", "down", "up"), [(CENTRAL, 60, 60), (MOCHA, 192, 120)], ids=["fedavg", "mocha"])
def test_bytes_are_counts_times_the_size_of_the_learners_messages(kind, down, up):
    """Flowers have 4 features and 3 classes, FedAvg sends 4 bytes a number and MOCHA 8; each fits into a packet.

    Nothing fails here, and a packet has 66 bytes of headers.
    """
    down, up = down + 66, up + 66
    protocol = {**kind["protocol"], "cohort": 8, "over_selection": 1, "deadline": None}
    result = fedsim.run(words(kind, protocol=protocol, stop={"rounds": 3}))
    assert result.summary.waste == {}
    assert (result.down_bytes, result.up_bytes) == (3 * 8 * down, 3 * 8 * up)
    assert (result.curve["down_bytes"].iloc[-1], result.curve["up_bytes"].iloc[-1]) == (3 * 8 * down, 3 * 8 * up)


def test_among_peers_every_message_and_every_waste_is_booked():
    fleet = [{**group, "charge": "50 %"} for group in words()["fleet"]]
    calm = fedsim.run(words(RING, fleet=fleet, stop={"rounds": 4, "time": "1 min"}))
    passed = calm.events["kind"].eq("passed").sum()
    assert calm.summary.waste.keys() <= {"stopped"}  # what counted is not waste
    assert calm.summary.waste["stopped"].usage.work_j < 0.5 * calm.energy_j
    on_wire = 60 + 66  # a model and the headers of its packet
    partial = calm.up_bytes - on_wire * passed
    assert 0 <= partial < on_wire * 16
    lossy = fedsim.run(words(RING, fleet=fleet, network={"message_loss": 0.2}, stop={"rounds": 4, "time": "1 min"}))
    lost = lossy.events["kind"].eq("lost").sum()
    assert lost > 0
    assert (lossy.summary.waste["lost"].pieces, lossy.summary.waste["lost"].usage.sent_bytes) == (lost, on_wire * lost)


def test_half_duplex_links_are_half_duplex():
    devices = build(check(words(CENTRAL)), Simulation()).devices
    assert {device.link: device.spec.access.half_duplex for device in devices} == {"3g": False, "wifi": True}


def test_an_error_while_the_run_goes_on_is_not_swallowed():
    def faulty(point):
        if point.time_s >= 4:
            raise ValueError("tell")

    for kind in (CENTRAL, RING):
        with pytest.raises(ValueError, match="tell"):
            fedsim.run(words(kind, evaluate={"every_rounds": None, "every": "2 s"}, stop={"time": "10 s"}), tell=faulty)


def test_a_step_costs_its_overhead_and_its_operations():
    """A minibatch is a dispatch; so is a local epoch of coordinate steps, however many examples it has."""
    overhead = {"fleet.*.step_overhead": "1 s", "fleet.*.speed": "inf"}
    stop = {"rounds": 1, "time": "1 min"}
    protocol = {"name": "synchronous-rounds", "cohort": 8}
    sgd = fedsim.run(words(CENTRAL, stop=stop, protocol=protocol), overrides=overhead).events
    sdca = fedsim.run(words(MOCHA, stop=stop, protocol=protocol), overrides=overhead).events
    assert sgd.query("kind == 'trained'").eval("abs(compute_s - steps) < 1e-9").all()
    assert sdca.query("kind == 'trained'")["compute_s"].eq(1.0).all()


def test_among_peers_rounds_are_counted_per_peer():
    result = fedsim.run(words(RING, stop={"rounds": 4, "time": "1 min"}))
    assert result.summary.rounds == 4.0
    assert len(result.events.query("kind == 'mixed'")) == 4 * 8
    assert result.summary.spent.sent_bytes == pytest.approx(result.summary.spent.received_bytes)


def test_evaluation_by_simulated_time():
    evaluate = {"every_rounds": None, "every": "2 s"}
    result = fedsim.run(words(CENTRAL, stop={"time": "7 s"}, evaluate=evaluate))
    assert result.curve["time_s"].tolist() == [0.0, 2.0, 4.0, 6.0, 7.0]


def test_whoever_asks_is_told_of_every_evaluation():
    heard = []
    result = fedsim.run(words(CENTRAL), tell=heard.append)
    assert [point.time_s for point in heard] == result.curve["time_s"].tolist()


def test_the_figures_of_a_result_are_those_of_its_curve_and_summary():
    result = fedsim.run(words(CENTRAL), seed=4, overrides={"stop.rounds": 2})
    last = result.curve.iloc[-1]
    assert (result.energy_j, result.up_bytes, result.down_bytes) == (last.energy_j, last.up_bytes, last.down_bytes)
    assert result.summary.final == {name: last[name] for name in METRICS}
    assert (result.seed, result.summary.rounds, result.summary.devices) == (4, 2.0, 8)


def test_a_metric_that_is_not_there_is_named():
    with pytest.raises(KeyError, match=r"no 'acuracy'; it has time_s, round, accuracy"):
        fedsim.run(words(CENTRAL, stop={"rounds": 1})).time_to("acuracy", 0.9)


def test_a_checked_scenario_can_be_changed_as_well():
    scenario = check(words(CENTRAL))
    result = fedsim.run(scenario, seed=9, overrides={"stop.rounds": 2})
    assert (result.seed, result.scenario.seed, result.summary.rounds) == (9, 9, 2.0)
    assert (scenario.seed, scenario.stop.rounds) == (0, 5)


def test_mistakes_are_refused_before_anything_runs():
    with pytest.raises(ScenarioError, match="'fedavrg' is not a known learner; did you mean 'fedavg'"):
        fedsim.run(words(CENTRAL, learner={"name": "fedavrg"}))


def test_limited_work_is_refused_where_the_learner_takes_only_whole_work():
    with pytest.raises(ScenarioError, match="work_time: cuts local work short, and 'fedavg' takes only whole work"):
        check(words(CENTRAL), ["protocol.work_time=1 s"])


def test_a_folder_with_files_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    heard = []
    with pytest.raises(FedsimError, match="has files in it"):
        fedsim.run(words(CENTRAL), out=tmp_path, tell=heard.append)
    assert heard == []
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_more_devices_than_the_data_can_serve_is_one_clear_error():
    fleet = [{"name": "many", "count": 200, "device": "phone-low", "link": "3g", "at": "cell"}]
    with pytest.raises(FedsimError, match="200 devices"):
        fedsim.run(words(CENTRAL, fleet=fleet))


def test_a_faster_network_changes_time_and_not_what_is_learned_per_round():
    """Same luck: with everybody in every round, only the clock can differ."""
    protocol = {"name": "synchronous-rounds", "cohort": 8}
    slow, fast = (
        fedsim.run(words(CENTRAL, protocol=protocol), overrides={"fleet.*.link": link}) for link in ("3g", "wifi")
    )
    assert slow.curve["accuracy"].tolist() == fast.curve["accuracy"].tolist()
    assert slow.summary.simulated_s > 2 * fast.summary.simulated_s


def comings_and_goings(scenario):
    """When each device is there, looked at every second, and its access link."""
    sim = Simulation(seed=3)
    devices = build(scenario, sim).devices
    seen = {device.name: [device.spec.access] for device in devices}

    async def watch():
        for _ in range(60):
            await sim.timeout(1.0)
            for device in devices:
                seen[device.name].append(device.is_up())

    sim.run(watch())
    return seen


@pytest.mark.parametrize("group", [0, 1])
def test_one_more_device_changes_nobody_elses_luck(group):
    life = {"stay": {"exponential": {"mean": "10 s"}}, "away": {"exponential": {"mean": "5 s"}}}
    crashes = {"every": {"exponential": {"mean": "20 s"}}, "repair": "1 s"}
    fleet = [{**one, "availability": life, "crashes": crashes} for one in words()["fleet"]]
    more = [{**one, "count": one["count"] + (index == group)} for index, one in enumerate(fleet)]
    before, after = (comings_and_goings(check(words(CENTRAL, fleet=groups))) for groups in (fleet, more))
    assert len(after) == len(before) + 1
    assert before == {name: after[name] for name in before}
    assert len({tuple(life) for life in before.values()}) == len(before)  # and no two are alike


lives = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([CENTRAL, MOCHA, RING]),
        "seed": st.integers(0, 10**6),
        "loss": st.sampled_from([0.0, 0.05, 0.3]),
        "crash_s": st.sampled_from([1.0, 10.0, 1000.0]),
        "stay_s": st.sampled_from([2.0, 20.0, 2000.0]),
        "charge": st.sampled_from(["0.002 %", "0.01 %", "50 %"]),
    }
)


@settings(deadline=None, max_examples=40)
@given(life=lives)
def test_whatever_happens_joules_and_bytes_are_conserved_and_time_never_goes_back(life):
    scenario = check(
        words(
            life["kind"],
            network={"message_loss": life["loss"]},
            stop={"time": "15 s"},
            fleet=[
                {
                    **group,
                    "charge": life["charge"],
                    "availability": {"stay": {"exponential": {"mean": life["stay_s"]}}, "away": "3 s"},
                    "crashes": {"every": {"exponential": {"mean": life["crash_s"]}}, "repair": "1 s"},
                }
                for group in words()["fleet"]
            ],
        )
    )
    world, monitor = play(scenario, Simulation(seed=life["seed"]))

    assert world.sim.events.frame()["time_s"].is_monotonic_increasing
    assert math.isclose(world.sim.now, 15.0) or monitor.stopped_because != "time is up"
    traffic = world.network.traffic()
    assert traffic.moving_bytes == 0  # every share was given back
    assert traffic.moved_bytes == pytest.approx(traffic.delivered_bytes + traffic.wasted_bytes, rel=1e-9)
    spent = world.spent()
    served = 0.0 if world.server is None else world.server.sent_bytes + world.server.received_bytes
    assert spent.sent_bytes + spent.received_bytes + served == pytest.approx(
        2 * traffic.moved_bytes, rel=1e-9, abs=1e-6
    )
    for device in world.devices:
        used_j = sum(device.usage().energy_j.values())
        assert used_j == pytest.approx(device.spec.charge_j - device.meter.charge_j, rel=1e-9)
        assert 0 <= device.meter.charge_j <= device.spec.charge_j
    wasted = world.waste.total
    assert wasted.work_j <= spent.work_j * (1 + 1e-9)
    assert wasted.sent_bytes <= spent.sent_bytes * (1 + 1e-9)
    training = world.training
    if isinstance(training, GossipTraining):
        assert not training.tape._levels
    else:
        assert not training.bench._waiting
        assert not training.bench._done


@pytest.mark.parametrize(
    ("change", "cause"),
    [({"processor": {"ram": "100 bytes"}}, "memory"), ({"floor": "50 %", "charge": "49 %"}, "floor")],
)
def test_what_a_group_refuses_is_recorded_and_the_rest_goes_on(change, cause):
    """The slow phones will not do it: they are absent, and what they received is wasted."""
    base = words(CENTRAL, stop={"rounds": 3, "time": "1 min"})
    base["fleet"][0] = base["fleet"][0] | change
    result = fedsim.run(base)
    refused = result.events[result.events["kind"] == "refused"]
    assert set(refused["cause"]) == {cause}
    assert refused["subject"].str.startswith("slow").all()
    assert result.summary.waste[cause].pieces == len(refused)
    assert result.summary.waste[cause].usage.received_bytes > 0
    trained = result.events[result.events["kind"] == "trained"]
    assert trained["subject"].str.startswith("fast").all()
    assert result.summary.rounds == 3
