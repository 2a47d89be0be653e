"""Which edge server a device belongs to: the one of its group, or else the nearest to its place."""

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np

from fedsim.errors import NoRouteError
from fedsim.system.fleet import Fleet
from fedsim.system.process import Ranks
from fedsim.system.topology import Topology


def edge_of(fleet: Fleet, topology: Topology, edges: Sequence[str], groups: Mapping[str, str]) -> Ranks:
    """The number of each device's edge: (n,).

    edges: places of the edge servers    groups: the edge of all devices of a group, by its name

    Raises:
        NoRouteError: a place of a device from which there is no way to any edge.
    """
    near = nearest(topology, edges)
    result = np.empty(len(fleet), dtype=np.int64)
    for number, group in enumerate(fleet.groups):
        rows = np.arange(len(fleet))[fleet.rows(number)]
        if group.name in groups:
            result[rows] = list(edges).index(groups[group.name])
            continue
        for kind, offset in zip(group.kinds, range(len(group.kinds)), strict=True):
            first = sum(len(other.kinds) for other in fleet.groups[:number]) + offset
            chosen = np.flatnonzero(fleet.kind[rows] == first)  # ranks in the group
            for place in kind.way.places:
                if place not in near:
                    raise NoRouteError(f"there is no way from {place}, where {group.name} is, to any edge server")
            of_places = np.array([near[place] for place in kind.way.places])
            result[rows[chosen]] = of_places[chosen % len(of_places)]
    return result


def nearest(topology: Topology, edges: Sequence[str]) -> dict[str, int]:
    """The number of the edge with the least delay from each place; of equally near ones the first."""
    back = topology.graph.reverse(copy=False)
    found: dict[str, tuple[float, int]] = {}
    for number, edge in enumerate(edges):
        for place, delay_s in nx.single_source_dijkstra_path_length(back, edge, weight="delay_s").items():
            found[place] = min(found.get(place, (np.inf, 0)), (float(delay_s), number))
    return {place: number for place, (_, number) in found.items()}
