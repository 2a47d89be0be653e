"""Who is chosen, by what, and with whose luck."""

import asyncio
import math

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.training import CentralTraining
from fedsim.protocols.power_of_choice import PowerOfChoice
from fedsim.protocols.roster import Roster
from fedsim.protocols.section import Section
from fedsim.protocols.selection import ByCharge, ByExamples, ByProbability, BySpeed, RoundRobin, Uniform, races
from fedsim.protocols.session import CentralSession
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd


def session_of(devices, problem, seed=7, server=None):
    sim = Simulation(seed=seed)
    learner = FedAvg(solver=Sgd(epochs=1, batch_size=None, step_size=0.5), precision="float64")
    training = CentralTraining(problem, learner, sim.rng)
    session = CentralSession(
        devices=Roster(devices, sim.rng),
        training=training,
        streams=sim.rng,
        record=sim.record,
        monitor=None,
        server=server or type(devices[0])("server"),
    )
    return sim, session


def chosen(selection, session, sim, wanted, rounds):
    """Indices of those that were chosen, round by round."""
    choose = selection.begin(len(session.devices))

    async def all_rounds():
        return [[device.index for device in await choose(session, wanted, number)] for number in rounds]

    return sim.run(all_rounds())


def crowd(node, count, **lists):
    return [node(f"d{i}", i, **{key: values[i] for key, values in lists.items()}) for i in range(count)]


def sized(sizes):
    device = np.repeat(np.arange(len(sizes)), sizes)
    rows = Examples.of(np.ones((len(device), 1)), np.ones(len(device)), device, len(sizes))
    return Problem(model=LeastSquares(features=1, bias=False), train=rows, test=rows)


def test_uniform_takes_the_lowest_lots(node, problem):
    sim, session = session_of(crowd(node, 9), problem(range(9)))
    lots = session.devices.uniforms(3)
    assert chosen(Uniform(), session, sim, 4, [3]) == [np.argsort(lots)[:4].tolist()]


def test_by_probability_is_independent_and_drawn_again_if_nobody_is_chosen(node, problem):
    sim, session = session_of(crowd(node, 10), problem(range(10)))
    rounds = chosen(ByProbability(probability=0.1), session, sim, 99, range(1, 401))
    sizes = np.array([len(one) for one in rounds])
    assert sizes.min() == 1
    assert sizes.mean() == pytest.approx(1 / (1 - 0.9**10), rel=0.05)  # of a binomial that is not 0
    lots = session.devices.uniforms(5)
    if (lots < 0.1).any():
        assert sorted(rounds[4]) == np.flatnonzero(lots < 0.1).tolist()


def test_by_probability_finds_nobody_where_nobody_is(node, problem):
    sim, session = session_of(crowd(node, 2, dies_s=[0.0, 0.0]), problem(range(2)))
    assert chosen(ByProbability(probability=0.5), session, sim, 1, [1]) == [[]]


def test_by_charge_takes_the_fullest_and_nobody_below_the_minimum(node, problem):
    charge = [0.3, 1.0, 0.8, 0.1, 0.8]
    sim, session = session_of(crowd(node, 5, charge_share=charge), problem(range(5)))
    (full,) = chosen(ByCharge(min_share=0.3), session, sim, 3, [1])
    assert full[0] == 1
    assert set(full) == {1, 2, 4}
    (all_of_them,) = chosen(ByCharge(min_share=0.3), session, sim, 9, [1])
    assert set(all_of_them) == {0, 1, 2, 4}
    by_lot = chosen(ByCharge(min_share=0.3, fullest_first=False), session, sim, 1, range(1, 41))
    assert {one for (one,) in by_lot} == {0, 1, 2, 4}


def test_by_speed_is_in_proportion_to_a_power_of_speed(node, problem):
    class Clocked(node):
        def compute_s(self, flops, dispatches, *, moved_bytes=0.0):
            return flops / (1.0 + self.index)

    sim, session = session_of(crowd(Clocked, 3), problem(range(3)))
    assert session.devices.speeds_flops_per_s() == pytest.approx([1.0, 2.0, 3.0])
    for power, shares in ((1.0, [1 / 6, 2 / 6, 3 / 6]), (0.0, [1 / 3] * 3), (60.0, [0.0, 0.0, 1.0])):
        first = np.ravel(chosen(BySpeed(power=power), session, sim, 1, range(1, 1001)))
        assert np.bincount(first, minlength=3) / 1000 == pytest.approx(shares, abs=0.05)


def test_by_examples_is_in_proportion_to_them(node):
    sim, session = session_of(crowd(node, 3), sized([1, 3, 6]))
    first = np.ravel(chosen(ByExamples(), session, sim, 1, range(1, 1001)))
    assert np.bincount(first) / 1000 == pytest.approx([0.1, 0.3, 0.6], abs=0.05)


def test_races_draw_without_putting_back():
    """The second of two has its share among those that are left."""
    rng = np.random.default_rng(0)
    weights = np.array([1.0, 3.0, 6.0, 0.0])
    orders = np.array([np.argsort(races(rng.random(4), weights), kind="stable") for _ in range(4000)])
    second = np.bincount(orders[orders[:, 0] == 2][:, 1], minlength=4) / (orders[:, 0] == 2).sum()
    assert second == pytest.approx([0.25, 0.75, 0.0, 0.0], abs=0.04)
    assert (orders[:, 3] == 3).all()


def test_round_robin_asks_who_has_waited_longest(node, problem):
    devices = crowd(
        node, 5, dies_s=[math.inf, 0.0, math.inf, math.inf, math.inf], returns_s=[math.inf, 1.0] + [math.inf] * 3
    )
    sim, session = session_of(devices, problem(range(5)))
    assert chosen(RoundRobin(), session, sim, 2, [1, 2, 3]) == [[0, 2], [3, 4], [0, 2]]
    choose = RoundRobin().begin(5)

    async def story():
        first = [device.index for device in await choose(session, 2, 1)]
        await asyncio.sleep(2.0)
        return first, [device.index for device in await choose(session, 2, 2)]

    assert sim.run(story()) == ([0, 2], [1, 3])


def test_power_of_choice_trains_the_worst_served_of_its_candidates(node, problem):
    """Losses of w = 0 are half of the targets squared: 2, 18, 8, 0.5 ..."""
    devices = crowd(node, 4, send_s=[0.5] * 4)
    server = node("server", send_s=0.25)
    sim, session = session_of(devices, problem([2.0, 6.0, 4.0, 1.0]), server=server)
    assert chosen(PowerOfChoice(candidates=4), session, sim, 2, [1]) == [[1, 2]]
    assert sim.now == 0.75  # the model down, the loss up
    assert server.sizes == [8] * 4
    assert [device.sizes for device in devices] == [[4]] * 4
    polled = sim.events.frame().query("kind == 'polled'").set_index("subject")["loss"]
    assert polled.to_dict() == {"d0": 2.0, "d1": 18.0, "d2": 8.0, "d3": 0.5}


def test_power_of_choice_draws_its_candidates_by_their_examples(node):
    sim, session = session_of(crowd(node, 3), sized([1, 3, 6]))
    first = np.ravel(chosen(PowerOfChoice(candidates=1), session, sim, 1, range(1, 301)))
    assert np.bincount(first, minlength=3) / 300 == pytest.approx([0.1, 0.3, 0.6], abs=0.08)


def test_a_candidate_that_is_late_or_lost_is_not_chosen(node, problem):
    devices = crowd(node, 3, work_s=[9.0, 1.0, 1.0], loses=[(), (0,), ()])
    sim, session = session_of(devices, problem([9.0, 9.0, 1.0]))
    assert chosen(PowerOfChoice(candidates=3, patience_s=2.0), session, sim, 2, [1]) == [[2]]
    assert devices[0].ended == ["late"]
    assert sim.now == 2.0


def test_a_section_is_a_crew_of_some(node, problem):
    sim, session = session_of(crowd(node, 9), problem(range(9)))

    async def story():
        for outside in ([4], [0, 2, 3, 4, 8]):
            among = ~np.isin(np.arange(9), outside)
            section = Section(session.devices, among)
            order = [index for index in np.argsort(session.devices.uniforms(1)) if among[index]]
            assert [device.index for device in section.choose(3, 1)] == order[:3]
            assert len(section) == 9
        return await section.gathered(4), await section.gathered(5)

    assert sim.run(story()) == (True, False)


def test_rounds_choose_by_their_selection_and_pause_where_it_finds_nobody(central, node):
    devices = crowd(node, 3, charge_share=[0.1, 0.2, 0.3])
    seen = central(SynchronousRounds(cohort=1, selection=ByCharge()), devices)
    assert seen.events.query("kind == 'received'")["subject"].tolist() == ["d2"]


def test_a_selection_that_finds_nobody_costs_a_pause_and_the_round(central, node):
    rules = SynchronousRounds(cohort=1, selection=ByCharge(min_share=0.5), pause_s=30.0)
    seen = central(rules, [node("a", 0, charge_share=0.1)], rounds=2)
    assert seen.monitor.ended == [(30.0, 1), (60.0, 2)]
    assert not seen.events.query("kind == 'round'")["counted"].any()


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: ByProbability(probability=0.0), "probability must be > 0 and <= 1, got 0.0"),
        (lambda: ByCharge(min_share=1.5), "min_share must be between 0 and 1, got 1.5"),
        (lambda: BySpeed(power=math.nan), "power must be >= 0 and finite, got nan"),
        (lambda: PowerOfChoice(candidates=0), "candidates must be >= 1, got 0"),
        (lambda: PowerOfChoice(candidates=1, patience_s=0.0), "patience must be > 0 and finite, got 0.0"),
    ],
)
def test_parameters_are_checked(make, rule):
    with pytest.raises(ValueError, match=rule):
        make()
