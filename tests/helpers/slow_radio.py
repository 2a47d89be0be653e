"""The slow twin of a radio: it goes from phase to phase, and its power is looked up afresh for every piece of time."""

import math
from collections import Counter

from instead import instead

STATES = ("idle", "paging", "promotion", "moving", "silent", "tail-1", "tail-2", "off")


class SlowRadio:
    """What a radio is told, lived through phase by phase; ``joules`` by cause, ``seconds`` by state.

    Somebody else may spend in its place: ``spend`` takes the time up to an instant, in which no phase ends.
    """

    def __init__(self, profile, paging_s, paging):
        self.profile, self.paging_s, self.paging = profile, paging_s, paging
        self.now_s, self.phase, self.until_s = 0.0, "idle", math.inf
        self.users, self.rates_bps = 0, {}
        self.joules, self.seconds = Counter(), dict.fromkeys(STATES, 0.0)

    def live(self, rows, end_s):
        for at_s, what, detail in rows:
            self.go_to(at_s)
            getattr(self, f"on_{what}")(detail)
        self.go_to(end_s)
        return self

    def go_to(self, at_s):
        while self.until_s <= at_s:
            self.spend(self.until_s)
            self.next_phase()
        self.spend(at_s)

    def enter(self, phase, lasts_s=math.inf):
        self.phase, self.until_s = phase, self.now_s + lasts_s

    def next_phase(self):
        tails = self.profile.tails
        if self.phase == "paging":
            self.enter("promotion", self.profile.promotion_s)
        elif self.phase == "promotion" and self.users:
            self.enter("silent")
        elif self.phase == "promotion":
            self.enter("tail-1", tails[0][0])
        elif self.phase == f"tail-{len(tails)}":
            self.enter("idle")
        else:
            self.enter("tail-2", tails[1][0])

    def on_hold(self, pushed):
        self.users += 1
        if self.phase == "idle" and pushed:
            self.enter("paging", self.paging_s * self.paging.random())
        elif self.phase in ("idle", "paging") and not pushed:
            self.enter("promotion", self.profile.promotion_s)
        elif self.phase.startswith("tail"):
            self.enter("silent")
        self.go_to(self.now_s)

    def on_release(self, _):
        self.users -= 1
        if not self.users and self.phase == "paging":
            self.enter("idle")
        elif not self.users and self.phase == "silent":
            self.enter("tail-1", self.profile.tails[0][0])

    def on_rate(self, detail):
        number, outgoing, rate_bps = detail
        self.rates_bps[number, outgoing] = rate_bps

    def on_forget(self, _):
        self.rates_bps.clear()

    def state(self):
        return "moving" if any(self.rates_bps.values()) else self.phase

    def power_w(self):
        """By cause."""
        profile, state = self.profile, self.state()
        if state in ("idle", "paging"):
            return Counter({"sleep": profile.idle_w})
        if state == "promotion":
            return Counter({"radio": profile.promotion_w})
        if state != "moving":
            return Counter({"radio": profile.tails[0 if state == "silent" else int(state[-1]) - 1][1]})
        up_bps, down_bps = (sum(r for (_, out), r in self.rates_bps.items() if out == way) for way in (True, False))
        beta_w = profile.beta_w / ((up_bps > 0) + (down_bps > 0))
        send_w = (up_bps > 0) * beta_w + profile.alpha_up_w_per_bps * up_bps
        receive_w = (down_bps > 0) * beta_w + profile.alpha_down_w_per_bps * down_bps
        too_much = max(1.0, (send_w + receive_w) / profile.max_w)
        return Counter({"send": send_w / too_much, "receive": receive_w / too_much})

    def spend(self, until_s):
        lasts_s = until_s - self.now_s
        for cause, watts in self.power_w().items():
            self.joules[cause] += watts * lasts_s
        self.seconds[self.state()] += lasts_s
        self.now_s = until_s


def write_down(rows, sim, radio):
    """Put into ``rows`` what a radio is told to hold and to release: (time, what, detail)."""
    hold, release = radio.hold, radio.release

    def written_hold(*, pushed):
        hold(pushed=pushed)
        rows.append((sim.now, "hold", pushed))

    def written_release():
        release()
        rows.append((sim.now, "release", None))

    instead(radio, hold=written_hold, release=written_release)
