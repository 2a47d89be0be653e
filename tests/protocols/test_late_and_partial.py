"""Answers that come late, and work that is cut short: stories in simulated time."""

import pytest

from fedsim.errors import FedsimError
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.staleness import ConstantStaleness
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.tasks.sgd import Sgd

HALF_WAY = Sgd(epochs=1, batch_size=None, step_size=0.5)
SUMS = FedBuff(solver=HALF_WAY, precision="float64", staleness=ConstantStaleness())


def test_a_late_answer_counts_in_the_next_round_with_its_staleness(central, node):
    devices = [node("a", 0, work_s=6.0), node("b", 1, work_s=15.0)]
    rules = SynchronousRounds(cohort=2, deadline_s=10.0, late="keep")
    seen = central(rules, devices, learner=SUMS, targets=[4, 100], rounds=2)
    rounds = seen.events.query("kind == 'round'")
    assert rounds["answers"].tolist() == [1, 2]
    assert devices[1].ended == []
    # a: half way to 4, then from 2 to 3; b's 50 is a change of 0 -> 50: the mean of 1 and 50 is added to 2
    assert seen.training.state == pytest.approx([2.0 + (1.0 + 50.0) / 2])


def test_who_still_works_is_not_invited_again(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=35.0)]
    rules = SynchronousRounds(cohort=2, deadline_s=10.0, late="keep")
    seen = central(rules, devices, learner=SUMS, rounds=4)
    assert seen.events.query("kind == 'round'")["invited"].tolist() == [2, 1, 1, 1]
    assert len(devices[1].stints) == 1


def test_surplus_answers_are_late_ones(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=1.5)]
    rules = SynchronousRounds(cohort=1, over_selection=2.0, late="keep")
    seen = central(rules, devices, learner=SUMS, rounds=2)
    assert seen.events.query("kind == 'round'")["answers"].tolist() == [1, 2]
    assert [time_s for time_s, _ in seen.monitor.ended] == [1.0, 2.0]


def test_where_everybody_is_late_the_round_waits_for_one(central, node):
    rules = SynchronousRounds(cohort=1, deadline_s=10.0, late="keep")
    seen = central(rules, [node("a", 0, work_s=14.0)], learner=SUMS, targets=[8], rounds=2)
    assert [time_s for time_s, _ in seen.monitor.ended] == [10.0, 14.0]
    assert seen.training.state == pytest.approx([4.0])


def test_late_answers_at_the_end_are_in_vain(central, node):
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=15.0)]
    central(SynchronousRounds(cohort=2, deadline_s=10.0, late="keep"), devices, learner=SUMS, rounds=1)
    assert devices[1].ended == ["stopped"]


def test_a_server_that_goes_loses_late_answers_that_it_had(central, node):
    server = node("server", dies_s=13.0, returns_s=14.0)
    devices = [node("a", 0, work_s=5.0), node("b", 1, work_s=12.0)]
    rules = SynchronousRounds(cohort=2, deadline_s=10.0, late="keep")
    central(rules, devices, learner=SUMS, rounds=2, server=server)
    assert "crash" in devices[1].stints[0].spoilt


def test_a_learner_that_takes_only_answers_to_its_present_model_must_be_told(central, node):
    keep = SynchronousRounds(cohort=1, deadline_s=10.0, late="keep")
    with pytest.raises(FedsimError, match="late combines answers to older models, and 'FedAvg' takes only"):
        central(keep, [node("a", 0)])
    devices = [node("a", 0, work_s=6.0), node("b", 1, work_s=15.0)]
    anyway = SynchronousRounds(cohort=2, deadline_s=10.0, late="keep-anyway")
    averaging = FedAvg(solver=HALF_WAY, precision="float64")
    seen = central(anyway, devices, learner=averaging, targets=[4, 100], rounds=2)
    assert seen.training.state == pytest.approx([(3.0 + 50.0) / 2])


def stepwise(epochs=10):
    """One step a second, each half way to the target; mixed in whole."""
    solver = Sgd(epochs=epochs, batch_size=None, step_size=0.5)
    return FedAsync(solver=solver, precision="float64", proximal=0.0, mixing=1.0, staleness=ConstantStaleness())


def test_a_device_cut_off_by_the_deadline_sends_what_it_has(central, node):
    """The deadline is at 3.5 s, the third step is done at 3 s; the answer is under way for half a second."""
    device = node("a", 0, work_s=1.0, send_s=0.5)
    rules = SynchronousRounds(cohort=1, deadline_s=3.5, grace_s=2.0)
    seen = central(rules, [device], learner=stepwise(), targets=[16])
    assert seen.events.query("kind == 'trained'")["steps"].tolist() == [3]
    assert seen.training.state == pytest.approx([16 * (1 - 0.5**3)])
    assert seen.monitor.ended == [(4.0, 1)]


def test_a_step_that_ends_at_the_deadline_has_ended(central, node):
    rules = SynchronousRounds(cohort=1, deadline_s=3.0, grace_s=2.0)
    seen = central(rules, [node("a", 0, work_s=1.0)], learner=stepwise(), targets=[16])
    assert seen.events.query("kind == 'trained'")["steps"].tolist() == [3]


def test_who_is_not_there_by_the_end_of_the_grace_is_late(central, node):
    device = node("a", 0, work_s=1.0, send_s=5.0)
    seen = central(SynchronousRounds(cohort=1, deadline_s=3.5, grace_s=2.0), [device], learner=stepwise())
    assert device.ended == ["late"]
    assert seen.monitor.ended == [(5.5, 1)]


def test_who_has_done_no_step_by_the_deadline_sends_nothing(central, node):
    device = node("a", 0, work_s=9.0)
    seen = central(SynchronousRounds(cohort=1, deadline_s=3.5, grace_s=2.0), [device], learner=stepwise())
    assert device.sizes == []
    assert seen.monitor.ended == [(5.5, 1)]
    assert seen.training.state == pytest.approx([0.0])


def test_who_is_done_before_the_deadline_is_not_cut(central, node):
    rules = SynchronousRounds(cohort=1, deadline_s=30.0, grace_s=2.0)
    seen = central(rules, [node("a", 0, work_s=1.0)], learner=stepwise(4), targets=[16])
    assert seen.events.query("kind == 'trained'")["steps"].tolist() == [4]
    assert seen.monitor.ended == [(4.0, 1)]


def test_grace_needs_a_learner_that_takes_partial_work(central, node):
    with pytest.raises(FedsimError, match="grace cuts local work short, and 'FedAvg' takes only whole work"):
        central(SynchronousRounds(cohort=1, deadline_s=1.0, grace_s=1.0), [node("a", 0)])


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"grace_s": 1.0}, "grace begins at a deadline, and there is none"),
        ({"deadline_s": 1.0, "grace_s": 0.0}, "grace must be > 0 and finite, got 0.0"),
        ({"late": "sometimes"}, "late must be one of drop, keep, keep-anyway, got 'sometimes'"),
        ({"pause_s": 0.0}, "pause must be > 0 and finite, got 0.0"),
    ],
)
def test_rules_are_checked(keys, rule):
    with pytest.raises(ValueError, match=rule):
        SynchronousRounds(cohort=1, **keys)
