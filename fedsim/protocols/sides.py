"""Peers on two sides, of which one asks and the other answers, so that nobody waits in a circle."""

import networkx as nx


def asking_side(graph: "nx.Graph[int]") -> set[int]:
    """The peers that ask; the edges between them and all others connect everybody that the graph connects.

    Lian et al. 2018, "Asynchronous decentralized parallel stochastic gradient descent", section 4: with a bipartite
    graph there can be no deadlock. Where the graph is bipartite these are its sides, and the larger one asks. Else
    peers with even and odd numbers start on either side, and change it as long as that gives more edges between them;
    every peer keeps half of its edges at least.
    """
    if nx.is_bipartite(graph):
        colours = nx.bipartite.color(graph)
        asking = {node for node, colour in colours.items() if colour}
    else:
        asking = _improved(graph, {node for node in graph if node % 2 == 0})
    answering = set(graph) - asking
    return answering if len(answering) > len(asking) else asking


def crossing(graph: "nx.Graph[int]", asking: set[int]) -> "nx.Graph[int]":
    """The edges between the two sides, with all nodes."""
    kept: nx.Graph[int] = nx.Graph()
    kept.add_nodes_from(graph)
    kept.add_edges_from((i, j) for i, j in graph.edges if (i in asking) != (j in asking))
    return kept


def _improved(graph: "nx.Graph[int]", asking: set[int]) -> set[int]:
    """Every change of side adds an edge between the sides, so that this ends."""
    while True:
        moved = next((node for node in sorted(graph) if _is_better_off(graph, asking, node)), None)
        if moved is not None:
            asking = asking ^ {moved}
            continue
        parts = list(nx.connected_components(crossing(graph, asking)))
        apart = next((part for part in parts if _touches(graph, part)), None)
        if apart is None:
            return asking
        asking = asking ^ apart  # its edges to others join one side to itself: now they cross


def _is_better_off(graph: "nx.Graph[int]", asking: set[int], node: int) -> bool:
    others = [other for other in graph.neighbors(node) if other != node]
    same = sum((other in asking) == (node in asking) for other in others)
    return 2 * same > len(others)


def _touches(graph: "nx.Graph[int]", part: set[int]) -> bool:
    return any(other not in part for node in part for other in graph.neighbors(node))
