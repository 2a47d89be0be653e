"""Step sizes that fall by the round."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.decay import Exponential, Milestones, rates


def test_milestones_take_a_tenth_each():
    decay = Milestones(at=(100, 150), by=0.1)
    assert [decay.factor(version) for version in (0, 99, 100, 149)] == [1.0, 1.0, 0.1, 0.1]
    assert decay.factor(150) == pytest.approx(0.01)


def test_an_exponential_decays_every_round():
    assert [Exponential(per_round=0.5).factor(version) for version in (0, 1, 3)] == [1.0, 0.5, 0.125]


def test_each_device_has_the_step_size_of_what_it_received():
    versions = np.array([0, 2, 1])
    assert rates(0.4, None, versions) is None
    assert rates(0.4, Exponential(per_round=0.5), versions).tolist() == [0.4, 0.1, 0.2]


def test_what_does_not_fall_is_refused():
    with pytest.raises(FedsimError, match=r"rounds >= 1 that rise, got \[150, 100\]"):
        Milestones(at=(150, 100))
    with pytest.raises(FedsimError, match=r"rounds >= 1 that rise, got \[0\]"):
        Milestones(at=(0,))
    with pytest.raises(FedsimError, match="by must be > 0 and <= 1, got 0"):
        Milestones(by=0)
    with pytest.raises(FedsimError, match="per_round must be > 0 and <= 1, got nan"):
        Exponential(per_round=float("nan"))
