"""What links carried over time, on links of 8 Mbit/s: one megabyte a second."""

import asyncio
import math

import pytest

from fedsim.kernel import Simulation
from fedsim.system.link_series import LinkSeries
from fedsim.system.links import SharedLinks

MB = 1e6
MBPS = 8e6


class Doubling:
    """1, 2, 4, ... MB/s, each for ten seconds."""

    def at(self, time_s):
        period = int(time_s // 10)
        return MBPS * 2**period, 10.0 * (period + 1)


async def send(links, megabytes, route, at_s=0.0):
    await asyncio.sleep(at_s)
    await links.move(links.flow(megabytes * MB), route)


def tell(series):
    return list(zip(series.time_s.tolist(), series.load_bps / MBPS, series.capacity_bps / MBPS, strict=True))


@pytest.fixture
def sim():
    return Simulation(seed=1)


@pytest.fixture
def links(sim):
    return SharedLinks(sim)


def run(sim, *coroutines):
    async def story():
        await asyncio.gather(*coroutines)
        await asyncio.sleep(0.001)  # the instant of the last end is over

    sim.run(story())


def test_a_row_for_each_change_and_none_for_those_that_change_nothing(sim, links):
    server, access = links.add_link(2 * MBPS), links.add_link(MBPS)
    series = links.follow(server)
    run(sim, send(links, 3, [server, access]), send(links, 2, [server], 1.0), send(links, 1, [server], 6.0))
    # two at 1 MB/s fill it from 1 s on; at 3 s both are there
    assert tell(series) == [(0.0, 1, 2), (1.0, 2, 2), (3.0, 0, 2), (6.0, 2, 2), (6.5, 0, 2)]
    assert links.follow(server) is series


def test_carried_bytes_and_utilisation_of_a_stretch(sim, links):
    link = links.add_link(4 * MBPS)
    access = links.add_link(MBPS)
    series = links.follow(link)
    run(sim, send(links, 3, [link, access], 1.0))
    assert series.carried_bytes(0, 10) == 3 * MB
    assert series.carried_bytes(1.5, 2.0) == 0.5 * MB
    assert series.carried_bytes(2.0, 2.0) == 0
    assert series.utilisation(0, 6) == 0.125
    assert series.utilisation(2, 3) == 0.25


def test_it_begins_when_somebody_asks_with_what_is_then(sim, links):
    link = links.add_link(MBPS)
    found = []

    async def ask():
        await asyncio.sleep(1.0)
        found.append(links.follow(link))

    run(sim, send(links, 2, [link]), ask())
    assert tell(found[0]) == [(1.0, 1, 1), (2.0, 0, 1)]
    with pytest.raises(ValueError, match=r"must begin at 1\.0 s or later, got 0\.5 s to 2\.0 s"):
        found[0].carried_bytes(0.5, 2.0)


def test_a_capacity_that_varies_is_seen_while_flows_are_there(sim, links):
    link = links.add_link(Doubling())
    series = links.follow(link)
    run(sim, send(links, 10, [link], 5.0), send(links, 1, [link], 35.0))
    assert tell(series) == [(0.0, 0, 1), (5.0, 1, 1), (10.0, 2, 2), (12.5, 0, 2), (35.0, 8, 8), (35.125, 0, 8)]
    assert series.utilisation(0, 40) == pytest.approx((7.5 + 0.125) / 40)


def test_a_change_of_an_idle_link_is_seen(sim, links):
    link = links.add_link(MBPS)
    series = links.follow(link)

    async def narrow():
        await asyncio.sleep(2.0)
        links.set_capacity(link, 0.5 * MBPS)

    run(sim, narrow())
    assert tell(series) == [(0.0, 0, 1), (2.0, 0, 0.5)]


def test_shares_of_the_way_back_count(sim, links):
    up, down = links.add_link(MBPS), links.add_link(MBPS)
    series = links.follow(down)
    run(sim, links.move(links.flow(1 * MB), [up], 0.0, [down], 0.25))
    assert tell(series) == [(0.0, 0.25, 1), (1.0, 0, 1)]


def test_a_link_without_end_is_never_utilised(sim, links):
    endless, line = links.add_link(math.inf), links.add_link(MBPS)
    series = links.follow(endless)
    run(sim, send(links, 1, [endless, line]))
    assert series.carried_bytes(0, 1) == 1 * MB
    assert series.utilisation(0, 1) == 0


@pytest.mark.parametrize("stretch", [(2.0, 1.0), (math.nan, 1.0), (1.0, math.nan), (1.0, math.inf), (-1.0, 1.0)])
def test_stretches_that_cannot_be_are_refused(stretch):
    series = LinkSeries()
    series.note(0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"must begin at 0\.0 s or later"):
        series.carried_bytes(*stretch)
    with pytest.raises(ValueError, match=r"to_s must be >|must begin at"):
        series.utilisation(*stretch)


def test_a_mean_over_no_time_is_refused():
    series = LinkSeries()
    with pytest.raises(ValueError, match="must begin at nothing"):
        series.carried_bytes(1.0, 1.0)
    with pytest.raises(ValueError, match=r"to_s must be > 1\.0, got 1\.0"):
        series.utilisation(1.0, 1.0)
