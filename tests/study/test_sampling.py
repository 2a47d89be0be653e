import numpy as np

from fedsim.scenario.study_file import Sample
from fedsim.scenario.variation import Choice, Integers, LogUniform, Uniform
from fedsim.study.sampling import samples

LAWS = {"deadline": Uniform(low=0.0, high=10.0, unit="s"), "rate": LogUniform(low=0.01, high=1.0)}

RANDOM = [{"deadline": "8.115 s", "rate": 0.01551}, {"deadline": "3.264 s", "rate": 0.1821}]
LATIN = [{"deadline": "7.202 s", "rate": 0.04949}, {"deadline": "4.659 s", "rate": 0.511}]


def column(found, key):
    return [sample[key] for sample in found]


def test_the_same_seed_draws_the_same_and_another_seed_others():
    for how in (Sample(random=5), Sample(latin_hypercube=5)):
        assert samples(LAWS, how, 1) == samples(LAWS, how, 1)
        assert samples(LAWS, how, 1) != samples(LAWS, how, 2)


def test_draws_are_those_that_they_have_always_been():
    """The order of a host's set or dictionary, or its word size, has no part in them."""
    assert samples(LAWS, Sample(random=2), 7) == RANDOM
    assert samples(LAWS, Sample(latin_hypercube=2), 7) == LATIN


def test_more_random_samples_leave_the_first_as_they_are():
    assert samples(LAWS, Sample(random=10), 3)[:4] == samples(LAWS, Sample(random=4), 3)


def test_one_key_more_leaves_the_others_as_they_are():
    more = {**LAWS, "cohort": Integers(low=5, high=20)}
    assert column(samples(more, Sample(random=6), 3), "rate") == column(samples(LAWS, Sample(random=6), 3), "rate")


def test_a_latin_hypercube_has_one_value_in_each_of_equal_parts():
    number = 16
    found = samples(
        {"x": Uniform(low=0.0, high=1.0), "y": LogUniform(low=1.0, high=16.0)}, Sample(latin_hypercube=number), 5
    )
    for shares in (np.array(column(found, "x")), np.log2(column(found, "y")) / 4):
        assert sorted(np.floor(shares * number)) == list(range(number))


def test_equal_samples_are_there_once():
    found = samples({"link": Choice(values=("3g", "wifi"))}, Sample(random=50), 1)
    assert sorted(column(found, "link")) == ["3g", "wifi"]


def test_random_draws_cover_the_range():
    found = np.array(column(samples({"x": Uniform(low=0.0, high=1.0)}, Sample(random=400), 1), "x"))
    assert abs(found.mean() - 0.5) < 4 / np.sqrt(12 * 400)
    assert found.min() < 0.05
    assert found.max() > 0.95
