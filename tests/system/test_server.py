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


def sojourns(arrivals_per_s, law, seed, jobs):
    """Times of jobs at a server, from asking to the end, arriving at random: (jobs,); and the share it was busy."""
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


def sojourns_by_recursion(arrivals_per_s, law, seed, jobs):
    """The same by Lindley's recursion: a job waits for what the one before it still had to wait for when it came."""
    sim = Simulation(seed=seed)
    gaps_s = sim.rng("arrivals").exponential(1 / arrivals_per_s, jobs)
    luck = sim.rng("service", "hub")
    services_s = np.array([law.draw(luck) for _ in range(jobs)])
    return waits(gaps_s, services_s) + services_s


def waits(gaps_s, services_s):
    """Waiting times, (n,), of jobs that come ``gaps_s`` after the one before: W(k + 1) = max(W(k) + S(k) - A(k), 0)."""
    walk = np.concatenate([[0.0], np.cumsum(services_s[:-1] - gaps_s[1:])])
    return walk - np.minimum.accumulate(walk)


def lognormal(mean_s, cv):
    """A law with this mean and coefficient of variation."""
    sigma = math.sqrt(math.log(1 + cv**2))
    return Lognormal(mean_s * math.exp(-(sigma**2) / 2), sigma)


LAWS = {
    "mm1": lambda case: (case["lam"], Exponential(1 / case["mu"])),
    "md1": lambda case: (case["lam"], Constant(1 / case["mu"])),
    "mg1": lambda case: (case["lam"], lognormal(case["mean_service"], case["cv"])),
}
LIGHT = ["mm1_0.5_1", "md1_0.5_1", "md1_0.8_1", "mg1_0.7_cv0.5"]
HEAVY = ["mm1_0.8_1", "mm1_9_10", "md1_9_10", "mg1_0.6_cv2"]


def batch_means(times_s, batches):
    """The mean and its standard error by means of batches, because jobs that follow each other wait alike."""
    means = times_s[: len(times_s) // batches * batches].reshape(batches, -1).mean(axis=1)
    return means.mean(), means.std(ddof=1) / math.sqrt(batches)


@pytest.mark.parametrize("name", LIGHT)
def test_its_queue_is_that_of_theory(closed_form, name):
    """Mean time by means of 40 batches, whose own spread says how exact it is: within four standard errors."""
    case, expected = closed_form(name)
    times_s, busy = sojourns(*LAWS[name[:3]](case), seed=1, jobs=20_000)
    mean_s, error_s = batch_means(times_s[1000:], 40)
    assert error_s < 0.1 * expected["W"]
    assert mean_s == pytest.approx(expected["W"], abs=4 * error_s)
    assert busy == pytest.approx(expected["rho"], rel=0.05)


@pytest.mark.parametrize("name", LIGHT + HEAVY)
def test_every_job_waits_as_the_recursion_says(closed_form, name):
    """Job for job, on the same arrivals and services."""
    case, _ = closed_form(name)
    times_s, _ = sojourns(*LAWS[name[:3]](case), seed=2, jobs=2000)
    assert times_s == pytest.approx(sojourns_by_recursion(*LAWS[name[:3]](case), seed=2, jobs=2000), abs=1e-9)


@pytest.mark.parametrize("name", LIGHT + HEAVY)
def test_its_law_of_service_gives_the_queue_of_theory(closed_form, name):
    """Three million jobs by the recursion, services from the server's law: within four standard errors.

    So many through the server itself would take a minute and a half each. Standard errors are 0.07 % (M/D/1, half
    loaded) to 1.2 % (nine tenths loaded, or a heavy tail); what was found lies at most 2.7 of them off.
    """
    case, expected = closed_form(name)
    arrivals_per_s, law = LAWS[name[:3]](case)
    rng, jobs = np.random.default_rng(3), 3_000_000
    services_s = law.isf(rng.random(jobs))
    waited_s = waits(rng.exponential(1 / arrivals_per_s, jobs), services_s)
    for found_s, value_s in ((waited_s, expected["Wq"]), (waited_s + services_s, expected["W"])):
        mean_s, error_s = batch_means(found_s[10_000:], 100)
        assert error_s < 0.03 * value_s
        assert mean_s == pytest.approx(value_s, abs=4 * error_s)
    if "p95_sojourn" in expected:
        late, error = batch_means((waited_s + services_s > expected["p95_sojourn"])[10_000:].astype(float), 100)
        assert late == pytest.approx(0.05, abs=4 * error)


@pytest.mark.parametrize("name", ["closed_10_20_1", "closed_50_20_0.5", "closed_5_3_1"])
def test_clients_that_compute_and_queue_for_ever(closed_form, name):
    """N clients that think for an exponential time, then wait for the server: jobs a second, and how long each is."""
    case, expected = closed_form(name)
    sim = Simulation(seed=4)
    there = server(sim, Exponential(case["S"]))
    ends_s, spent_s = [], []

    async def client(number):
        luck = sim.rng("thinks", str(number))
        while True:
            await asyncio.sleep(luck.exponential(case["Z"]))
            since_s = sim.now
            await there.compute(0.0)
            ends_s.append(sim.now)
            spent_s.append(sim.now - since_s)

    async def story():
        async with asyncio.timeout(9000 / expected["updates_per_s"]):
            await asyncio.gather(*(client(number) for number in range(case["N"])))

    with pytest.raises(TimeoutError):
        sim.run(story())
    mean_s, error_s = batch_means(np.array(spent_s)[500:], 30)
    assert error_s < 0.05 * expected["time_at_server_s"]
    assert mean_s == pytest.approx(expected["time_at_server_s"], abs=4 * error_s)
    between_s, error_s = batch_means(np.diff(ends_s)[500:], 30)
    assert between_s == pytest.approx(1 / expected["updates_per_s"], abs=4 * error_s)
