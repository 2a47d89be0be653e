import multiprocessing
import os
import signal
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from fedsim.errors import FedsimError
from fedsim.study.pool import Job
from fedsim.study.stream import Died, Lanes, on_processes, through


def jobs(*works):
    return [Job(name=f"job {i}", work=work) for i, work in enumerate(works)]


def answers(found):
    return {job.name: answer for job, answer in found}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(mark):
    """Die if nobody has before."""
    if not Path(mark).exists():
        Path(mark).touch()
        die()
    return "alive"


class Counting:
    """An executor that computes nothing until it is asked for a result, and counts what it has."""

    def __init__(self):
        self.waiting = []
        self.most = 0

    def submit(self, work):
        future = Future()
        self.waiting.append((future, work))
        self.most = max(self.most, len(self.waiting))
        if len(self.waiting) == 3:
            while self.waiting:
                self.finish()
        return future

    def finish(self):
        future, work = self.waiting.pop(0)
        future.set_result(work())


def test_one_worker_is_this_process():
    assert answers(on_processes(jobs(os.getpid, os.getpid), 1)) == {"job 0": os.getpid(), "job 1": os.getpid()}


def test_answers_come_one_at_a_time_and_not_before_they_are_asked_for():
    done = []
    stream = on_processes(jobs(partial(done.append, 1), partial(done.append, 2)), 1)
    assert not done
    next(stream)
    assert done == [1]


def test_processes_answer_every_job_and_one_that_kills_its_process_is_told_from_its_neighbours(tmp_path):
    work = [partial(int, text) for text in "12345"]
    work[1:1] = [die, partial(die_once, str(tmp_path / "mark"))]
    found = answers(on_processes(jobs(*work), 2))
    assert found.pop("job 1") == Died(reason="its process died; too little memory?")
    assert sorted(found.items()) == [
        ("job 0", 1), ("job 2", "alive"), ("job 3", 2), ("job 4", 3), ("job 5", 4), ("job 6", 5),
    ]  # fmt: skip


def test_processes_that_never_live_are_nobodys_fault():
    with pytest.raises(FedsimError, match="job 2: its process died, and so did all before it"):
        answers(on_processes(jobs(die, die, die, die), 2))


def test_what_a_job_raises_is_raised_with_its_name():
    for stream in (on_processes(jobs(partial(int, "x"), partial(int, "1")), 2), through(*lanes(partial(int, "x")))):
        with pytest.raises(ValueError, match="invalid literal") as caught:
            answers(stream)
        assert caught.value.__notes__ == ["while running job 0"]


def lanes(*works):
    executor = ThreadPoolExecutor(1)
    return jobs(*works), Lanes(executor=executor, at_a_time=lambda: 2)


def test_no_more_jobs_are_handed_out_than_may_be():
    executor = Counting()
    found = answers(
        through(jobs(*(partial(int, str(i)) for i in range(9))), Lanes(executor=executor, at_a_time=lambda: 3))
    )
    assert found == {f"job {i}": i for i in range(9)}
    assert executor.most == 3


def test_jobs_are_made_when_their_turn_comes():
    made = []

    def making():
        for job in jobs(*(partial(int, str(i)) for i in range(6))):
            made.append(job)
            yield job

    with ThreadPoolExecutor(1) as executor:
        stream = through(making(), Lanes(executor=executor, at_a_time=lambda: 2))
        next(stream)
        assert len(made) == 2
        stream.close()


def test_a_death_that_an_executor_tells_of_is_an_answer():
    executor = ThreadPoolExecutor(1)
    found = through(
        jobs(partial(int, "x"), partial(int, "1")), Lanes(executor=executor, at_a_time=lambda: 2, deaths=(ValueError,))
    )
    assert answers(found) == {
        "job 0": Died(reason="its process died: invalid literal for int() with base 10: 'x'"),
        "job 1": 1,
    }


def test_an_executor_that_breaks_is_one_clear_error():
    executor = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    with executor, pytest.raises(FedsimError, match="the executor gave its jobs up"):
        answers(through(jobs(die), Lanes(executor=executor, at_a_time=lambda: 2)))


def test_what_waits_is_taken_back_when_nobody_wants_it():
    with ThreadPoolExecutor(1) as executor:
        stream = through(
            jobs(partial(int, "1"), *[partial(time.sleep, 0.05)] * 3), Lanes(executor=executor, at_a_time=lambda: 4)
        )
        next(stream)
        stream.close()
        assert executor.submit(int, "7").result() == 7  # at once: the others are not waited for


def test_no_workers_is_refused():
    with pytest.raises(FedsimError, match="workers must be >= 1, got 0"):
        answers(on_processes(jobs(os.getpid), 0))
