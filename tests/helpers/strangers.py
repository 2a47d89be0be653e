"""What becomes of a file that nobody trusts: it runs within a small budget, or is refused in clear words."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedsim.errors import FedsimError
from fedsim.kernel import Budget, Simulation
from fedsim.scenario import load
from fedsim.study.run import play

BUDGET = Budget(events=1000, host_s=2.0)
LONGEST_S = 30.0  # of the host's, for a file: more is a hang


class Hang(BaseException):
    """It took too long; nobody else catches this."""


class Bounded(Simulation):
    """A simulation that ends when its budget is spent."""

    def run(self, main: Any, **_: Any) -> Any:
        """Run within the budget."""
        return super().run(main, budget=BUDGET)


def attempt(path: Path) -> str:
    """What is said against the file; empty if it ran.

    Raises:
        Exception: whatever is not fedsim's own refusal, and Hang.
    """
    try:
        with _within(LONGEST_S):
            scenario = load(path)
            play(scenario, Bounded(seed=scenario.seed))
    except (FedsimError, BaseExceptionGroup) as error:
        leaves = list(_leaves(error))
        if not all(isinstance(leaf, FedsimError) for leaf in leaves):
            raise
        return "\n".join(map(str, leaves))
    return ""


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def hang(*_: object) -> None:
        raise Hang(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
