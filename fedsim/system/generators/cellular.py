"""A cellular network as a hierarchy: core sites, metro sites, cells."""

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import networkx as nx
import numpy as np

from fedsim.system.generators.generator import EVERYWHERE, MOST_NODES, LinkKind, check_all, check_whole, join, numbered
from fedsim.system.law import Law, Uniform
from fedsim.system.topology import Topology


@dataclass(frozen=True, kw_only=True, slots=True)
class HierarchicalCellular:
    """A server behind core sites, metro sites below each core, cells (or access points) below each metro.

    Usual sizes are one core site for a region, 5 to 20 metro sites for a core and 10 to 100 cells for a metro; delays
    5 to 20 ms from core to metro and 1 to 5 ms from metro to cell, drawn for each link (all engineering choices). A
    cell's backhaul of 1 Gbit/s and a metro's of 10 Gbit/s are fibre of today. Access points have half-duplex air.
    """

    cores: int = 1
    """Core sites behind the server."""
    metros: int = 5
    """Metro sites below each core."""
    cells: int = 10
    """Cells, or access points, below each metro."""
    access: Literal["cell", "access-point"] = "cell"
    """What devices attach to."""
    core_capacity_bps: float = 100e9
    """Of links between cores and to the server, each way; > 0."""
    metro_capacity_bps: float = 10e9
    """Of links from a core to its metros, each way; > 0."""
    cell_capacity_bps: float = 1e9
    """Of links from a metro to its cells, each way; > 0."""
    core_delay_s: float = 10e-3
    """Of links between cores, one way; >= 0."""
    metro_delay_s: Law = field(default_factory=lambda: Uniform(5e-3, 20e-3))
    """Of links from a core to its metros, one way, drawn for each."""
    cell_delay_s: Law = field(default_factory=lambda: Uniform(1e-3, 5e-3))
    """Of links from a metro to its cells, one way, drawn for each."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        for name in ("cores", "metros", "cells"):
            check_whole(**{name: (getattr(self, name), 1, MOST_NODES)})
        check_all([("core_delay", 0 <= self.core_delay_s < math.inf, "must be >= 0 and finite", self.core_delay_s)])
        check_whole(nodes=(1 + self.cores * (1 + self.metros * (1 + self.cells)), 4, MOST_NODES))
        for name in ("core_capacity_bps", "metro_capacity_bps", "cell_capacity_bps"):
            value = getattr(self, name)
            check_all([(name.removesuffix("_bps"), value > 0, "must be > 0", value)])
        for name in ("metro_delay_s", "cell_delay_s"):
            low, mean_s = getattr(self, name).support[0], getattr(self, name).mean
            check_all([(name.removesuffix("_s"), low >= 0 and math.isfinite(mean_s), "must be >= 0 and finite", low)])

    def draw(self, rng: np.random.Generator) -> Topology:
        """``server``, ``core-0``, ``metro-0``, ``cell-00`` or ``ap-00`` onwards; the sets ``cells`` and ``metros``."""
        cores = list(numbered("core", range(self.cores)).values())
        metros = list(numbered("metro", range(self.cores * self.metros)).values())
        stem = "cell" if self.access == "cell" else "ap"
        cells = list(numbered(stem, range(len(metros) * self.cells)).values())
        metro_delays_s = self.metro_delay_s.draws(rng, len(metros)).tolist()
        cell_delays_s = self.cell_delay_s.draws(rng, len(cells)).tolist()
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_node("server", kind="server")
        graph.add_nodes_from([*cores, *metros], kind="router")
        graph.add_nodes_from(cells, kind=self.access)
        core, metro, cell = (
            LinkKind(capacity_bps=capacity_bps, delay_s=self.core_delay_s, medium="fibre")
            for capacity_bps in (self.core_capacity_bps, self.metro_capacity_bps, self.cell_capacity_bps)
        )
        join(graph, "server", cores[0], core.arc(delay_s=0.5e-3))  # across a data centre
        for a, b in combinations(cores, 2):
            join(graph, a, b, core.arc())
        for index, (name, delay_s) in enumerate(zip(metros, metro_delays_s, strict=True)):
            join(graph, cores[index // self.metros], name, metro.arc(delay_s=delay_s))
        duplex = "full" if self.access == "cell" else "half"
        for index, (name, delay_s) in enumerate(zip(cells, cell_delays_s, strict=True)):
            join(graph, metros[index // self.cells], name, cell.arc(delay_s=delay_s, duplex=duplex))
        sets = {EVERYWHERE: tuple(graph), "cells": tuple(cells), "metros": tuple(metros)}
        return Topology("hierarchical-cellular", graph, "a server, core sites, metro sites and cells", sets)
