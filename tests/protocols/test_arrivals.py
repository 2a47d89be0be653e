"""Who waits for the answers of a round is woken when there are enough."""

import asyncio

import pytest

from fedsim.kernel import Simulation
from fedsim.protocols.arrivals import Arrivals


@pytest.fixture
def sim():
    return Simulation(seed=1)


def ended_s(sim, comes, *, goal, asked, stays=False):
    """When the wait ends if these come, an answer or None for a failure, one a second; and who came by then."""
    replies = []

    async def main():
        arrivals = Arrivals(replies, goal=goal, asked=asked, stays=stays)

        async def come():
            for one in comes:
                await asyncio.sleep(1)
                arrivals.put(one)

        coming = sim.spawn(come())
        try:
            async with asyncio.timeout(10):
                await arrivals.enough()
        except TimeoutError:
            pass
        finally:
            coming.cancel()
        return sim.now

    return sim.run(main()), replies


def test_the_goal_ends_the_wait(sim):
    assert ended_s(sim, ["a", "b", "c"], goal=2, asked=3) == (2.0, ["a", "b"])


def test_failures_end_it_when_nobody_is_left(sim):
    assert ended_s(sim, ["a", None, None], goal=2, asked=3) == (3.0, ["a"])


def test_until_a_deadline_failures_are_not_heard_of(sim):
    assert ended_s(sim, ["a", None, None], goal=2, asked=3, stays=True) == (10.0, ["a"])


def test_whoever_asks_nobody_need_not_wait(sim):
    assert ended_s(sim, [], goal=0, asked=0) == (0.0, [])
