"""Jobs as a stream: answers come one at a time as they are ready, and no more jobs wait than are needed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from fedsim.errors import FedsimError
from fedsim.study.pool import Job, deaf_children, processes

Answer = TypeVar("Answer")

_TRIES_ALONE: Final = 2
_PATIENCE: Final = 3
"""So many jobs may die in a row, before any has finished, until that is no fault of theirs."""

_NONE_LIVED: Final = (
    "its process died, and so did all before it, as soon as they started: "
    "a script that asks for workers must be guarded by 'if __name__ == \"__main__\"'"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Died:
    """The process of a job died, as often as it was tried."""

    reason: str


Answers = Iterator[tuple[Job[Answer], Answer | Died]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lanes:
    """Where jobs go: an executor, how many it may have at a time, and what it says of a job that kills its process."""

    executor: Executor
    at_a_time: Callable[[], int]
    deaths: tuple[type[BaseException], ...] = ()


def through(jobs: Iterable[Job[Answer]], lanes: Lanes) -> "Answers[Answer]":
    """Every job's answer, in any order; those that wait for one are bounded, however many jobs there are.

    Raises:
        FedsimError: the executor is broken, or gave jobs up.
        Exception: whatever else a job raised.
    """
    waiting: dict[Future[Answer], Job[Answer]] = {}
    todo = iter(jobs)
    try:
        while True:
            for job in islice(todo, max(0, max(1, lanes.at_a_time()) - len(waiting))):
                waiting[lanes.executor.submit(job.work)] = job
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                job = waiting.pop(future)
                found = _answer(job, future, lanes.deaths)
                yield job, found
    except (BrokenExecutor, CancelledError) as error:
        raise FedsimError(f"the executor gave its jobs up: {error or type(error).__name__}") from error
    finally:
        for future in waiting:
            future.cancel()


def _answer(job: Job[Answer], future: Future[Answer], deaths: tuple[type[BaseException], ...]) -> Answer | Died:
    try:
        return _result(job, future)
    except deaths as error:
        return Died(reason=f"its process died: {error}")


def _result(job: Job[Answer], future: Future[Answer]) -> Answer:
    try:
        return future.result()
    except Exception as error:
        error.add_note(f"while running {job.name}")
        raise


def on_processes(jobs: Sequence[Job[Answer]], workers: int) -> "Answers[Answer]":
    """Every job's answer from processes of this machine, or from this one where there is to be one worker.

    A process may die, of too little memory for instance, and takes what the others do along. What was under way
    then, or waited for its turn, runs alone: a job that dies twice more is itself to blame.

    Raises:
        FedsimError: ``workers`` is not positive.
        Exception: what a job raised.
    """
    if not workers >= 1:
        raise FedsimError(f"workers must be >= 1, got {workers!r}")
    if min(workers, len(jobs)) <= 1:
        yield from ((job, job.work()) for job in jobs)
        return
    todo, any_finished = deque(jobs), False
    while todo:
        suspects: list[Job[Answer]] = []
        for job, answer in _until_broken(todo, workers, 2 * workers, suspects):
            any_finished = True
            yield job, answer
        for number, (job, found) in enumerate(_alone(suspects), start=1):
            any_finished = any_finished or not isinstance(found, Died)
            if number == _PATIENCE and not any_finished:
                raise FedsimError(f"{job.name}: {_NONE_LIVED}")
            yield job, found


def _alone(suspects: Sequence[Job[Answer]]) -> "Answers[Answer]":
    """The answers of jobs that run one at a time."""
    todo = deque((job, 0) for job in suspects)
    while todo:
        jobs = deque(job for job, _ in todo)
        died: list[Job[Answer]] = []
        for job, answer in _until_broken(jobs, 1, 1, died):
            todo.popleft()
            yield job, answer
        if died:
            job, deaths = todo.popleft()
            if deaths + 1 < _TRIES_ALONE:
                todo.appendleft((job, deaths + 1))
            else:
                yield job, Died(reason="its process died; too little memory?")


def _until_broken(
    todo: deque[Job[Answer]], workers: int, at_most: int, suspects: list[Job[Answer]]
) -> Iterator[tuple[Job[Answer], Answer]]:
    """Answers until there are no more jobs, or a process dies; ``suspects`` then gets what was handed out."""
    waiting: dict[Future[Answer], Job[Answer]] = {}
    with processes(min(workers, len(todo))) as pool:
        while todo or waiting:
            broken = not _refilled(pool, todo, waiting, at_most)
            wait(waiting, return_when=FIRST_COMPLETED)
            broken = broken or any(future.done() and _is_broken(future) for future in waiting)
            ready = wait(waiting).done if broken else {future for future in waiting if future.done()}
            for future in ready:
                if not _is_broken(future):
                    job = waiting.pop(future)
                    yield job, _result(job, future)
            if broken:
                suspects += waiting.values()
                return


def _refilled(
    pool: Executor, todo: deque[Job[Answer]], waiting: dict[Future[Answer], Job[Answer]], at_most: int
) -> bool:
    """Hand out jobs while there is room; false if the pool is broken."""
    while todo and len(waiting) < at_most:
        try:
            with deaf_children():
                waiting[pool.submit(todo[0].work)] = todo[0]
        except BrokenProcessPool:
            return False
        todo.popleft()
    return True


def _is_broken(future: Future[Answer]) -> bool:
    return isinstance(future.exception(), BrokenProcessPool)
