"""TCP slow start in closed form: the window grows with every round trip until it fills the pipe."""

from functools import partial
from typing import NamedTuple


class SlowStart(NamedTuple):
    """``extra_s`` is what it costs beyond moving all bytes at full rate; ``window`` is left at the end, in packets."""

    rounds: int
    extra_s: float
    window: float


_start = partial(tuple.__new__, SlowStart)  # as SlowStart does, in two thirds of the time


def slow_start(packets: float, rate: float, rtt_s: float, window: float, growth: float) -> SlowStart:
    """How long a sender waits for acknowledgements before its window covers a round trip.

    packets: to be sent, >= 0    rate: packets per second at full rate    window: packets, at the start
    growth: of the window per round trip, 2, or 1.5 with delayed acknowledgements

    ``sent, w, k = 0, window, 0; while w < rate * rtt and sent + w < packets: sent += w; w *= growth; k += 1``. The
    message takes ``k * rtt + (packets - sent) / rate`` (device notes, section 5), so slow start costs ``k * rtt -
    sent / rate``. Acknowledgements of what was sent last let the window grow once more, as far as they go.
    """
    if not (rtt_s > 0 and rate > 0):
        return _start((0, 0.0, window))
    pipe, sent, rounds = rate * rtt_s, 0.0, 0
    while window < pipe and sent + window < packets:
        sent += window
        window *= growth
        rounds += 1
    left = window + (growth - 1) * min(packets - sent, window) if window < pipe else window
    return _start((rounds, rounds * rtt_s - sent / rate, left))
