"""How much of its work a device is asked for."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.cocoa import Cocoa
from fedsim.learners.mocha import Mocha
from fedsim.learners.regularisers import MeanRegularised
from fedsim.protocols.effort import DrawnEffort, EffortByCharge, WholeEffort
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.tasks.losses import Squared
from fedsim.tasks.sdca import Sdca

MOCHA = Mocha(solver=Sdca(loss=Squared(), epochs=100))


def steps_of(seen):
    return seen.events.query("kind == 'trained'").groupby("subject")["steps"].apply(list)


def test_drawn_effort_is_uniform_and_each_devices_own(central, node):
    """One example, 100 epochs: a step is a per cent."""

    def play(names):
        protocol = SynchronousRounds(cohort=len(names), effort=DrawnEffort(low=0.1, high=0.6))
        devices = [node(name, index) for index, name in enumerate(names)]
        return steps_of(central(protocol, devices, learner=MOCHA, targets=[1.0] * len(names), rounds=300))

    both = play(["a", "b"])
    for drawn in both:
        assert 10 <= min(drawn) < 13
        assert 57 < max(drawn) <= 60
        assert np.mean(drawn) == pytest.approx(35, abs=4.5 * 50 / np.sqrt(12 * 300))
    assert abs(np.corrcoef(both["a"], both["b"])[0, 1]) < 4.5 / np.sqrt(300)
    assert play(["a", "c"])["a"][300:] == both["a"]  # whoever else is there: the 300 rounds after these


def test_effort_by_charge_falls_with_the_battery(central, node):
    charges = {"full": 1.0, "half": 0.5, "low": 0.1, "empty": 0.0}
    devices = [node(name, index, charge_share=charge) for index, (name, charge) in enumerate(charges.items())]
    protocol = SynchronousRounds(cohort=4, effort=EffortByCharge(full_above=0.5))
    seen = central(protocol, devices, learner=MOCHA, targets=[1, 2, 3, 4])
    assert steps_of(seen).to_dict() == {"full": [100], "half": [100], "low": [20], "empty": [0]}


def test_devices_that_stop_by_themselves_are_charged_what_they_did(central, node):
    """Ridge regression of one example is solved in one step: that is certified after the first of twenty epochs."""
    learner = Cocoa(solver=Sdca(loss=Squared()), penalty=1.0, regulariser=MeanRegularised(), theta=0.5)
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=2.0)]
    seen = central(SynchronousRounds(cohort=2), devices, learner=learner, targets=[1, 2])
    assert steps_of(seen).to_dict() == {"a": [1], "b": [1]}
    assert seen.monitor.ended == [(2.0, 1)]


def test_less_than_all_is_only_for_learners_that_take_it(central, node):
    with pytest.raises(FedsimError, match="effort cuts local work short"):
        central(SynchronousRounds(cohort=1, effort=DrawnEffort()), [node("a", 0)])
    seen = central(SynchronousRounds(cohort=1, effort=DrawnEffort(low=1.0)), [node("a", 0)])
    assert len(seen.monitor.ended) == 1
    assert WholeEffort().share(None, None, 1) == 1.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DrawnEffort(low=0.5, high=0.4), "low and high"),
        (lambda: DrawnEffort(low=-0.1), "low and high"),
        (lambda: DrawnEffort(high=float("nan")), "low and high"),
        (lambda: EffortByCharge(full_above=0.0), "full_above"),
    ],
)
def test_efforts_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
