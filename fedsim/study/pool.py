"""Independent runs, one after the other or on several processes; the answers are the same."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from fedsim.errors import FedsimError

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Job(Generic[Answer]):
    """Something to compute, that can be sent to another process, and its name for messages."""

    name: str
    work: Callable[[], Answer]


def run_all(jobs: Sequence[Job[Answer]], *, workers: int, tell: Callable[[Answer], None] | None = None) -> list[Answer]:
    """The answers of all jobs, in the order of the jobs; ``tell`` hears each as it comes, in any order.

    With one worker everything happens in this process. More are started afresh (``spawn``), so a script that asks
    for them must be guarded by ``if __name__ == "__main__"``.

    Raises:
        FedsimError: if ``workers`` is not positive, if a job raises one (the message then begins with the job's
            name), or if a worker dies. The other jobs are given up.
    """
    if not workers >= 1:
        raise FedsimError(f"workers must be >= 1, got {workers!r}")
    if min(workers, len(jobs)) <= 1:
        return [_told(job, job.work, tell) for job in jobs]
    with processes(min(workers, len(jobs))) as pool:
        with deaf_children():
            waiting: dict[Future[Answer], Job[Answer]] = {pool.submit(job.work): job for job in jobs}
        for future in as_completed(waiting):
            _told(waiting[future], future.result, tell)
        return [future.result() for future in waiting]


def _told(job: Job[Answer], compute: Callable[[], Answer], tell: Callable[[Answer], None] | None) -> Answer:
    try:
        answer = compute()
    except FedsimError as error:
        raise FedsimError(f"{job.name}: {error}") from error
    except BrokenProcessPool as error:
        raise FedsimError(f"{job.name}: its process died; too little memory?") from error
    except Exception as error:
        error.add_note(f"while running {job.name}")
        raise
    if tell is not None:
        tell(answer)
    return answer


@contextmanager
def processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with the block, at once where it fails."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True)


def _end_with_parent() -> None:
    """Let this process end when the one that started it does: that may be killed, and cannot say a word then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True, name="parent's end").start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Let processes that are started here not hear Ctrl-C, which reaches every process of a terminal.

    The first process hears it, and ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
