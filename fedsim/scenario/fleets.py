"""From the words about devices, and about what takes them along, to the fleet that the system takes."""

from collections.abc import Sequence

from fedsim.kernel import Simulation
from fedsim.scenario.comings import comings
from fedsim.scenario.group import DeviceGroup as GroupWords
from fedsim.scenario.kind import KindWords
from fedsim.scenario.outage import Outage as OutageWords
from fedsim.scenario.roams import make_outage, make_roams, way_in
from fedsim.scenario.schema import Scenario
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.blackout import Blackout
from fedsim.system.exposure import Cut
from fedsim.system.fleet import DeviceGroup, Fleet, Kind
from fedsim.system.interruption import Interrupted
from fedsim.system.presence import Comings
from fedsim.system.profiles import Profiles

Cuts = Sequence[tuple[OutageWords, Cut]]
"""Outages that take machines along, and when."""


def make_cuts(scenario: Scenario, sim: Simulation) -> Cuts:
    """The outages that take machines along, as these see them."""
    return [(words, make_outage(words).cut(sim)) for words in scenario.outages if words.machines]


def make_fleet(scenario: Scenario, profiles: Profiles, sim: Simulation, cuts: Cuts) -> Fleet:
    """All devices as arrays, with the luck of this simulation."""
    groups = [_group(words, profiles, scenario.interrupted, _comings(words, cuts)) for words in scenario.fleet]
    return Fleet(groups, sim.luck, sim.rng)


def _comings(words: GroupWords, cuts: Cuts) -> list[Comings]:
    """What takes the devices of a group along, first; then its own comings and goings."""
    rules: list[Comings] = []
    for outage, cut in cuts:
        if words.name in outage.groups:
            rules.append(Blackout(cut))
        elif outage.devices:
            ranks = tuple(rank for rank, name in enumerate(words.device_names()) if name in outage.devices)
            rules += [Blackout(cut, ranks)] if ranks else []
    rules += comings(words.availability, words.churn)
    return rules if words.crashes is None else [*rules, words.crashes.make()]


def _group(words: GroupWords, profiles: Profiles, interrupted: Interrupted, rules: Sequence[Comings]) -> DeviceGroup:
    return DeviceGroup(
        name=words.name,
        count=words.count,
        kinds=[_kind(one, profiles, interrupted) for one in words.mix or words.devices or (words,)],
        weights=[one.weight for one in words.mix],
        names=[one.name for one in words.devices],
        comings=rules,
    )


def _kind(words: KindWords, profiles: Profiles, interrupted: Interrupted) -> Kind:
    return Kind(
        way=way_in(words, profiles, words.correlation.up),
        step_overhead_s=words.step_overhead_s,
        train_w=words.power.train_w,
        idle_w=words.power.idle_w,
        sleep_w=words.power.sleep_w,
        battery_j=words.battery_j,
        flops_per_s=words.flops_per_s,
        charge=words.charge,
        correlation=words.correlation.speed,
        roams=make_roams(words, profiles),
        chip=words.processor,
        rules=BatteryRules(
            charging=words.charging,
            floor_share=words.floor_share,
            restart_share=words.restart_share,
            takes_part=words.takes_part,
        ),
        interrupted=interrupted,
        faults=None if words.faults is None else words.faults.make(),
    )
