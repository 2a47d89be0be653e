import os
from functools import partial

import pytest

from fedsim.errors import FedsimError
from fedsim.study.pool import Job, run_all
from fedsim.units import parse


def jobs(*texts):
    return [Job(name=f"job {text}", work=partial(parse, text, "s")) for text in texts]


def run(work, workers=1):
    told = []
    return run_all(work, workers=workers, tell=told.append), told


def test_answers_come_in_the_order_of_the_jobs():
    assert run(jobs("1 min", "2 s")) == ([60.0, 2.0], [60.0, 2.0])


def test_more_processes_give_the_same_answers():
    answers, told = run(jobs("1 min", "2 s", "3 s"), workers=2)
    assert answers == [60.0, 2.0, 3.0]
    assert sorted(told) == [2.0, 3.0, 60.0]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_refusal_names_its_job(workers):
    with pytest.raises(FedsimError, match=r"^job never: 'never' is not a time"):
        run(jobs("1 s", "never"), workers)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_mistake_of_ours_keeps_its_type_and_names_its_job(workers):
    work = [*jobs("1 s"), Job(name="job int", work=partial(int, "x"))]
    with pytest.raises(ValueError, match="invalid literal") as caught:
        run(work, workers)
    assert caught.value.__notes__ == ["while running job int"]


def test_a_process_that_dies_is_one_clear_error():
    work = [*jobs("1 s"), Job(name="job exit", work=partial(os._exit, 3))]
    with pytest.raises(FedsimError, match="its process died"):
        run(work, workers=2)


def test_no_workers_is_refused():
    with pytest.raises(FedsimError, match="workers must be >= 1, got 0"):
        run(jobs("1 s"), workers=0)
