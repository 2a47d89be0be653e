"""How much longer work will take on this machine."""

from collections.abc import Callable
from time import monotonic

from fedsim.report.human import about


def runs_left(clock: Callable[[], float] = monotonic) -> Callable[[int, int], str]:
    """Says how long the rest of many equal runs will take, given how many are done, and how many there are."""
    begin_s = clock()

    def left(done: int, runs: int) -> str:
        return f"about {about((clock() - begin_s) / done * (runs - done), 's')} left" if 0 < done < runs else ""

    return left
