"""Max-min fair rates against their definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.fairness import max_min_rates

INF = math.inf


@pytest.fixture(scope="session")
def max_min_slow(slow_rates):
    def rates(routes, capacity_bps, cap_bps):
        return slow_rates([dict.fromkeys(route, 1.0) for route in routes], capacity_bps, cap_bps, [1.0] * len(routes))

    return rates


@st.composite
def networks(draw, most_flows=40, most_links=12):
    links = draw(st.integers(1, most_links))
    capacities = st.one_of(st.sampled_from([1.0, 2.0, 10.0, 1e6, INF]), st.floats(0.5, 1e9), st.just(0.0))
    capacity = draw(st.lists(capacities, min_size=links, max_size=links))
    route = st.lists(st.integers(0, links - 1), max_size=4, unique=True)
    routes = draw(st.lists(route, min_size=1, max_size=most_flows))
    caps = st.one_of(st.just(INF), st.sampled_from([0.25, 1.0, 5e5]), st.floats(0.0, 1e9))
    return routes, capacity, draw(st.lists(caps, min_size=len(routes), max_size=len(routes)))


def close(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)


@settings(deadline=None, max_examples=300)
@given(networks())
def test_agrees_with_the_definition(max_min_slow, network):
    rates = max_min_rates(*network)
    assert all(map(close, rates.tolist(), max_min_slow(*network)))


@settings(deadline=None, max_examples=300)
@given(networks())
def test_no_link_is_overfull_and_every_flow_has_a_bottleneck(network):
    routes, capacity, cap = network
    rates = max_min_rates(*network).tolist()
    on = {link: [f for f, route in enumerate(routes) if link in route] for link in range(len(capacity))}
    load = {link: sum(rates[f] for f in flows) for link, flows in on.items()}
    for link, room in enumerate(capacity):
        assert load[link] <= room * (1 + 1e-9) + 1e-6
    for flow, route in enumerate(routes):
        saturated = (
            link
            for link in route
            if close(load[link], capacity[link]) and rates[flow] >= max(rates[f] for f in on[link]) * (1 - 1e-9)
        )
        assert close(rates[flow], cap[flow]) or any(True for _ in saturated)


@pytest.mark.parametrize("flows", [8, 200])
def test_two_sizes_of_problem_take_two_paths_and_give_one_answer(max_min_slow, flows):
    rng = np.random.default_rng(3)
    routes = [rng.choice(30, size=rng.integers(1, 5), replace=False).tolist() for _ in range(flows)]
    capacity, cap = rng.uniform(1, 9, 30), rng.uniform(0.1, 3, flows)
    assert max_min_rates(routes, capacity, cap) == pytest.approx(max_min_slow(routes, capacity, cap), rel=1e-12)


def test_links_that_nobody_uses_make_no_difference():
    rng = np.random.default_rng(3)
    used = rng.choice(10_000, size=30, replace=False)
    routes = [rng.choice(used, size=rng.integers(1, 5), replace=False).tolist() for _ in range(60)]
    capacity = rng.uniform(1, 9, 10_000)
    place = {link: number for number, link in enumerate(used.tolist())}
    alone = max_min_rates([[place[link] for link in route] for route in routes], capacity[used])
    assert max_min_rates(routes, capacity).tolist() == alone.tolist()


def test_long_flow_of_a_parking_lot_gets_what_the_narrowest_link_leaves():
    routes = [[0, 1, 2], [0], [1], [2]]
    assert max_min_rates(routes, [10.0, 4.0, 20.0]).tolist() == [2.0, 8.0, 2.0, 18.0]


def test_what_a_capped_flow_leaves_goes_to_the_others():
    assert max_min_rates([[0]] * 3, [9.0], [1.0, INF, INF]).tolist() == [1.0, 4.0, 4.0]


def test_hundreds_of_access_lines_below_and_above_the_share_of_one_server_line():
    access = [1.0] * 100 + [50.0] * 100  # 500 through the line: 100 at 1, the rest share 400
    routes = [[flow, 200] for flow in range(200)]
    assert max_min_rates(routes, [*access, 500.0]).tolist() == [1.0] * 100 + [4.0] * 100


def test_flow_that_nothing_limits_is_infinitely_fast():
    assert max_min_rates([[], [0], [0]], [INF], [INF, INF, 3.0]).tolist() == [INF, INF, 3.0]
    assert max_min_rates([[], []], []).tolist() == [INF, INF]
    assert max_min_rates([], [1.0]).tolist() == []


def test_link_that_is_down_stops_its_flows_only():
    assert max_min_rates([[0], [0, 1], [1]], [0.0, 8.0]).tolist() == [0.0, 0.0, 8.0]


@pytest.mark.parametrize(
    ("routes", "capacity", "cap", "message"),
    [
        ([[0]], [-1.0], None, "capacity_bps must be one row of numbers >= 0"),
        ([[0]], [math.nan], None, "capacity_bps must be one row of numbers >= 0"),
        ([[0]], [[1.0]], None, "capacity_bps must be one row"),
        ([[0]], [1.0], [math.nan], "cap_bps must be 1 numbers >= 0"),
        ([[0], [0]], [1.0], [1.0], "cap_bps must be 2 numbers >= 0"),
        ([[0], [1]], [1.0], None, r"routes\[1\] must name links 0\.\.0 once, got \[1\]"),
        ([[0, 0]], [1.0], None, r"routes\[0\] must name links"),
        ([[-1]], [1.0], None, r"routes\[0\] must name links"),
    ],
)
def test_bad_input_is_refused(routes, capacity, cap, message):
    with pytest.raises(ValueError, match=message):
        max_min_rates(routes, capacity, cap)
