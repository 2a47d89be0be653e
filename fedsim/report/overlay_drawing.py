"""Draws an overlay over its underlay: a bent line for everybody who talks to each other, an arrow where one way."""

import math
from dataclasses import dataclass
from typing import Any, Final

import networkx as nx
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from fedsim.report.topology_layout import Spots
from fedsim.system.peers import Graph, Peers

_COLOUR: Final = "#CC3311"
_BEND: Final = 0.18
_AROUND: Final = 0.03  # of the drawing's size: how far from their place peers stand that share it
_MOST_IN_A_RING: Final = 24


@dataclass(frozen=True, kw_only=True)
class DrawnOverlay:
    """Who talks to whom, and at which node of the topology each peer is."""

    graph: Graph
    places: tuple[str, ...]


def drawn_overlay(peers: Peers, graph: Graph) -> DrawnOverlay:
    """An overlay to be drawn; its peers must be somewhere."""
    return DrawnOverlay(graph=graph, places=tuple(peers.known_reach("a drawing").places))


def draw_overlay(axes: Axes, overlay: DrawnOverlay, spots: Spots, *, marker_points: float) -> None:
    """Peers and the edges between them; those that share a place stand around it."""
    at = _stands(overlay, spots)
    thin = max(0.4, min(1.8, 30 / math.sqrt(max(1, overlay.graph.number_of_edges()))))
    is_directed = isinstance(overlay.graph, nx.DiGraph)
    for a, b in overlay.graph.edges:
        axes.add_patch(
            FancyArrowPatch(
                at[a],
                at[b],
                arrowstyle="-|>" if is_directed else "-",
                mutation_scale=5 + 3 * thin,
                connectionstyle=f"arc3,rad={_BEND}",
                color=_COLOUR,
                linewidth=thin,
                alpha=0.75,
                shrinkA=0.4 * marker_points,
                shrinkB=0.4 * marker_points,
                zorder=2,
            )
        )
    crowd = [at[peer] for peer, place in enumerate(overlay.places) if at[peer] != spots[place]]
    if crowd:
        x, y = zip(*crowd, strict=True)
        axes.scatter(x, y, s=(0.4 * marker_points) ** 2, c=_COLOUR, edgecolors="white", linewidths=0.3, zorder=3)


def overlay_handles(overlay: DrawnOverlay) -> list[Any]:
    """For a legend."""
    one_way = " (one way)" if isinstance(overlay.graph, nx.DiGraph) else ""
    return [Line2D([], [], color=_COLOUR, lw=1.5, alpha=0.75, label=f"{len(overlay.places):,} peers talk{one_way}")]


def _stands(overlay: DrawnOverlay, spots: Spots) -> list[tuple[float, float]]:
    """A peer alone stands at its place, others in rings around theirs."""
    xs, ys = zip(*spots.values(), strict=True)
    radius = _AROUND * max(max(xs) - min(xs), max(ys) - min(ys), 1e-3)
    counts: dict[str, int] = {}
    ranks = []
    for place in overlay.places:
        ranks.append(counts.get(place, 0))
        counts[place] = ranks[-1] + 1
    found = []
    for place, rank in zip(overlay.places, ranks, strict=True):
        (x, y), ring = spots[place], rank // _MOST_IN_A_RING
        in_ring = min(_MOST_IN_A_RING, counts[place] - ring * _MOST_IN_A_RING)
        turn, r = 2 * math.pi * (rank % _MOST_IN_A_RING) / in_ring, radius * (1 + 0.5 * ring)
        found.append((x, y) if counts[place] == 1 else (x + r * math.cos(turn), y + r * math.sin(turn)))
    return found
