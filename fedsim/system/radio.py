"""A radio that sleeps: idle, promotion, connected, tail, idle (``docs/design.md``, radio).

Energy of a message sent from idle and followed by silence, at rate R (Huang et al., MobiSys 2012):
``promotion_w * promotion_s + (beta_w + alpha * R) * 8 B / R + tail_w * tail_s``.
"""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Final

from fedsim.kernel import Draws, Simulation
from fedsim.system.flow import Moving
from fedsim.system.foreseen import ForeseenMessage
from fedsim.system.luck_taken import Taken
from fedsim.system.meter import Drawn, Gone, PowerMeter, Stage
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


def _nobody_waits() -> None:
    pass


STATES: Final = ("idle", "paging", "promotion", "moving", "silent")
"""In which any radio can be; its tails, and being without charge, are others."""

Passed = tuple[Drawn, Drawn, list[Gone], tuple[Stage, ...]]
"""Of a radio: what was drawn to receive and to send, what it went through beside that, and what it goes through now."""

Held = tuple[float, float, float, tuple[Stage, ...]]
"""Of a radio: when a message takes it, it was or will be paged, and connected; and the stages on its way there."""

_stage = partial(tuple.__new__, Stage)  # as Stage does, in two thirds of the time
_MOVING: Final = (Stage(math.inf, 0.0, "radio", "moving"),)


class Radio:
    """The radio of one device for one technology. Messages ``hold`` it; with the last one gone, its tail begins.

    Its power is in one place at a time: bytes that move are drawn as "send" and "receive", promotion, silence while
    connected and tail as "radio", and listening in idle as "sleep". ``times`` has its seconds by state: "idle",
    "paging" (a push waits for its occasion), "promotion", connected and "moving" bytes or "silent", "tail-1",
    "tail-2" ..., and "off" once the battery is empty.
    """

    __slots__ = (
        "_alarm",
        "_down_bps",
        "_doze",
        "_held",
        "_held_after",
        "_idle_s",
        "_luck",
        "_meter",
        "_paged_s",
        "_paging",
        "_paging_s",
        "_quiet_s",
        "_ready_s",
        "_sim",
        "_stages",
        "_track",
        "_traffic_w",
        "_up_bps",
        "_users",
        "_waking",
        "let_go",
        "profile",
    )

    def __init__(
        self, sim: Simulation, profile: RadioProfile, meter: PowerMeter, *, paging_s: float, luck: tuple[str, ...]
    ) -> None:
        """A radio in idle; ``luck`` names its random streams: "paging" and "doze", followed by these."""
        self.profile = profile
        self._sim = sim
        self._meter = meter
        self._paging_s = paging_s
        self._luck = luck
        self._paging: Draws | None = None
        self._doze: Draws | None = None
        self._users = 0
        self._paged_s = self._ready_s = self._idle_s = self._quiet_s = -math.inf
        self.let_go: Callable[[], None] = _nobody_waits
        """Called when it is connected for those who hold it, and when the last of them has let it go."""
        self._alarm: asyncio.TimerHandle | None = None
        self._traffic_w = (0.0, 0.0)
        self._up_bps: dict[int, float] | None = None  # until the first flow
        self._down_bps: dict[int, float] | None = None
        self._waking: tuple[Stage, ...] = ()
        self._held: tuple[Stage, ...] = ()  # what it draws beside traffic while it is held, after such a waking:
        self._held_after: tuple[Stage, ...] = ()
        self._stages: tuple[Stage, ...] = profile.idleness
        self._track = meter.add_track(self._stages)

    @property
    def is_paged(self) -> bool:
        """Whether somebody waits for its next paging occasion."""
        return self._users > 0 and self._sim.now < self._paged_s

    @property
    def is_connected(self) -> bool:
        """Whether those who hold it can use it."""
        return self._sim.now >= self._ready_s

    @property
    def ready_s(self) -> float:
        """When it is connected for those who hold it, or was."""
        return self._ready_s

    def hold(self, *, pushed: bool) -> None:
        """Take it for one message; ``is_connected`` tells whether it is, and ``let_go`` is called when it is.

        From idle that takes a promotion, and for a message that is ``pushed`` to the device first the wait for its
        next paging occasion, uniform on (0, paging_s). In the tail it is connected at once, unless it has come to
        doze meanwhile: then it takes the wait of the profile's ``doze``.
        """
        is_connected = self._users and self._sim.now >= self._ready_s and self.profile.doze is None
        if not is_connected:
            self._wake(pushed=pushed)
        self._users += 1
        if self._stages is not self._held or self._held_after is not self._waking:
            self._stages = self._held = (*self._waking, self.profile.silence)
            self._held_after = self._waking
            self._draw()

    def release(self) -> None:
        """A message needs it no more.

        A message that is given up before its paging occasion leaves the radio idle; a promotion, once begun, ends
        in a tail.
        """
        self._users -= 1
        if not self._users:
            self._fall_silent()
            self.let_go()

    def times(self) -> dict[str, float]:
        """Seconds in each state up to now; together, all the time since the radio was made."""
        self._meter.settle(self._sim.now)
        found, tails = self._meter.seconds[self._track], self.profile.names_of_tails
        return {state: found.get(state, 0.0) for state in (*STATES, *tails)} | {"off": self._meter.off_s}

    def follow(self, flow: Moving, *, outgoing: bool) -> None:
        """Follow a flow of this device to its present rate: what moves bytes costs power."""
        if self._up_bps is None or self._down_bps is None:
            self._up_bps, self._down_bps = {}, {}
        rates_bps, rate_bps = self._up_bps if outgoing else self._down_bps, flow.rate_bps
        sent, received = bool(self._up_bps), bool(self._down_bps)
        if rate_bps > 0:
            rates_bps[flow.number] = rate_bps
        else:
            rates_bps.pop(flow.number, None)
        if sent or received or rate_bps > 0:
            self._quiet_s = self._sim.now
            if not self.profile.is_flat or sent != bool(self._up_bps) or received != bool(self._down_bps):
                self._power_changed()

    def forget_flows(self) -> None:
        """All flows have gone over to another radio."""
        if self._up_bps or self._down_bps:
            self._quiet_s = self._sim.now
        self._up_bps = self._down_bps = None
        self._power_changed()

    def foresee_push(self, taken: Taken) -> Held | None:
        """How it will stand for a message that comes to it now; see ``hold``.

        None if somebody holds it, or it is being promoted for nobody.
        """
        now_s = self._sim.now
        if self._users or now_s < self._ready_s:
            return None
        if now_s >= self._idle_s:
            return self._foresee_woken(now_s, now_s + self._page_s(taken))
        ready_s = self._foresee_ready_s(now_s, self._quiet_s, self._ready_s, taken)
        return now_s, self._paged_s, ready_s, self._waking

    def foresee_answer(self, before: ForeseenMessage, at_s: float, taken: Taken) -> Held:
        """The same for a message that it sends at ``at_s``, after another one."""
        if at_s >= before.idle_s:
            return self._foresee_woken(at_s, at_s)
        ready_s = self._foresee_ready_s(at_s, before.quiet_s, before.ready_s, taken)
        return at_s, before.paged_s, ready_s, before.waking

    def _foresee_woken(self, at_s: float, paged_s: float) -> Held:
        waking = self._woken(paged_s)
        return at_s, paged_s, waking[1].until_s, waking

    def _foresee_ready_s(self, at_s: float, quiet_s: float, ready_s: float, taken: Taken) -> float:
        """When it can be used, that was connected at ``ready_s`` and silent since ``quiet_s``."""
        if self.profile.doze is None:
            return ready_s
        doze_s = self._dozed_s(at_s - max(quiet_s, ready_s), taken)
        return at_s + doze_s if doze_s > 0 else ready_s

    def foresee_idle_s(self, from_s: float) -> float:
        """When it will be idle if a message comes to its end then, and none follows."""
        for _, duration_s, _ in self.profile.named_tails:
            from_s += duration_s
        return from_s

    def live(self, down: ForeseenMessage, up: ForeseenMessage) -> Passed:
        """Go through two messages that were foreseen."""
        gone: list[Gone] = [*down.waking]
        self._carry(gone, down)
        self._wait(gone, down.quiet_s, up.asked_s)
        gone += () if up.waking is down.waking else up.waking
        self._carry(gone, up)
        self._paged_s, self._ready_s, self._quiet_s, self._waking = up.paged_s, up.ready_s, up.quiet_s, up.waking
        self._idle_s, self._stages = self._silent(up.quiet_s, up.waking)
        _, receive_w = active_power(self.profile, 0.0, down.crossing.bps)
        send_w, _ = active_power(self.profile, up.crossing.bps, 0.0)
        received = ("receive", receive_w, down.moves_s, down.quiet_s)
        return received, ("send", send_w, up.moves_s, up.quiet_s), gone, self._stages

    def _carry(self, gone: list[Gone], message: ForeseenMessage) -> None:
        """What it went through for a message once it was connected."""
        _, power_w, cause, state = self.profile.silence
        gone += ((message.moves_s, power_w, cause, state), (message.quiet_s, 0.0, "radio", "moving"))

    def _wait(self, gone: list[Gone], from_s: float, to_s: float) -> None:
        """What it went through from the end of a message to the next one."""
        for state, duration_s, power_w in self.profile.named_tails:
            from_s += duration_s
            if from_s >= to_s:
                gone.append((to_s, power_w, "radio", state))
                return
            gone.append((from_s, power_w, "radio", state))
        gone.append((to_s, self.profile.idle_w, "sleep", "idle"))

    def _power_changed(self) -> None:
        now_s = self._sim.now
        up_bps, down_bps = self._up_bps, self._down_bps
        send_w, receive_w = traffic_w = active_power(
            self.profile, sum(up_bps.values()) if up_bps else 0.0, sum(down_bps.values()) if down_bps else 0.0
        )
        (sent_w, received_w), self._traffic_w = self._traffic_w, traffic_w
        if send_w != sent_w:
            self._meter.draw("send", send_w, now_s)
        if receive_w != received_w:
            self._meter.draw("receive", receive_w, now_s)
        self._draw()

    def _wake(self, *, pushed: bool) -> None:
        """Go from idle to connected; what the device itself sends waits for nobody's paging occasion."""
        now_s = self._sim.now
        if not self._users and now_s >= self._idle_s:
            self._paged_s = now_s + (self._page_s() if pushed else 0.0)
        elif not pushed and now_s < self._paged_s:
            self._paged_s = now_s
        else:
            self._stay_awake()
            return
        self._waking = self._woken(self._paged_s)
        self._connect(self._waking[-1].until_s)

    def _woken(self, paged_s: float) -> tuple[Stage, Stage]:
        """From idle to connected, once it has been paged."""
        profile = self.profile
        listening = _stage((paged_s, profile.idle_w, "sleep", "paging"))
        return listening, _stage((paged_s + profile.promotion_s, profile.promotion_w, "radio", "promotion"))

    def _page_s(self, taken: Taken | None = None) -> float:
        """How long a message waits for the radio's next paging occasion."""
        if not self._paging_s:
            return 0.0
        if self._paging is None:
            self._paging = self._sim.draws("paging", *self._luck)
        draw = self._paging.take() if taken is None else taken.uniform(self._paging)
        return self._paging_s * draw

    def _stay_awake(self) -> None:
        """It is connected or on its way there."""
        now_s = self._sim.now
        if now_s >= self._ready_s:
            if self.profile.doze is not None and (doze_s := self._doze_s()) > 0:
                self._connect(now_s + doze_s)
        elif not self._users:
            self._connect(self._ready_s)  # a promotion goes on when everybody has given up, unheard

    def _doze_s(self) -> float:
        """How long the first byte has to wait because the radio, though connected, has been silent for long."""
        if self._up_bps or self._down_bps:
            return 0.0
        return self._dozed_s(self._sim.now - max(self._quiet_s, self._ready_s))

    def _dozed_s(self, silent_s: float, taken: Taken | None = None) -> float:
        """The same after so long a silence."""
        doze = self.profile.doze
        if doze is None or silent_s <= doze.after_s:
            return 0.0
        if self._doze is None:
            self._doze = self._sim.draws("doze", *self._luck)
        draw = self._doze.take() if taken is None else taken.uniform(self._doze)
        return doze.min_s + (doze.max_s - doze.min_s) * draw

    def _connect(self, ready_s: float) -> None:
        """Be connected from ``ready_s`` on."""
        self._ready_s = ready_s
        self._silence_alarm()
        if self._sim.now < ready_s:
            self._alarm = self._sim.loop.call_at(ready_s, self._ring)

    def _ring(self) -> None:
        self.let_go()

    def _fall_silent(self) -> None:
        """The last message is gone: tail, then idle; or idle at once if the radio has not woken yet."""
        self._silence_alarm()
        now_s = self._sim.now
        if now_s < self._paged_s:
            self._paged_s = self._ready_s = self._idle_s = now_s
            self._stages = self.profile.idleness
        else:
            self._idle_s, self._stages = self._silent(now_s, self._waking)
        self._draw()

    def _silent(self, from_s: float, waking: tuple[Stage, ...]) -> tuple[float, tuple[Stage, ...]]:
        """When it will be idle, and its stages, if nobody holds it from then on; ``waking`` is how it was connected."""
        # A promotion goes on unheard; a radio that only dozed has nothing to go on with.
        idle_s = max(from_s, waking[-1].until_s)
        tails = []
        for state, duration_s, power_w in self.profile.named_tails:
            idle_s += duration_s
            tails.append(_stage((idle_s, power_w, "radio", state)))
        return idle_s, (*waking, *tails, self.profile.idle)

    def _draw(self) -> None:
        """Draw what is planned from now on, beside traffic, if nothing more happens."""
        self._meter.stage(self._track, _MOVING if self._up_bps or self._down_bps else self._stages, self._sim.now)

    def _silence_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
