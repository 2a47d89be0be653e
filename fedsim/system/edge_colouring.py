"""Edges into matchings: a proper colouring of the edges with at most one colour more than the largest degree."""

from collections.abc import Hashable, Iterator
from itertools import pairwise
from typing import Any, TypeAlias

import networkx as nx

Node = Any
Matching: TypeAlias = tuple[tuple[Node, Node], ...]


def matchings(graph: "nx.Graph[Any]") -> list[Matching]:
    """The edges in at most max degree + 1 matchings, in which no node is twice; loops are left out.

    Misra and Gries, "A constructive proof of Vizing's theorem", Information Processing Letters 1992; O(edges x nodes).
    The same graph, with its nodes and edges in the same order, gives the same matchings.
    """
    colouring = _Colouring(graph)
    for u, v in graph.edges:
        if u != v:
            colouring.add(u, v)
    found: dict[int, list[tuple[Node, Node]]] = {}
    for u, v in graph.edges:
        if u != v:
            found.setdefault(colouring.at[u][v], []).append((u, v))
    return [tuple(found[colour]) for colour in sorted(found)]


class _Colouring:
    """Colours of the edges so far: ``at[u][v]``, and the neighbour of u by ``across[u][colour]``."""

    def __init__(self, graph: "nx.Graph[Any]") -> None:
        self.at: dict[Hashable, dict[Hashable, int]] = {node: {} for node in graph}
        self.across: dict[Hashable, dict[int, Hashable]] = {node: {} for node in graph}

    def add(self, u: Node, v: Node) -> None:
        """Colour one more edge."""
        fan = self._fan(u, v)
        c, d = self._free(u), self._free(fan[-1])
        if c != d:
            self._invert(u, c, d)
        end = next(i for i, node in enumerate(fan) if d not in self.across[node] and self._is_fan(u, fan[: i + 1]))
        for here, after in pairwise(fan[: end + 1]):  # turn the fan by one
            colour = self.at[u][after]
            self._clear(u, after)
            self._set(u, here, colour)
        self._set(u, fan[end], d)

    def _fan(self, u: Node, v: Node) -> list[Node]:
        """Neighbours of u from v on, as many as go: each edge's colour is free at the neighbour before."""
        fan, others = [v], dict(self.at[u])
        while True:
            after = next((node for node, colour in others.items() if colour not in self.across[fan[-1]]), None)
            if after is None:
                return fan
            fan.append(after)
            del others[after]

    def _is_fan(self, u: Node, fan: list[Node]) -> bool:
        """Whether it still is one, with the colours as they are now."""
        return all(self.at[u][after] not in self.across[before] for before, after in pairwise(fan))

    def _free(self, node: Node) -> int:
        """The least colour that none of its edges has."""
        return next(colour for colour in range(len(self.across[node]) + 1) if colour not in self.across[node])

    def _invert(self, u: Node, c: int, d: int) -> None:
        """Swap two colours on the path from u on which they take turns; then d is free at u, as c is."""
        path = list(self._path(u, d, c))
        for a, b, _ in path:
            self._clear(a, b)
        for a, b, colour in path:
            self._set(a, b, c if colour == d else d)

    def _path(self, node: Node, first: int, second: int) -> Iterator[tuple[Node, Node, int]]:
        while first in self.across[node]:
            after = self.across[node][first]
            yield node, after, first
            node, first, second = after, second, first

    def _set(self, a: Node, b: Node, colour: int) -> None:
        self.at[a][b] = self.at[b][a] = colour
        self.across[a][colour], self.across[b][colour] = b, a

    def _clear(self, a: Node, b: Node) -> None:
        colour = self.at[a].pop(b)
        del self.at[b][a], self.across[a][colour], self.across[b][colour]
