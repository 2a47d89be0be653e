"""What becomes of messages under way when links fail and come back, and when their ends move."""

from dataclasses import replace
from typing import Literal

from fedsim.errors import LinkDownError, NoRouteError
from fedsim.kernel import Simulation
from fedsim.system.leg import Leg, Planner
from fedsim.system.links import SharedLinks
from fedsim.system.trip import Trip, Underway
from fedsim.system.wiring import Wiring

OnOutage = Literal["reroute", "stall", "fail"]


class Detours:
    """Puts messages on other ways, or aside on a link that carries nothing."""

    def __init__(self, sim: Simulation, links: SharedLinks, wiring: Wiring, planner: Planner) -> None:
        self._sim = sim
        self._links = links
        self._wiring = wiring
        self._planner = planner
        self._nowhere = links.add_link(0.0)
        self.underway = Underway()

    def went_down(self, links: list[int], flows: OnOutage, reason: str) -> None:
        """These links are down; ``reason`` is for the error of messages that fail with them."""
        for trip in self.underway.over(links):
            if flows == "fail":
                self._links.abandon(trip.flow, LinkDownError(f"{reason} under a message"))
            elif trip.waits_since_s is None:
                if flows == "stall":
                    self._halt(trip, is_patient=True)
                else:
                    self.go_on(trip)

    def came_back(self) -> None:
        """A link or a node is up again: some that wait may have a way."""
        for trip in self.underway.waiting():
            if not trip.is_patient:
                self.go_on(trip)
            elif self._wiring.are_open(trip.leg.over):
                self._put_on(trip, trip.leg)

    def go_on(self, trip: Trip) -> None:
        """The rest of a message takes the best way of the moment, or waits until there is one."""
        left_bytes = trip.flow.size_bytes - trip.flow.sent_bytes
        try:
            leg = self._planner.detour(trip.source, trip.target, trip.cargo, left_bytes)
        except NoRouteError:
            self._halt(trip, is_patient=False)
        else:
            self._put_on(trip, leg)
            self._links.set_cap(trip.flow, min(trip.cap_bps, leg.plan.cap_bps))

    def _put_on(self, trip: Trip, leg: Leg) -> None:
        self._links.put_on(trip.flow, leg.way)
        if leg is not trip.leg:
            self._planner.release(trip.leg)
        trip.leg = replace(leg, plan=trip.plan)
        trip.go_on(self._sim.now)

    def _halt(self, trip: Trip, *, is_patient: bool) -> None:
        trip.wait(self._sim.now, is_patient=is_patient)
        self._links.reroute(trip.flow, [self._nowhere])
