"""Asynchronous updates over nodes in twenty lines: stories in simulated time, and the closed forms of FedBuff."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.staleness import ConstantStaleness
from fedsim.learners.training import CentralTraining
from fedsim.protocols.asynchronous import AsynchronousUpdates
from fedsim.protocols.roster import Roster
from fedsim.protocols.session import CentralSession
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.tasks.sgd import Sgd

SOLVER = Sgd(epochs=1, batch_size=None, step_size=0.5)


def fedasync(**keys):
    return FedAsync(solver=SOLVER, precision="float64", proximal=0.0, **keys)


def fedbuff(**keys):
    return FedBuff(solver=SOLVER, precision="float64", **keys)


@pytest.fixture(scope="session")
def play(problem, monitor):
    """Runs a protocol in a simulation of its own; gives back the training, the monitor and the events."""

    def run(protocol, learner, devices, rounds):
        sim, watches = Simulation(seed=3), monitor(rounds)
        training = CentralTraining(problem([float(i) for i in range(len(devices))]), learner, sim.rng)
        session = CentralSession(
            devices=Roster(devices, sim.rng),
            training=training,
            streams=sim.rng,
            record=sim.record,
            monitor=watches,
            server=type(devices[0])("server"),
        )
        sim.run(protocol.run(session))
        return training, watches, sim.events.frame()

    return run


def test_every_answer_makes_a_new_model_and_its_device_is_replaced_at_once(central, node):
    """One place: a draws 2 s of work each time. Half way to the target and mixed in by half: 4, then ..."""
    learner = fedasync(mixing=0.5, staleness=ConstantStaleness())
    seen = central(
        AsynchronousUpdates(concurrency=1), [node("a", 0, work_s=2.0)], learner=learner, targets=[16], rounds=3
    )
    assert seen.monitor.ended == [(2.0, 1), (4.0, 2), (6.0, 3)]
    assert seen.training.state == pytest.approx([16 * (1 - 0.75**3)])


def test_a_slow_device_delays_nobody_and_its_answer_is_stale(central, node):
    devices = [node("fast", 0, work_s=1.0), node("slow", 1, work_s=3.5)]
    seen = central(AsynchronousUpdates(concurrency=2), devices, learner=fedasync(), rounds=4)
    combined = seen.events.query("kind == 'round'")
    assert combined["time_s"].tolist() == [1.0, 2.0, 3.0, 3.5]
    assert combined["staleness"].tolist() == [0.0, 0.0, 0.0, 3.0]


def test_the_server_waits_for_its_buffer_and_the_last_answer_is_replaced_with_the_new_model(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=2.0)]
    seen = central(AsynchronousUpdates(concurrency=2, buffer=2), devices, learner=fedbuff(), rounds=2)
    combined = seen.events.query("kind == 'round'")
    assert combined["time_s"].tolist() == [2.0, 3.0]  # a at 1 s, a and b at 2 s: one is left; a at 3 s
    assert combined["answers"].tolist() == [2, 2]


def test_with_equal_durations_and_a_buffer_of_all_places_it_is_federated_averaging(play, node):
    averaging = FedAvg(solver=SOLVER, precision="float64")
    devices = [[node(str(i), i, work_s=1.0, send_s=0.5) for i in range(4)] for _ in range(2)]
    flat, _, _ = play(SynchronousRounds(cohort=4), averaging, devices[0], 5)
    seen, _, events = play(AsynchronousUpdates(concurrency=4, buffer=4), fedbuff(), devices[1], 5)
    assert seen.state == pytest.approx(flat.state, abs=1e-6)
    assert events.query("kind == 'round'")["staleness"].max() == 0


@pytest.mark.parametrize(("places", "buffer"), [(10, 1), (10, 5), (4, 2)])
def test_arrivals_versions_and_staleness_have_their_closed_forms(play, node, places, buffer):
    """M / E[D] arrivals a second, M / (K E[D]) versions, and a mean staleness of (M - 1) / K.

    The paper's M / K counts an answer among those that came before itself.
    """
    lasts_s = np.random.default_rng(0).uniform(0.5, 2.5, 80)
    devices = [node(str(i), i, work_s=lasts_s[i], send_s=0.25) for i in range(80)]
    protocol = AsynchronousUpdates(concurrency=places, buffer=buffer)
    _, _, events = play(protocol, fedbuff(), devices, 400 // buffer)
    combined = events.query("kind == 'round'").iloc[2 * places // buffer :]
    versions_per_s = (len(combined) - 1) / (combined["time_s"].iloc[-1] - combined["time_s"].iloc[0])
    mean_s = events.query("kind == 'trained'")["compute_s"].mean() + 0.25
    assert versions_per_s == pytest.approx(places / (buffer * mean_s), rel=0.02)
    assert combined["staleness"].mean() == pytest.approx((places - 1) / buffer, rel=0.02)


def test_a_device_that_died_is_replaced_at_once_without_a_time_out(central, node):
    devices = [node("a", 0, work_s=10.0, dies_s=3.0), node("b", 1, work_s=1.0)]
    seen = central(AsynchronousUpdates(concurrency=1), devices, learner=fedasync(), rounds=2)
    assert len(seen.monitor.ended) == 2
    assert seen.sim.now <= 3.0 + 2.0


def test_with_a_time_out_a_silent_device_keeps_its_place_until_then(central, node):
    devices = [node("a", 0, work_s=10.0, dies_s=1.0)]
    seen = central(AsynchronousUpdates(concurrency=1, timeout_s=4.0), devices, learner=fedasync(), rounds=2)
    assert seen.monitor.reason == "no devices are left"
    assert seen.sim.now == 4.0
    assert devices[0].ended == ["crash"]


def test_a_device_that_takes_too_long_is_given_up_and_that_is_late(central, node):
    devices = [node("a", 0, work_s=10.0), node("b", 1, work_s=1.0)]
    seen = central(AsynchronousUpdates(concurrency=2, timeout_s=4.0), devices, learner=fedasync(), rounds=4)
    assert devices[0].ended == ["late"]
    assert [time_s for time_s, _ in seen.monitor.ended] == [1.0, 2.0, 3.0, 4.0]


def test_a_server_that_goes_loses_its_buffer_and_the_devices_compute_on(central, node):
    server = node("server", dies_s=1.5, returns_s=2.0)
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=3.0)]
    seen = central(AsynchronousUpdates(concurrency=2, buffer=2), devices, learner=fedbuff(), server=server)
    assert devices[0].stints[0].spoilt == ["crash"]  # arrived at 1 s, lost at 1.5 s
    assert devices[1].ended == []
    assert seen.monitor.ended == [(3.0, 1)]


def test_what_is_under_way_at_the_end_is_in_vain(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=3.0)]
    central(AsynchronousUpdates(concurrency=2), devices, learner=fedasync(), rounds=1)
    assert devices[1].ended == ["stopped"]


def test_devices_that_never_answer_end_the_run(central, node):
    devices = [node("a", 0, memory_bytes=1.0)]
    seen = central(AsynchronousUpdates(concurrency=1), devices, learner=fedasync(), rounds=9)
    assert seen.monitor.reason == "no device answers"


def test_a_learner_that_takes_no_stale_answers_is_refused(central, node):
    with pytest.raises(FedsimError, match="'FedAvg' takes only answers to its present one"):
        central(AsynchronousUpdates(concurrency=1), [node("a", 0)])


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"concurrency": 0}, "concurrency must be >= 1, got 0"),
        ({"concurrency": 1, "buffer": 0}, "buffer must be >= 1, got 0"),
        ({"concurrency": 1, "timeout_s": math.nan}, "timeout must be > 0 and finite, got nan"),
    ],
)
def test_rules_are_checked(keys, rule):
    with pytest.raises(ValueError, match=rule):
        AsynchronousUpdates(**keys)


@settings(deadline=None, max_examples=25)
@given(
    deaths=st.lists(st.one_of(st.none(), st.floats(0.1, 9.0)), min_size=3, max_size=8),
    places=st.integers(1, 4),
    buffer=st.integers(1, 3),
    timeout_s=st.sampled_from([None, 1.6, 5.0]),
)
def test_no_place_is_ever_lost(play, node, deaths, places, buffer, timeout_s):
    """Whoever dies when: from then on as many are at work as there are places, or devices that are left."""
    devices = [
        node(str(i), i, work_s=0.5 + 0.1 * i, send_s=0.1, dies_s=math.inf if death is None else death)
        for i, death in enumerate(deaths)
    ]
    protocol = AsynchronousUpdates(concurrency=places, buffer=buffer, timeout_s=timeout_s)
    _, watched, _ = play(protocol, fedbuff(), devices, 30)
    survivors = [death for death in deaths if death is None]
    if not survivors and len(watched.ended) < 30:
        assert watched.reason == "no devices are left"
        return
    assert len(watched.ended) == 30
    spans = np.array([span for device in devices for span in device.spans])
    times = np.unique(np.round(spans, 9))
    settled_s = max([death for death in deaths if death is not None], default=0.0) + (timeout_s or 0.0)
    for between_s in ((times[1:] + times[:-1]) / 2)[times[:-1] > settled_s]:
        at_work = np.count_nonzero((spans[:, 0] < between_s) & (between_s < spans[:, 1]))
        assert at_work == min(places, len(survivors))
