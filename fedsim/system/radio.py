"""A radio that sleeps: idle, promotion, connected, tail, idle (``docs/design.md``, radio).

Energy of a message sent from idle and followed by silence, at rate R (Huang et al., MobiSys 2012):
``promotion_w * promotion_s + (beta_w + alpha * R) * 8 B / R + tail_w * tail_s``.
"""

import asyncio
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
    if send_w + receive_w <= profile.max_w:
        return send_w, receive_w
    scale = profile.max_w / (send_w + receive_w)
    return send_w * scale, receive_w * scale


class Radio:
    """The radio of one device. Messages ``use`` it; with the last one gone, its tail begins.

    Its power is in one place at a time: bytes that move are drawn as "send" and "receive", promotion, silence while
    connected and tail as "radio", and listening in idle as "sleep".
    """

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
        self._paged_s = self._ready_s = self._idle_s = -math.inf
        self._connected = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._up_bps: dict[int, float] = {}
        self._down_bps: dict[int, float] = {}
        self._idle = Stage(math.inf, profile.idle_w, "sleep")
        self._silence = Stage(math.inf, profile.tails[0][1]) if profile.tails else self._idle
        self._waking: tuple[Stage, ...] = ()
        self._plan(self._idle)

    @contextmanager
    def use(self, *, pushed: bool) -> Iterator[None]:
        """Hold the radio for one message; ``ready`` tells when it is connected.

        From idle that takes a promotion, and for a message that is ``pushed`` to the device first the wait for its
        next paging occasion, uniform on (0, paging_s). In the tail it is connected at once. A message that is given
        up before its paging occasion leaves the radio idle; a promotion, once begun, ends in a tail.
        """
        self._wake(pushed=pushed)
        self._users += 1
        self._plan(*self._waking, self._silence)
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                self._fall_silent()

    async def ready(self) -> None:
        """Return when it is connected."""
        if self._sim.now < self._ready_s:
            await self._connected.wait()

    def follow(self, flow: Flow, *, outgoing: bool) -> None:
        """Follow a flow of this device to its present rate: what moves bytes costs power."""
        rates_bps, rate_bps = self._up_bps if outgoing else self._down_bps, flow.rate_bps
        if rate_bps > 0:
            rates_bps[flow.number] = rate_bps
        else:
            rates_bps.pop(flow.number, None)
        now_s = self._sim.now
        send_w, receive_w = active_power(self._profile, sum(self._up_bps.values()), sum(self._down_bps.values()))
        self._meter.draw("send", send_w, now_s)
        self._meter.draw("receive", receive_w, now_s)
        self._draw()

    def _wake(self, *, pushed: bool) -> None:
        """Go from idle to connected; what the device itself sends waits for nobody's paging occasion."""
        now_s = self._sim.now
        if not self._users and now_s >= self._idle_s:
            self._paged_s = now_s + (self._paging_s * self._rng.random() if pushed else 0.0)
        elif not pushed and now_s < self._paged_s:
            self._paged_s = now_s
        elif self._users or now_s >= self._ready_s:
            return
        self._ready_s = self._paged_s + self._profile.promotion_s
        listening = Stage(self._paged_s, self._profile.idle_w, "sleep")
        self._waking = (listening, Stage(self._ready_s, self._profile.promotion_w))
        self._silence_alarm()
        self._connected.clear()
        if now_s < self._ready_s:
            self._alarm = self._sim.loop.call_at(self._ready_s, self._connected.set)

    def _fall_silent(self) -> None:
        """The last message is gone: tail, then idle; or idle at once if the radio has not woken yet."""
        self._silence_alarm()
        now_s = self._sim.now
        if now_s < self._paged_s:
            self._paged_s = self._ready_s = self._idle_s = now_s
            self._plan(self._idle)
            return
        tails, self._idle_s = [], max(now_s, self._ready_s)
        for duration_s, power_w in self._profile.tails:
            self._idle_s += duration_s
            tails.append(Stage(self._idle_s, power_w))
        self._plan(*self._waking, *tails, self._idle)

    def _plan(self, *stages: Stage) -> None:
        """Draw this from now on beside traffic, if nothing more happens."""
        self._stages = stages
        self._draw()

    def _draw(self) -> None:
        self._meter.stage(() if self._up_bps or self._down_bps else self._stages, self._sim.now)

    def _silence_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
