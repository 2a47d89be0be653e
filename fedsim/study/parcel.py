"""One run of a sweep, computed anywhere: what comes back is the files of its folder, or why there are none."""

import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fedsim.errors import FedsimError
from fedsim.study.folder import write_run
from fedsim.study.goal import Goal
from fedsim.study.plan import PlannedRun
from fedsim.study.result import Result
from fedsim.study.run import simulate

_ALONE: Final = threading.Lock()
"""Runs in threads of one process go one after the other: how many threads linear algebra uses, and with it the
order of its sums, is said for a whole process."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """The files of a run's folder by name, and what its run came to in a few numbers.

    ``quality`` is the last value of the metric, None where nothing is learned, and may be a share.
    """

    files: Mapping[str, bytes]
    rounds: float
    simulated_s: float
    quality: float | None
    is_share: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why a run came to nothing, in one line or several."""

    error: str


def pack(run: PlannedRun, goal: Goal, scratch: str | None) -> Parcel | Failure:
    """Run a point with a seed and pack its folder; a run that fails is an answer, too.

    The files are written into a folder below ``scratch`` first, which by default is where the system has its
    temporary files.

    Raises:
        OSError: the files cannot be written: the next run's could not, either.
    """
    with _ALONE:
        result = _simulated(run)
        if isinstance(result, Failure):
            return result
        with TemporaryDirectory(dir=scratch, prefix="run-") as folder:
            write_run(result, Path(folder))
            files = {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}
    summary = result.summary
    return Parcel(
        files=files,
        rounds=summary.rounds,
        simulated_s=summary.simulated_s,
        quality=float(result.curve[goal.metric].iloc[-1]) if summary.learned else None,
        is_share=goal.is_share,
    )


def _simulated(run: PlannedRun) -> Result | Failure:
    try:
        return simulate(run.scenario)
    except FedsimError as error:
        return Failure(error=str(error))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other runs can do without it
        spot = traceback.extract_tb(error.__traceback__)[-1]
        return Failure(error=f"{type(error).__name__}: {error} ({Path(spot.filename).name}, line {spot.lineno})")
