"""Synchronous rounds over nodes in twenty lines: stories in simulated time."""

import asyncio
import math

import numpy as np
import pytest

from fedsim.errors import FedsimError, LinkDownError, NoRouteError
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.mocha import Mocha
from fedsim.learners.training import CentralTraining
from fedsim.protocols.roster import Roster
from fedsim.protocols.session import CentralSession
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.tasks.losses import Squared
from fedsim.tasks.sdca import Sdca
from fedsim.tasks.sgd import Sgd


def test_a_round_lasts_as_long_as_its_slowest_device(central, node):
    devices = [node("a", 0, work_s=2.0, send_s=1.0), node("b", 1, work_s=5.0, send_s=1.0)]
    seen = central(SynchronousRounds(cohort=2), devices, rounds=2)
    assert seen.monitor.ended == [(6.0, 1), (12.0, 2)]


def test_the_round_closes_with_enough_answers_and_the_others_are_surplus(central, node):
    devices = [
        node(name, index, work_s=work_s) for index, (name, work_s) in enumerate([("a", 1.0), ("b", 3.0), ("c", 2.0)])
    ]
    seen = central(SynchronousRounds(cohort=2, over_selection=1.5), devices, targets=[4, 100, 8])
    assert seen.monitor.ended == [(2.0, 1)]
    assert [device.ended for device in devices] == [[], ["surplus"], []]
    assert seen.training.state == pytest.approx([3.0])  # half way from 0 to the mean of 4 and 8


def test_late_devices_are_dropped_at_the_deadline(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=30.0)]
    seen = central(SynchronousRounds(cohort=2, deadline_s=10.0), devices, targets=[4, 100])
    assert seen.monitor.ended == [(10.0, 1)]
    assert devices[1].ended == ["late"]
    assert seen.training.state == pytest.approx([2.0])


def test_a_silent_failure_is_noticed_at_the_deadline(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=30.0, dies_s=3.0)]
    seen = central(SynchronousRounds(cohort=2, deadline_s=10.0), devices)
    assert devices[1].ended == ["crash"]
    assert seen.monitor.ended == [(10.0, 1)]


def test_without_a_deadline_the_round_ends_when_the_last_has_failed(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=30.0, dies_s=3.0)]
    seen = central(SynchronousRounds(cohort=2), devices)
    assert seen.monitor.ended == [(3.0, 1)]


def test_a_lost_answer_leaves_the_server_as_it_was(central, node):
    seen = central(SynchronousRounds(cohort=1), [node("a", 0, loses=(0,))], rounds=2, targets=[8])
    assert [number for _, number in seen.monitor.ended] == [1, 2]
    assert seen.training.state == pytest.approx([4.0])  # one round of two counted


def test_too_few_answers_count_for_nothing(central, node):
    devices = [node("a", 0), node("b", 1, loses=(0,))]
    seen = central(SynchronousRounds(cohort=2, quorum=2), devices, targets=[8, 8])
    assert seen.training.state == pytest.approx([0.0])
    assert devices[0].stints[0].spoilt == ["quorum"]
    assert not seen.events.query("kind == 'round'")["counted"].any()


def test_the_run_stops_when_too_few_are_left(central, node):
    seen = central(SynchronousRounds(cohort=1, deadline_s=2.0), [node("a", 0, work_s=1.0, dies_s=3.5)], rounds=99)
    assert seen.monitor.reason == "too few devices are left"
    assert seen.sim.now == 5.0  # three rounds of 1 s, and one that waited for its deadline


def test_slow_devices_do_part_of_the_work_where_the_learner_takes_it(central, node):
    devices = [node("fast", 0, work_s=0.1), node("slow", 1, work_s=0.4), node("slowest", 2, work_s=3.0)]
    protocol = SynchronousRounds(cohort=3, work_time_s=1.0)
    learner = Mocha(solver=Sdca(loss=Squared(), epochs=5))
    seen = central(protocol, devices, learner=learner, targets=[1, -1, 1])
    trained = seen.events.query("kind == 'trained'").set_index("subject")["steps"]
    assert (trained["fast"], trained["slow"], trained["slowest"]) == (5, 2, 0)


def test_work_is_not_cut_short_where_the_learner_takes_only_whole_work(central, node):
    with pytest.raises(FedsimError, match="'FedAvg' takes only whole work"):
        central(SynchronousRounds(cohort=1, work_time_s=1.0), [node("a", 0)])


@pytest.mark.parametrize(("cohort", "factor", "invited"), [(10, 1.1, 11), (10, 1.3, 13), (3, 1.5, 5), (4, 1.0, 4)])
def test_over_selection_invites_so_many_more(central, node, cohort, factor, invited):
    devices = [node(str(index), index) for index in range(20)]
    seen = central(SynchronousRounds(cohort=cohort, over_selection=factor), devices)
    assert seen.events.query("kind == 'round'")["invited"].tolist() == [invited]


def test_who_is_away_changes_nothing_in_the_luck_of_the_others(central, node, sim):
    """Everybody has a lot in every round; the cohort is the lowest lots among those that are there."""
    lots = np.argsort([sim.rng("lot", str(index), 1).random() for index in range(20)])
    devices = [node(str(index), index, dies_s=0.0 if index == lots[1] else math.inf) for index in range(20)]
    seen = central(SynchronousRounds(cohort=3), devices)
    chosen = seen.events.query("kind == 'received'")["subject"].astype(int)
    assert sorted(chosen) == sorted(lots[[0, 2, 3]])


def test_one_more_device_invites_nobody_else_in_place_of_others(central, node):
    """Whoever was invited among twenty is invited among twenty-one, but for one whom the new one may displace."""
    invited = []
    for count in (20, 21):
        devices = [node(f"d{index}", index) for index in range(count)]
        seen = central(SynchronousRounds(cohort=8), devices)
        invited.append(set(seen.events.query("kind == 'received' and time_s == 0")["subject"]))
    assert len(invited[0] - invited[1]) <= 1


def test_messages_are_as_large_as_the_learner_says(central, node):
    learner = Mocha(solver=Sdca(loss=Squared()))  # 1 weight and 3 constants down, 1 number up
    server, devices = node("server"), [node("a", 0), node("b", 1)]
    central(SynchronousRounds(cohort=2), devices, learner=learner, rounds=2, server=server)
    assert server.sizes == [32] * 4
    assert [device.sizes for device in devices] == [[8, 8], [8, 8]]


def test_the_server_takes_its_time_to_combine(central, node):
    seen = central(SynchronousRounds(cohort=1), [node("a", 0, work_s=1.0)], server=node("server", work_s=2.5))
    assert seen.monitor.ended == [(3.5, 1)]
    (ended,) = seen.events.query("kind == 'round'").to_dict("records")
    assert (ended["seconds"], ended["server_s"]) == (3.5, 2.5)


def test_the_link_of_a_round_is_that_of_the_device_that_closed_it(central, node):
    devices = [node("a", 0, work_s=1.0, link="wifi"), node("b", 1, work_s=2.0, link="3g")]
    seen = central(SynchronousRounds(cohort=2), devices)
    assert seen.events.query("kind == 'round'")["link"].tolist() == ["3g"]


def test_answers_of_a_round_that_the_end_cut_short_did_not_count(node, problem, sim, monitor):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=9.0)]
    learner = FedAvg(solver=Sgd(epochs=1, batch_size=None, step_size=0.5))
    session = CentralSession(
        devices=Roster(devices, sim.rng),
        training=CentralTraining(problem([1, 2]), learner, sim.rng),
        streams=sim.rng,
        record=sim.record,
        monitor=monitor(1),
        server=node("server"),
    )

    async def cut_short():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5.0):
                await SynchronousRounds(cohort=2).run(session)

    sim.run(cut_short())
    assert devices[0].stints[0].spoilt == ["stopped"]
    assert devices[1].ended == ["stopped"]


def test_where_the_time_of_the_closing_device_went_is_recorded(central, node):
    seen = central(SynchronousRounds(cohort=1), [node("a", 0, work_s=2.0, send_s=1.0)])
    (ended,) = seen.events.query("kind == 'round'").to_dict("records")
    wanted = {"seconds": 3.0, "closed_by": "a", "compute_s": 2.0, "upload_s": 1.0, "download_s": 0.0, "answers": 1}
    assert {key: ended[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"cohort": 0}, "cohort must be >= 1, got 0"),
        ({"cohort": 1, "over_selection": 0.5}, "over_selection must be >= 1 and finite, got 0.5"),
        ({"cohort": 1, "over_selection": math.nan}, "over_selection must be >= 1 and finite, got nan"),
        ({"cohort": 1, "quorum": 2}, r"quorum must be between 1 and cohort \(1\), got 2"),
        ({"cohort": 1, "deadline_s": 0.0}, "deadline must be > 0 and finite, got 0.0"),
        ({"cohort": 1, "work_time_s": math.nan}, "work_time must be > 0 and finite, got nan"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(rules, message):
    with pytest.raises(ValueError, match=message):
        SynchronousRounds(**rules)


@pytest.mark.parametrize("error", [NoRouteError, LinkDownError])
def test_a_device_whose_message_does_not_get_through_has_failed(central, node, error):
    """The others' answers count, and the run goes on."""
    devices = [node("a", 0, work_s=1.0), node("b", 1, loses=(0,), error=error)]
    seen = central(SynchronousRounds(cohort=2), devices, rounds=2, targets=[4, 8])
    rounds = seen.events[seen.events["kind"] == "round"]
    assert list(rounds["answers"]) == [1, 2]


def test_what_was_sent_again_is_booked_both_ways_and_recorded(central, node):
    devices = [node("a", 0, work_s=1.0, send_s=2.0, wasted=50.0)]
    seen = central(SynchronousRounds(cohort=1), devices, server=node("server", send_s=1.0, wasted=30.0))
    assert devices[0].stints[0].spoilt == [("resent", 0.0, 30.0), ("resent", 50.0)]
    [round_] = seen.events[seen.events["kind"] == "round"].to_dict("records")
    assert (round_["download_s"], round_["upload_s"], round_["message_bytes_s"]) == (1.0, 2.0, 3.0)


def test_a_device_that_refuses_the_job_is_absent(central, node):
    """Memory for nothing: the others' round goes on without it."""
    devices = [node(f"d{i}", i, work_s=1.0, memory_bytes=0.0 if i == 1 else np.inf) for i in range(3)]
    run = central(SynchronousRounds(cohort=3), devices, rounds=2)
    rounds = run.events[run.events["kind"] == "round"]
    assert rounds["answers"].tolist() == [2, 2]
    assert rounds["closed_by"].tolist() == ["failures", "failures"]


def test_a_server_that_goes_takes_its_round_along_and_is_waited_for(central, node):
    """One has answered and one computes when the server goes at 3 s; it is back at 10 s, and all is done again."""
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=5.0)]
    server = node("server", dies_s=3.0, returns_s=10.0)
    seen = central(SynchronousRounds(cohort=2), devices, server=server, rounds=2, targets=[4, 8])
    assert seen.monitor.ended == [(3.0, 1), (15.0, 2)]
    assert devices[0].stints[0].spoilt == ["crash"]  # what this server calls it
    assert devices[1].ended == ["server"]
    rounds = seen.events[seen.events["kind"] == "round"]
    assert rounds["counted"].tolist() == [False, True]
    assert rounds["closed_by"].tolist() == ["crash", "b"]
    assert seen.training.state == pytest.approx([3.0])  # half way from 0 to the mean of 4 and 8, once
