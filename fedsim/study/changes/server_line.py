"""A faster line of the server."""

import math
from dataclasses import dataclass

import networkx as nx

from fedsim.scenario import Scenario
from fedsim.scenario.rate import ConstantRate, FadingRate
from fedsim.study.changes.change import DoesNotApplyError, scenario_of, words_of
from fedsim.system.topology import Topology


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerLine:
    """All links of the topology at the server carry so many times as much, both ways."""

    name: str
    factor: float
    text: str

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not without a server, nor where its links limit nobody."""
        if scenario.server is None:
            raise DoesNotApplyError("there is no server")
        if scenario.network.sharing == "equal-split":
            raise DoesNotApplyError("with equal-split sharing nothing but access links limits anybody")
        at = scenario.server.at
        for link in scenario.network.links:
            if at in {link.source, link.target} and not isinstance(link.rate, ConstantRate | FadingRate):
                raise DoesNotApplyError("the rates of the server's line are given as they were recorded")
        words = words_of(scenario)
        words["topology"] = self._widened(scenario.topology, at).words()
        return scenario_of(words)

    def _widened(self, topology: Topology, at: str) -> Topology:
        graph = nx.DiGraph(topology.graph)
        arcs = [arc for source, target, arc in graph.edges(data=True) if at in {source, target}]
        if all(math.isinf(arc["capacity_bps"]) for arc in arcs):
            raise DoesNotApplyError("the server's line has no limit")
        for arc in arcs:
            arc["capacity_bps"] *= self.factor
        return Topology(topology.name, graph, topology.about, topology.attachments)
