"""Luck that belongs to a name: stable for ever, and nobody else's."""

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.kernel import Simulation, Streams

NAME = st.one_of(st.text(max_size=8), st.integers(-(2**70), 2**70))
NAMES = st.lists(NAME, min_size=1, max_size=4).map(tuple)

GOLDEN = {  # a change here changes every result of everybody
    ("a",): [17508723527136842956, 1075500771834542093, 6172097524055476291],
    ("a", "b"): [5920926042757728143, 11073420090753686572, 5657926953934337539],
    ("device", 17): [13228179733314281895, 11917650089337126680, 8136195805925461515],
    (-1,): [494237999042631219, 8215774729469660549, 15700546580170790109],
    ("Größe", "雪"): [17650319188403220524, 16876241580573727543, 481777200202801912],
}
PRINT = """
from fedsim.kernel import Streams
for name in {names!r}:
    print(*Streams(7).generator(*name).bit_generator.random_raw(3))
"""


def raw(*names, seed=7):
    return Streams(seed).generator(*names).bit_generator.random_raw(3).tolist()


@pytest.mark.parametrize("name", GOLDEN, ids=repr)
def test_streams_are_what_they_always_were(name):
    assert raw(*name) == GOLDEN[name]


def test_they_are_the_same_in_another_process_with_other_hashes():
    done = subprocess.run(
        [sys.executable, "-c", PRINT.format(names=list(GOLDEN))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "99", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert [[int(word) for word in line.split()] for line in done.stdout.splitlines()] == list(GOLDEN.values())


def test_the_key_is_the_hash_of_what_the_documentation_says():
    """The slow twin: BLAKE2b of type, length and content of the seed and each name is the key of a Philox."""
    from hashlib import blake2b

    text = b"i1:7" + b"s6:device" + b"i2:17"
    key = np.frombuffer(blake2b(text, digest_size=16).digest(), dtype="<u8")
    assert raw("device", 17) == np.random.Philox(key=key).random_raw(3).tolist()


@given(NAMES, NAMES)
def test_different_names_are_different_streams(one, other):
    same = [(type(part), part) for part in one] == [(type(part), part) for part in other]
    assert (raw(*one) == raw(*other)) == same


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a", "b"), ("ab",)), ((1,), ("1",)), (("a", "b"), ("b", "a")), (("a",), ("a", "")), ((12, 3), (1, 23))],
)
def test_names_that_look_alike_are_different_streams(one, other):
    assert raw(*one) != raw(*other)


def test_the_seed_matters_and_is_kept():
    assert raw("a", seed=1) != raw("a", seed=2)
    assert raw("a", seed=-1) != raw("a", seed=1)
    assert raw("a", seed=2**200) != raw("a", seed=2**200 + 1)
    assert Simulation(seed=5).seed == 5


def test_asking_again_starts_again_and_others_are_not_touched():
    sim = Simulation(seed=7)
    first = sim.rng("a").random(5).tolist()
    sim.rng("b").random(1000)
    assert sim.rng("a").random(5).tolist() == first
    assert sim.rng("a") is not sim.rng("a")


def test_numpys_whole_numbers_are_whole_numbers():
    assert raw("d", np.int32(3)) == raw("d", 3)


@pytest.mark.parametrize("name", [1.0, None, True, b"a", ("a",)])
def test_other_names_are_refused(name):
    with pytest.raises(TypeError, match="name must be a text or a whole number, got"):
        Streams(7).generator(name)


def test_so_are_seeds_that_are_no_whole_numbers_and_streams_without_a_name():
    for seed in (1.5, "x", None, True):
        with pytest.raises(TypeError, match="seed must be a whole number, got"):
            Streams(seed)
    with pytest.raises(ValueError, match="needs a name"):
        Streams(1).generator()


def test_streams_are_uniform_and_independent():
    """A thousand streams, the first thousand numbers of each: means, and correlations between neighbours."""
    numbers = np.array([Streams(7).generator("device", index).random(1000) for index in range(1000)])
    assert abs(numbers.mean() - 0.5) < 4 * np.sqrt(1 / 12 / numbers.size)
    centred = (numbers - 0.5) * np.sqrt(12)
    between = (centred[1:] * centred[:-1]).mean(axis=1)
    assert np.abs(between).max() < 5 / np.sqrt(1000)
    assert abs((centred[:, 0][1:] * centred[:, 0][:-1]).mean()) < 4 / np.sqrt(999)


def test_a_stream_can_be_kept_in_a_pickle():
    stream = Streams(7).generator("a")
    stream.random(3)
    assert pickle.loads(pickle.dumps(stream)).random() == stream.random()  # noqa: S301  # our own


def test_a_hundred_thousand_streams_cost_little_time_and_memory():
    streams = Streams(7)
    before, start = memory_bytes(), time.process_time()
    kept = [streams.generator("device", index) for index in range(100_000)]
    assert time.process_time() - start < 2.0
    assert (memory_bytes() - before) / len(kept) < 1500


def memory_bytes():
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("the process's memory is read from /proc")
    return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_names_that_came_before_are_the_same_names():
    """However many there were meanwhile; and 1 is still not True."""
    streams, names = Streams(3), [f"device-{number}" for number in range(5000)]
    first = [streams.generator("local", name, 1).random() for name in names[:3]]
    for name in names:
        streams.generator("paging", name)
    assert [Streams(3).generator("local", name, 1).random() for name in names[:3]] == first
    assert [streams.generator("local", name, 1).random() for name in names[:3]] == first
    with pytest.raises(TypeError, match="name must be a text or a whole number, got True"):
        streams.generator("local", names[0], True)


def test_a_key_may_be_asked_for_in_words_of_any_size():
    """As any seed of NumPy's: other bit generators ask for other words, all of them the first of the same bytes."""
    seed = Streams(7).generator("a").bit_generator.seed_seq
    halves, whole = seed.generate_state(4), np.array(seed.generate_state(2, np.uint64))
    assert halves.dtype == np.uint32
    assert np.array_equal(halves.astype("<u4").view("<u8"), whole)


def test_drawing_from_one_stream_does_not_move_where_others_begin():
    first = raw("a")
    Streams(7).generator("b").random(1000)
    assert raw("a") == first


@given(names=st.lists(NAMES, min_size=1, max_size=3, unique=True), order=st.lists(st.integers(0, 2), max_size=20))
def test_draws_are_those_of_the_generator_in_whatever_order_streams_are_asked(names, order):
    streams = Streams(3)
    draws = [streams.draws(*name) for name in names]
    generators = [streams.generator(*name) for name in names]
    for number in order:
        one = number % len(names)
        assert draws[one].take() == generators[one].random()
