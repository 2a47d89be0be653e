"""Luck of many things: the published answers of Philox, and the same number for whoever asks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.kernel import Simulation
from fedsim.kernel.philox import philox, philox_blocks

ALL = 0xFFFFFFFF
KNOWN = [  # Random123, kat_vectors, philox4x32 10
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ALL,) * 4, (ALL,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
words = st.integers(0, ALL)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_it_gives_the_published_answers(counter, key, answer):
    assert philox(counter, key) == answer
    many = np.array([counter] * 20_000, dtype=np.uint64).T
    assert (philox_blocks(many, key) == np.array(answer, dtype=np.uint64)[:, None]).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(words, words, words, words), min_size=1, max_size=30), st.tuples(words, words))
def test_many_blocks_are_single_blocks(counters, key):
    together = philox_blocks(np.array(counters, dtype=np.uint64).T, key)
    assert [tuple(column) for column in together.T.tolist()] == [philox(counter, key) for counter in counters]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60), st.integers(0, 2**32 - 1), st.integers(0, 99))
def test_a_draw_does_not_depend_on_who_else_draws(things, draw, seed):
    luck = Simulation(seed=seed).luck("presence", "phones")
    together = luck.pairs(np.array(things, dtype=np.uint64), draw)
    alone = np.concatenate([luck.pairs(np.array([thing], dtype=np.uint64), [draw]) for thing in things], axis=1)
    assert together.tolist() == alone.tolist()
    assert ((together > 0) & (together < 1)).all()
    assert luck.uniforms(np.array(things, dtype=np.uint64), draw).tolist() == together[0].tolist()


def test_nobody_draws_nothing():
    assert Simulation().luck("x").pairs(np.empty(0, dtype=np.uint64), 3).shape == (2, 0)


def test_names_seeds_things_and_draws_are_all_different_luck():
    one, two = np.array([1], dtype=np.uint64), np.array([2**32], dtype=np.uint64)
    sim = Simulation(seed=1)
    drawn = [
        *sim.luck("a").pairs(one, 0)[:, 0],
        *sim.luck("a").pairs(one, 1)[:, 0],
        *sim.luck("a").pairs(two, 0)[:, 0],
        *sim.luck("a", "b").pairs(one, 0)[:, 0],
        *Simulation(seed=2).luck("a").pairs(one, 0)[:, 0],
    ]
    assert len(set(drawn)) == 10


def test_it_is_uniform_over_things_and_over_draws():
    luck, things = Simulation(seed=3).luck("a"), np.arange(20_000, dtype=np.uint64)
    over_things = luck.pairs(things, 7)
    over_draws = luck.pairs(np.full(20_000, 7, dtype=np.uint64), things)
    for sample in (*over_things, *over_draws):
        assert stats.kstest(sample, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(over_things)[0, 1]) < 4 / np.sqrt(20_000)
    assert abs(np.corrcoef(over_things[0], luck.uniforms(things, 8))[0, 1]) < 4 / np.sqrt(20_000)


def test_luck_needs_a_name():
    with pytest.raises(ValueError, match="needs a name"):
        Simulation().luck()
