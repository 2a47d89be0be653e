"""A radio that sleeps: promotion, connected, tail, idle (``docs/design.md``, radio).

Energy of a message sent from idle and followed by silence, at rate R (Huang et al., MobiSys 2012):
``promotion_w * promotion_s + (beta_w + alpha * R) * 8 B / R + tail_w * tail_s``.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from fedsim.kernel import Simulation
from fedsim.system.meter import PowerMeter, Stage
from fedsim.system.network import Flow
from fedsim.system.profiles import RadioProfile


def active_power(profile: RadioProfile, up_bps: float, down_bps: float) -> tuple[float, float]:
    """Power of sending and of receiving: together ``min(max_w, beta_w + alpha_up * up + alpha_down * down)``, in watts.

    The constant part is shared equally by the directions that are in use; the cap scales both alike.
    """
    directions = (up_bps > 0) + (down_bps > 0)
    if not directions:
        return 0.0, 0.0
    share_w = profile.beta_w / directions
    send_w = share_w + profile.alpha_up_w_per_bps * up_bps if up_bps > 0 else 0.0
    receive_w = share_w + profile.alpha_down_w_per_bps * down_bps if down_bps > 0 else 0.0
    scale = min(1.0, profile.max_w / (send_w + receive_w))
    return send_w * scale, receive_w * scale


class Radio:
    """The radio of one device. Messages ``use`` it; with the last one gone, its tail begins."""

    def __init__(
        self,
        sim: Simulation,
        profile: RadioProfile,
        meter: PowerMeter,
        *,
        paging_s: float,
        rng: np.random.Generator,
    ) -> None:
        self._sim = sim
        self._profile = profile
        self._meter = meter
        self._paging_s = paging_s
        self._rng = rng
        self._users = 0
        self._paged_s = 0.0
        self._ready_s = 0.0
        self._awake_until_s = -math.inf
        self._up_bps: dict[int, float] = {}
        self._down_bps: dict[int, float] = {}

    @contextmanager
    def use(self, *, pushed: bool) -> Iterator[float]:
        """Hold the radio for one message; gives the seconds until it is connected.

        From idle that is a promotion, and for a message that is ``pushed`` to the device first the wait for its
        next paging occasion, uniform on (0, paging_s). In the tail it is connected at once.
        """
        now_s = self._sim.now
        if not self._users and now_s >= self._awake_until_s:
            self._paged_s = now_s + (self._paging_s * self._rng.random() if pushed else 0.0)
            self._ready_s = self._paged_s + self._profile.promotion_s
        self._users += 1
        self._fall_silent()
        try:
            yield max(self._ready_s - now_s, 0.0)
        finally:
            self._users -= 1
            self._fall_silent()

    def follow(self, flow: Flow, *, outgoing: bool) -> None:
        """Follow a flow of this device to its present rate: what moves bytes costs power."""
        rates_bps = self._up_bps if outgoing else self._down_bps
        if flow.rate_bps > 0:
            rates_bps[flow.number] = flow.rate_bps
        else:
            rates_bps.pop(flow.number, None)
        now_s = self._sim.now
        send_w, receive_w = active_power(self._profile, sum(self._up_bps.values()), sum(self._down_bps.values()))
        self._meter.draw("send", send_w, now_s)
        self._meter.draw("receive", receive_w, now_s)
        self._fall_silent()

    def _fall_silent(self) -> None:
        """Draw from now on what the radio draws beside its traffic, if nothing more happens."""
        now_s = self._sim.now
        if self._up_bps or self._down_bps:
            self._meter.stage((), now_s)
        elif self._users:
            self._meter.stage(self._connecting(now_s), now_s)
        else:
            self._meter.stage(self._tail(now_s), now_s)

    def _connecting(self, now_s: float) -> list[Stage]:
        silence = Stage(math.inf, self._profile.tails[0][1] if self._profile.tails else 0.0)
        if now_s >= self._ready_s:
            return [silence]
        return [Stage(self._paged_s, self._profile.idle_w), Stage(self._ready_s, self._profile.promotion_w), silence]

    def _tail(self, now_s: float) -> list[Stage]:
        stages, end_s = [], now_s
        for duration_s, power_w in self._profile.tails:
            end_s += duration_s
            stages.append(Stage(end_s, power_w))
        self._awake_until_s = end_s
        return stages
