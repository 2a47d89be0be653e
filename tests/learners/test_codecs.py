"""What arrives of numbers that are coded, and how long their code is when it is really packed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.codecs import Float16, Qsgd, RandomK, TopK

NUMBERS = np.random.default_rng(1).normal(size=300) * np.geomspace(1e-3, 10, 300)
ALL = [Float16(), Qsgd(levels=4, bucket=64), Qsgd(levels=127), TopK(share=0.1), RandomK(share=0.1)]


def luck(seed=0):
    return np.random.default_rng(seed)


def packed_bits(values, bits):
    """Whole numbers one after the other, each in so many bits."""
    rows = (np.asarray(values, dtype=np.uint64)[:, None] >> np.arange(bits, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(rows.astype(np.uint8).ravel())


def unpacked_bits(code, bits, count):
    rows = np.unpackbits(code)[: bits * count].reshape(count, bits).astype(np.uint64)
    return (rows << np.arange(bits, dtype=np.uint64)).sum(axis=1)


def encode(codec, numbers, rng):
    """The code of the numbers as bytes, by the definition in words; and what is read from it."""
    if isinstance(codec, Float16):
        code = numbers.astype("<f2").tobytes()
        return code, np.frombuffer(code, dtype="<f2").astype(float)
    if isinstance(codec, Qsgd):
        norms = codec.norms(numbers)
        each = np.repeat(norms, codec.bucket)[: len(numbers)]
        whole = codec.whole(numbers, each, rng)
        tail = packed_bits(whole + codec.levels, codec.bits)
        code = norms.astype("<f4").tobytes() + tail.tobytes()
        read = unpacked_bits(np.frombuffer(code[4 * len(norms) :], dtype=np.uint8), codec.bits, len(numbers))
        return code, (read.astype(float) - codec.levels) * (each / codec.levels)
    if isinstance(codec, TopK):
        places = np.sort(np.argsort(-np.abs(numbers))[: round(codec.share * len(numbers))])
        bits = max(int(np.ceil(np.log2(len(numbers)))), 1)
        values = numbers[places].astype("<f4").view("<u4")
        head = packed_bits(values, 32)
        both = np.concatenate([np.unpackbits(head), np.unpackbits(packed_bits(places, bits))[: bits * len(places)]])
        code = np.packbits(both).tobytes()
        result = np.zeros(len(numbers))
        result[places] = numbers[places].astype(np.float32)
        return code, result
    places = rng.choice(len(numbers), size=round(codec.share * len(numbers)), replace=False)
    values = (numbers[places] * len(numbers) / len(places)).astype("<f4")
    result = np.zeros(len(numbers))
    result[places] = values
    return np.uint64(7).tobytes() + values.tobytes(), result


@pytest.mark.parametrize("codec", ALL, ids=repr)
@pytest.mark.parametrize("count", [10, 64, 65, 300])
def test_bytes_are_those_of_a_code_that_is_really_packed(codec, count):
    code, read = encode(codec, NUMBERS[:count], luck())
    assert len(code) == codec.size_bytes(count)
    assert codec.carried(NUMBERS[:count], luck()) == pytest.approx(read, rel=1e-12)


@pytest.mark.parametrize("codec", [Qsgd(levels=1, bucket=50), Qsgd(levels=4, bucket=300), RandomK(share=0.2)], ids=repr)
def test_it_is_right_in_the_mean(codec):
    numbers = luck(3).normal(size=300)
    drawn = np.stack([codec.carried(numbers, luck(seed)) for seed in range(1000)])
    z = (drawn.mean(axis=0) - numbers) / (deviation(codec, numbers) / np.sqrt(len(drawn)))
    assert np.abs(z).max() < 4.5  # of 300 normal ones, one is beyond that once in 500 times
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.35)


def deviation(codec, numbers):
    """The exact standard deviation of each number: of a step that is taken or not, of a number that is sent or not."""
    if isinstance(codec, RandomK):
        return np.abs(numbers) * np.sqrt(1 / codec.share - 1)
    step = np.repeat(codec.norms(numbers), codec.bucket)[: len(numbers)] / codec.levels
    p = np.modf(np.abs(numbers) / step)[0]
    return step * np.sqrt(p * (1 - p))


@settings(deadline=None, max_examples=30)
@given(levels=st.integers(1, 20), size=st.integers(1, 60), seed=st.integers(0, 10**6))
def test_quantising_varies_no_more_than_the_papers_bound(levels, size, seed):
    """Lemma 3.1 on one bucket, and the exact variance."""
    v = luck(seed).normal(size=size) ** 3
    codec = Qsgd(levels=levels, bucket=size)
    exact = (deviation(codec, v) ** 2).sum()
    bound = min(size / levels**2, np.sqrt(size) / levels) * (v @ v)
    assert exact <= bound * (1 + 1e-6)
    draws, step = 100, codec.norms(v)[0] / levels
    errors = [((codec.carried(v, luck([seed, draw])) - v) ** 2).sum() for draw in range(draws)]
    p = np.modf(np.abs(v) / step)[0]
    spread = step**2 * np.sqrt(
        (p * (1 - p) * (1 - 2 * p) ** 2).sum() / draws
    )  # of the mean; a rare step is one or none
    assert np.mean(errors) == pytest.approx(exact, abs=6 * spread + 5 * step**2 / draws)


def test_quantised_numbers_are_whole_steps_of_the_norm():
    codec = Qsgd(levels=4, bucket=4)
    read = codec.carried(np.array([3.0, -4.0, 0.0, 0.0, 0.0, 0.0]), luck())
    steps = read[:4] / (5.0 / 4)
    assert steps == pytest.approx(np.round(steps))
    assert steps[1] in {-3.0, -4.0}  # 3.2 steps down
    assert (read[4:] == 0).all()  # a bucket of nothing


def test_top_k_takes_the_largest_and_random_k_scales_what_it_takes():
    v = np.array([1.0, -5.0, 2.0, 4.0])
    assert TopK(share=0.5).carried(v, luck()).tolist() == [0.0, -5.0, 0.0, 4.0]
    read = RandomK(share=0.5).carried(v, luck())
    assert np.count_nonzero(read) == 2
    assert set(read) <= {0.0, *(2 * v)}
    assert TopK(share=0.01).size_bytes(4) == 5  # one number of 32 + 2 bits


def test_half_precision_cuts_off_what_it_cannot_hold():
    assert Float16().carried(np.array([1e9, -1e9, 1 / 3]), luck()) == pytest.approx([65504, -65504, 1 / 3], rel=5e-4)


@pytest.mark.parametrize(
    ("codec", "keys", "rule"),
    [
        (Qsgd, {"levels": 0}, "levels must be >= 1, got 0"),
        (Qsgd, {"bucket": 0}, "bucket must be >= 1, got 0"),
        (TopK, {"share": 0.0}, "top-k: share must be > 0 and <= 1, got 0.0"),
        (RandomK, {"share": float("nan")}, "random-k: share must be > 0 and <= 1, got nan"),
    ],
)
def test_parameters_are_checked(codec, keys, rule):
    with pytest.raises(FedsimError, match=rule):
        codec(**keys)
