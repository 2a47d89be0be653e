"""How the capacities of the topology's links go over time, in words.

network:
  links:
    - {from: server, to: cell-a, rate: {fading: 4g_mpls}}
    - {from: server, to: cell-b, rate: {trace: backhaul.csv, scale: mean}}

``down`` is the way from ``from`` to ``to``, and ``up`` the way back. The topology's capacities are the means.
"""

from functools import partial
from typing import Self

from pydantic import Field, ValidationInfo, model_validator

from fedsim.kernel import Simulation
from fedsim.scenario.checked import Checked
from fedsim.scenario.names import Place, known
from fedsim.scenario.rate import Rate, make_course
from fedsim.scenario.refusal import Refused, refuse
from fedsim.system.course import OwnRates
from fedsim.system.network import Network
from fedsim.system.profiles import Profiles
from fedsim.system.topology import Topology


class LinkRate(Checked):
    """A link of the topology, and how its capacities go over time."""

    source: Place = Field(alias="from")
    """One end of the link."""
    target: Place = Field(alias="to")
    """The other end."""
    rate: Rate
    """How its capacities go over time; down is the way from from to to."""

    @model_validator(mode="after")
    def _is_there(self, info: ValidationInfo) -> Self:
        topology = known(info).topology
        if topology is not None and not topology.graph.has_edge(self.source, self.target):
            raise refuse(f"the topology has no link from {self.source!r} to {self.target!r}")
        return self


def once_each(links: tuple[LinkRate, ...]) -> tuple[LinkRate, ...]:
    """The links, if no two of them are the same."""
    ends = [{link.source, link.target} for link in links]
    twice = [i for i, pair in enumerate(ends) if pair in ends[:i]]
    if twice:
        raise Refused([((i,), "is a link that an earlier item names") for i in twice])
    return links


def set_rates(
    links: tuple[LinkRate, ...], network: Network, topology: Topology, profiles: Profiles, sim: Simulation
) -> None:
    """From the start on, links have capacities that go as the words say."""
    for rank, link in enumerate(links):
        ways = ((link.target, link.source), (link.source, link.target))
        arcs = [topology.graph.get_edge_data(*way) for way in ways]
        up_bps, down_bps = (arc["capacity_bps"] if arc else float("inf") for arc in arcs)
        luck = partial(sim.rng, "link rate", link.source, link.target)
        own = OwnRates(rank=rank, up_bps=up_bps, down_bps=down_bps, luck=luck)
        for way, arc, capacity in zip(ways, arcs, make_course(link.rate, profiles).of(own), strict=True):
            if arc and capacity is not None:
                network.set_capacity(*way, capacity)
