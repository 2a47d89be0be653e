"""Where the host's processor time goes: which part of fedsim, and which functions.

A timer of processor time interrupts the program every few milliseconds and notes where it is. What Python cannot
interrupt, such as a product of matrices, is noted when it returns, with all the time since the last note. The cost
is too small to be measured (docs/running.md); a tracing profiler would double the time, and most where many small
functions are called.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from fedsim.errors import FedsimError

INTERVAL_S: Final = 0.005
PARTS: Final = ("numerics", "evaluation", "protocol", "system", "kernel", "record", "set-up and results", "other")
"""Local work and combining answers, deferred work included that an evaluation calls for; looking at the models; who
talks to whom; devices, links and energy; simulated time; the record of events; building the world and its tables."""

_ROOT: Final = str(Path(__file__).parents[1]) + os.sep
_LAYERS: Final = {
    "learners": "numerics",
    "tasks": "numerics",
    "protocols": "protocol",
    "system": "system",
    "kernel": "kernel",
    "scenario": "set-up and results",
    "study": "set-up and results",
}
_RECORD: Final = frozenset(f"kernel/{name}.py" for name in ("record", "columns", "shelf", "transcript"))
_DEFERRED: Final = frozenset({"learners/tape.py", "learners/workbench.py"})
_LOOKING: Final = ("study/monitor.py", "evaluate")
_BUILDING: Final = ("scenario/build.py", "build")
_MOST_FUNCTIONS: Final = 20

Place = tuple[str, str]
"""A module's path below the package, and a function in it."""


class HostProfile:
    """Processor seconds by part and by function of fedsim, which answers for what it calls outside of fedsim."""

    def __init__(self) -> None:
        self.samples = 0
        self._parts: Counter[str] = Counter()
        self._functions: Counter[Place] = Counter()

    def note(self, stack: Sequence[Place], seconds: float) -> None:
        """Count a stack of calls within fedsim, the innermost first."""
        self.samples += 1
        self._parts[part_of(stack)] += seconds  # type: ignore[assignment]  # counters count seconds as well
        if stack:
            self._functions[stack[0]] += seconds  # type: ignore[assignment]

    @property
    def seconds(self) -> float:
        """All of them."""
        return float(sum(self._parts.values()))

    @property
    def parts(self) -> dict[str, float]:
        """Seconds by part, in the order of ``PARTS``."""
        return {part: float(self._parts[part]) for part in PARTS if part in self._parts}

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON: the parts, and the functions that took most."""
        return {
            "processor_s": self.seconds,
            "interval_s": INTERVAL_S,
            "samples": self.samples,
            "parts_s": self.parts,
            "functions": [
                {"module": module, "function": function, "seconds": float(seconds)}
                for (module, function), seconds in self._functions.most_common(_MOST_FUNCTIONS)
            ],
        }


def part_of(stack: Sequence[Place]) -> str:
    """Which part the innermost function works for."""
    if not stack:
        return "other"
    if _BUILDING in stack:
        return "set-up and results"
    modules = [module for module, _ in stack]
    if _LOOKING in stack and not _DEFERRED.intersection(modules):
        return "evaluation"
    return "record" if modules[0] in _RECORD else _LAYERS.get(modules[0].split("/")[0], "other")


@contextmanager
def profiled() -> Iterator[HostProfile]:
    """Profile the block.

    Raises:
        FedsimError: where there is no timer of processor time (on Windows), or not in the main thread.
    """
    if not hasattr(signal, "setitimer"):
        raise FedsimError("--profile needs a timer of processor time, which this system does not have")
    profile = HostProfile()
    last_s = time.process_time()

    def sample(number: int, frame: FrameType | None) -> None:
        nonlocal last_s
        del number
        now_s = time.process_time()
        profile.note(_stack(frame), now_s - last_s)
        last_s = now_s

    try:
        before = signal.signal(signal.SIGPROF, sample)
    except ValueError:
        raise FedsimError("--profile needs the main thread") from None
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        yield profile
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def _stack(frame: FrameType | None) -> list[Place]:
    found: list[Place] = []
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(_ROOT):
            found.append((path[len(_ROOT) :].replace(os.sep, "/"), frame.f_code.co_name))
        frame = frame.f_back
    return found
