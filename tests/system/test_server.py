"""A server is a queue: it computes one thing after the other, and its energy is counted."""

import asyncio
import math

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.law import Constant, Exponential, Lognormal
from fedsim.system.server import Server, ServerSpec

GIGA = 1e9


def server(sim, service_s=None):
    return Server(sim, ServerSpec(place="hub", flops_per_s=GIGA, train_w=100.0, idle_w=20.0, service_s=service_s), None)


def test_it_computes_one_thing_after_the_other_and_draws_for_it(at):
    """3 s and 2 s of computing, a third given up while it waits; 5 s of rest."""
    sim = Simulation()
    there = server(sim)

    async def story():
        asked = (
            at(0.0, there.compute, 3 * GIGA),
            at(1.0, there.compute, 2 * GIGA),
            at(1.0, there.compute, GIGA, until_s=4.0),
        )
        outcomes = await asyncio.gather(*asked)
        middle = there.usage()
        await asyncio.sleep(5.0)
        return [outcome.end_s for outcome in outcomes], middle

    ends_s, middle = sim.run(story())
    assert ends_s == [3.0, 5.0, 4.0]
    assert middle.compute_s == 5.0
    spent = there.usage()
    assert {cause: joules for cause, joules in spent.energy_j.items() if joules} == {"compute": 500.0, "idle": 100.0}


def sojourns(arrivals_per_s, law, seed, jobs=20_000):
    """Times of jobs at a server, from asking to the end, arriving at random: (jobs,)."""
    sim = Simulation(seed=seed)
    there = server(sim, law)
    gaps_s = sim.rng("arrivals").exponential(1 / arrivals_per_s, jobs)
    times_s = np.empty(jobs)

    async def job(number):
        since_s = sim.now
        await there.compute(0.0)
        times_s[number] = sim.now - since_s

    async def story():
        async with asyncio.TaskGroup() as group:
            for number, gap_s in enumerate(gaps_s.tolist()):
                await asyncio.sleep(gap_s)
                group.create_task(job(number))

    sim.run(story())
    busy_s = there.usage().compute_s
    return times_s, busy_s / sim.now


def lognormal(mean_s, cv):
    """A law with this mean and coefficient of variation."""
    sigma = math.sqrt(math.log(1 + cv**2))
    return Lognormal(mean_s * math.exp(-(sigma**2) / 2), sigma)


LAWS = {
    "mm1": lambda case: (case["lam"], Exponential(1 / case["mu"])),
    "md1": lambda case: (case["lam"], Constant(1 / case["mu"])),
    "mg1": lambda case: (case["lam"], lognormal(case["mean_service"], case["cv"])),
}


@pytest.mark.parametrize("name", ["mm1_0.5_1", "md1_0.5_1", "md1_0.8_1", "mg1_0.7_cv0.5"])
def test_its_queue_is_that_of_theory(closed_form, name):
    """Mean time by means of 40 batches, whose own spread says how exact it is: within four standard errors."""
    case, expected = closed_form(name)
    times_s, busy = sojourns(*LAWS[name[:3]](case), seed=1)
    batches = times_s[1000 : 1000 + 40 * 475].reshape(40, 475).mean(axis=1)
    error_s = batches.std(ddof=1) / math.sqrt(40)
    assert error_s < 0.1 * expected["W"]
    assert batches.mean() == pytest.approx(expected["W"], abs=4 * error_s)
    assert busy == pytest.approx(expected["rho"], rel=0.05)
