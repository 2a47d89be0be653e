"""Weighted max-min fair rates against their definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.fairness import fair_rates
from fedsim.system.weighted_fairness import weighted_rates

INF = math.inf


def rates(takes, capacity_bps, cap_bps, weights):
    """What ``weighted_rates`` gives, from links and uses by flow."""
    longest, n = max(map(len, takes), default=0), len(takes)
    routes, uses = np.full((longest, n), len(capacity_bps)), np.ones((longest, n))
    for flow, take in enumerate(takes):
        routes[: len(take), flow], uses[: len(take), flow] = list(take), list(take.values())
    return weighted_rates(routes, np.array([*capacity_bps, INF]), np.array(cap_bps), uses, np.array(weights)).tolist()


@st.composite
def networks(draw):
    links = draw(st.integers(1, 8))
    capacities = st.sampled_from([1.0, 2.0, 10.0, 1e6, INF]) | st.floats(0.5, 1e9) | st.just(0.0)
    uses = st.sampled_from([1.0, 0.05, 1.05, 0.25]) | st.floats(0.01, 3)
    takes = st.dictionaries(st.integers(0, links - 1), uses, min_size=1, max_size=4)
    caps = st.just(INF) | st.sampled_from([0.25, 1.0, 5e5]) | st.floats(0.01, 1e9)
    weights = st.sampled_from([1.0, 2.0, 0.125]) | st.floats(0.01, 100)
    flows = draw(st.lists(st.tuples(takes, caps, weights), min_size=1, max_size=20))
    return (
        [flow[0] for flow in flows],
        draw(st.lists(capacities, min_size=links, max_size=links)),
        *([flow[place] for flow in flows] for place in (1, 2)),
    )


def close(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-6)


@settings(deadline=None, max_examples=100)
@given(networks())
def test_agrees_with_the_definition(slow_rates, network):
    assert all(map(close, rates(*network), slow_rates(*network)))


@settings(deadline=None, max_examples=100)
@given(networks())
def test_weights_and_uses_of_one_are_plain_fairness(network):
    takes, capacity, cap, weights = network
    plain = [dict.fromkeys(take, 1.0) for take in takes]
    routes = np.full((max(map(len, takes)), len(takes)), len(capacity))
    for flow, take in enumerate(takes):
        routes[: len(take), flow] = list(take)
    expected = fair_rates(routes, np.array([*capacity, INF]), np.array(cap)).tolist()
    assert all(map(close, rates(plain, capacity, cap, [1.0] * len(weights)), expected))


def test_two_hundred_flows_agree_with_the_definition(slow_rates):
    rng = np.random.default_rng(3)
    takes = [
        dict(zip(rng.choice(30, size=4, replace=False).tolist(), rng.choice([1, 0.05], 4).tolist(), strict=True))
        for _ in range(200)
    ]
    network = takes, rng.uniform(1, 9, 30).tolist(), rng.uniform(0.01, 3, 200).tolist(), rng.uniform(1, 5, 200).tolist()
    assert rates(*network) == pytest.approx(slow_rates(*network), rel=1e-12)


def test_shares_of_a_link_are_in_proportion_to_weights():
    assert rates([{0: 1.0}, {0: 1.0}], [8.0], [INF, INF], [3.0, 1.0]) == [6.0, 2.0]


def test_a_full_way_back_freezes_also_those_who_take_little_of_it():
    assert rates([{0: 1.0, 1: 0.25}, {1: 1.0}], [8.0, 2.5], [INF, INF], [1.0, 1.0]) == [2.0, 2.0]
