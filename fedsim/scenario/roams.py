"""From the words about handovers and outages to the values that the system takes."""

import math
from dataclasses import replace

from fedsim.scenario.handover import Handover, OtherWay, TimetableStop
from fedsim.scenario.kind import KindWords
from fedsim.scenario.outage import Outage
from fedsim.scenario.rate import make_course
from fedsim.system import outage as system
from fedsim.system.handover import ByLaw, ByTimetable
from fedsim.system.presence import Crashes
from fedsim.system.profiles import Profiles
from fedsim.system.ways import Roams, WayIn


def make_roams(group: KindWords, profiles: Profiles) -> Roams | None:
    """How a group's devices change their way into the network."""
    words = group.handover
    if words is None:
        return None
    others = [way_in(way, profiles, group.correlation.up) for way in words.to]
    if words.stay_s is not None and words.away_s is not None:
        return Roams(others=others, moves=ByLaw(stay_s=words.stay_s, away_s=words.away_s), then=words.then)
    return _by_timetable(words, way_in(group, profiles, group.correlation.up), others)


def make_outage(words: Outage) -> system.Outage:
    """What is down, when."""
    times: Crashes | system.Schedule
    if words.every_s is not None and words.repair_s is not None:
        times = Crashes(every_s=words.every_s, repair_s=words.repair_s)
    else:
        rows = words.schedule or ()
        times = system.Schedule(
            from_s=tuple(row.from_s for row in rows),
            for_s=tuple(row.for_s for row in rows),
            repeat_s=math.inf if words.repeat_s is None else words.repeat_s,
        )
    return system.Outage(nodes=words.node or (), link=words.link, machines=words.machines, times=times, then=words.then)


def _by_timetable(words: Handover, own: WayIn, others: list[WayIn]) -> Roams:
    """A stop that names a place of its own makes one more way, by the first that has its link."""
    stops = words.schedule or ()
    ways = [own, *others]
    numbers = []
    for stop in stops:
        number, ways = _way_of(stop, ways)
        numbers.append(number)
    moves = ByTimetable(
        starts_s=tuple(stop.from_s for stop in stops),
        ways=tuple(numbers),
        repeat_s=math.inf if words.repeat_s is None else words.repeat_s,
        shift_s=words.shift_s,
    )
    return Roams(others=ways[1:], moves=moves, then=words.then)


def _way_of(stop: TimetableStop, ways: list[WayIn]) -> tuple[int, list[WayIn]]:
    """Number of the way that a stop means, and all ways, if need be with one more."""
    of_link = [number for number, way in enumerate(ways) if way.link == stop.link]
    if stop.at is None:
        return of_link[0], ways
    for number in of_link:
        if tuple(ways[number].places) == (stop.at,):
            return number, ways
    return len(ways), [*ways, replace(ways[of_link[0]], places=(stop.at,))]


def way_in(words: OtherWay | KindWords, profiles: Profiles, correlation: float) -> WayIn:
    """A way into the network: another one, or a group's own; ``correlation`` is that of its rates up and down."""
    link = profiles.links[words.link]
    return WayIn(
        link=words.link,
        places=words.at,
        radio=profiles.radios[words.radio],
        half_duplex=link.half_duplex,
        paging_s=link.paging_wait_max_s,
        up_bps=words.up_bps,
        down_bps=words.down_bps,
        rtt_s=words.rtt_s,
        correlation=correlation,
        loss=words.loss,
        course=make_course(words.rate, profiles),
    )
