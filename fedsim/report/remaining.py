"""How much longer a run will take on this machine: the one place, with the profile, that looks at the host's clock."""

import math
import time
from bisect import bisect_left
from collections.abc import Callable
from itertools import count
from operator import itemgetter

from fedsim.report.human import about
from fedsim.report.progress import result_line
from fedsim.study.monitor import Bounds, Point
from fedsim.study.result import Result

_WARM_UP_S = 2.0  # before that nobody needs to be told, and nothing is known


class Remaining:
    """Estimates the end from how far the run is on its way to each of its bounds, and to its target.

    A bound is approached in proportion: twice the rounds, simulated seconds or joules take twice as long. A target is
    approached as the metric did since half of the elapsed time, in a straight line; a metric that gains ever less will
    take longer. The nearest of all counts. Where nothing says when the run ends, there is no estimate.
    """

    def __init__(self, bounds: Bounds, clock: Callable[[], float] = time.monotonic) -> None:
        self._bounds = bounds
        self._clock = clock
        self._begin_s = clock()
        self._seen: list[tuple[float, float]] = []

    def left_s(self, point: Point) -> float:
        """Seconds of the host's clock until the run ends; infinite where that cannot be said."""
        elapsed_s = self._clock() - self._begin_s
        value = point.row().get(self._bounds.goal.metric, math.nan)
        self._seen.append((elapsed_s, self._bounds.goal.sign * value))
        if elapsed_s < _WARM_UP_S:
            return math.inf
        return min(_proportional(elapsed_s, self._share(point)), self._to_target_s(elapsed_s))

    def text(self, point: Point) -> str:
        """``about 40 s left``, or nothing where nothing is known."""
        return left_text(self.left_s(point))

    def _share(self, point: Point) -> float:
        """The largest share of a bound that is used up."""
        bounds = self._bounds
        used = ((point.time_s, bounds.time_s), (point.round, bounds.rounds), (point.energy_j, bounds.energy_j))
        return max((now / most for now, most in used if most is not None), default=0.0)

    def _to_target_s(self, elapsed_s: float) -> float:
        target = self._bounds.goal.target
        then_s, then = self._seen[bisect_left(self._seen, elapsed_s / 2, key=itemgetter(0))]
        now = self._seen[-1][1]
        if target is None or not now > then:
            return math.inf
        return max(0.0, (self._bounds.goal.sign * target - now) / (now - then) * (elapsed_s - then_s))


def runs_left(clock: Callable[[], float] = time.monotonic) -> Callable[[int, int], str]:
    """Says how long the rest of many equal runs will take, given how many are done, and how many there are."""
    begin_s = clock()

    def left(done: int, runs: int) -> str:
        return left_text(_proportional(clock() - begin_s, done / runs) if done < runs else math.inf)

    return left


def counted(runs: int, say: Callable[[str], None]) -> Callable[[Result | str], None]:
    """Says of every run that ends, or of the name of one that cannot tell more, which of how many it is."""
    numbers, left = count(1), runs_left()

    def tell(found: Result | str) -> None:
        done = next(numbers)
        line = f"{done} of {runs}: {found}" if isinstance(found, str) else result_line(done, runs, found)
        say("  ".join(part for part in (line, left(done, runs)) if part))

    return tell


def left_text(left_s: float) -> str:
    """``about 40 s left``; empty for an infinite time, and where it is over."""
    if not 0 < left_s < math.inf:
        return ""
    rounded = float(f"{left_s:.2g}") if left_s >= 1 else 1.0
    return f"about {about(rounded, 's')} left"


def _proportional(elapsed_s: float, share: float) -> float:
    return elapsed_s * (1 - share) / share if share > 0 else math.inf
