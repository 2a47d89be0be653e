"""Runs what a study plans, one run after the other into its folder, and goes on where an earlier sweep stopped."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from fedsim.study.parcel import Failure, Parcel, pack
from fedsim.study.plan import Plan, PlannedRun, read_plan
from fedsim.study.pool import Job
from fedsim.study.staging import RUNS
from fedsim.study.stream import Answers, Died, Lanes, on_processes, through
from fedsim.study.study import Study
from fedsim.study.study_folder import Standing, StudyFolder, study_folder
from fedsim.study.study_point import Failed
from fedsim.study.study_tables import write_tables

_USUAL_LANES: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """How far a sweep is: ``done`` of ``total`` runs are finished, and ``run`` has just come to ``answer``.

    Both are None at the start, when ``standing`` says what was there already.
    """

    done: int
    total: int
    standing: Standing
    run: PlannedRun | None = None
    answer: Parcel | Failure | None = None


def sweep(
    study: Plan | Mapping[str, Any] | str | Path,
    *,
    out: str | Path | None = None,
    workers: int | None = None,
    executor: Executor | Lanes | None = None,
    tell: Callable[[Step], None] | None = None,
) -> Study:
    """Run every point of a study with every seed, but for what its folder has already.

    Every run is on the disk when its turn is over, complete, or not there at all: killed at any moment, another sweep
    into the same folder does the rest. Runs that failed are tried again, and a changed study runs only what is
    new in it; what is no longer of it is kept aside, in ``stale``. How many work at a time, and where, changes no byte.

    Args:
        study: a study file, the mapping that it would hold, or its plan.
        out: the study's folder; ``runs/<name of the study>`` by default.
        workers: processes of this machine, one by default; with more, guard a script by ``if __name__ == "__main__"``.
            Of an ``executor`` how many runs it computes at a time, 16 by default: twice as many are handed to it.
        executor: computes the runs in place of processes of this machine; their files come back through it. Threads
            of one process compute one run at a time.
        tell: hears of every run as it comes, in any order, and once before the first.

    Raises:
        ScenarioError: before anything runs, if the study or one of its scenarios has mistakes: a line for each.
        FedsimError: another sweep is at work in the folder, it cannot be written, or the executor gave up. A run that
            fails is no error: see ``Study.failed``.
    """
    plan = study if isinstance(study, Plan) else read_plan(study)
    with study_folder(RUNS / plan.study.name if out is None else Path(out)) as folder:
        standing = folder.arrange(plan)
        missing = [run for run in plan.runs if run.name not in standing.done]
        report = _Report(Step(done=len(standing.done), total=plan.run_count, standing=standing), tell)
        failed = _run_all(folder, plan, missing, (workers, executor), report)
        return write_tables(folder, plan, failed)


class _Report:
    """Counts, and says how far things are."""

    def __init__(self, first: Step, tell: Callable[[Step], None] | None) -> None:
        self._first = first
        self._tell = tell or _ignore
        self._done = first.done
        self._tell(first)

    def say(self, run: PlannedRun, answer: Parcel | Failure) -> None:
        self._done += isinstance(answer, Parcel)
        first = self._first
        self._tell(Step(done=self._done, total=first.total, standing=first.standing, run=run, answer=answer))


def _run_all(
    folder: StudyFolder,
    plan: Plan,
    missing: list[PlannedRun],
    where: tuple[int | None, Executor | Lanes | None],
    report: _Report,
) -> list[Failed]:
    """Run and write what is missing; returns what failed, in the order of the plan."""
    workers, executor = where
    runs = {run.name: run for run in missing}
    scratch = str(folder.staging) if executor is None else None
    work = partial(pack, goal=plan.goal, scratch=scratch)
    jobs = [Job(name=name, work=partial(work, run)) for name, run in runs.items()]
    failed: dict[str, Failed] = {}
    for job, found in _answers(jobs, workers, executor):
        run, answer = runs[job.name], Failure(error=found.reason) if isinstance(found, Died) else found
        if isinstance(answer, Parcel):
            folder.put(run, answer.files)
        else:
            failed[run.name] = Failed(label=run.point.label, seed=run.seed, error=answer.error)
        report.say(run, answer)
    return [failed[name] for name in runs if name in failed]


def _answers(
    jobs: list[Job[Parcel | Failure]], workers: int | None, executor: Executor | Lanes | None
) -> Answers[Parcel | Failure]:
    if executor is None:
        return on_processes(jobs, 1 if workers is None else workers)
    at_a_time = 2 * (workers or _USUAL_LANES)
    return through(
        jobs, executor if isinstance(executor, Lanes) else Lanes(executor=executor, at_a_time=lambda: at_a_time)
    )


def _ignore(step: Step) -> None:
    """Nobody listens."""
