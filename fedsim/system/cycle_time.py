"""How fast rounds follow each other where everybody waits only for neighbours: max-plus algebra.

Marfoq, Xu, Neglia and Vidal, "Throughput-optimal topology design for cross-silo federated learning", NeurIPS 2020,
equations 4 and 5. Round k + 1 of a node starts when all it waits for is there,
``t_j(k+1) = max over i of t_i(k) + d(i, j)``, and ``t(k) / k`` tends to the largest mean of ``d`` along a circuit.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import networkx as nx

Node = Any
_NEVER = -math.inf


@dataclass(frozen=True, slots=True)
class Circuit:
    """Nodes in order, the first one once, and the mean delay of their arcs in seconds."""

    nodes: tuple[Node, ...]
    mean_s: float


def cycle_time(delays: "nx.DiGraph[Any]") -> float:
    """Seconds per round, in the long run, of the slowest part of an overlay.

    delays: an arc i -> j with ``delay_s`` for every wait, from "i starts its round" to "j has what i sent"; a loop
    at i is i's own computing. Where not everybody hears of everybody, this is the pace of the slowest component.

    Raises:
        ValueError: no circuit at all, or a delay that is not a finite number >= 0.
    """
    return critical_circuit(delays).mean_s


def critical_circuit(delays: "nx.DiGraph[Any]") -> Circuit:
    """The circuit that sets the pace: whatever is not on it could be slower without harm.

    Karp's theorem (1978), O(nodes x arcs) in each strongly connected component, in rational numbers: a number of
    seconds is the fraction that its floating-point value is, so ties and nearly equal circuits are told apart.

    Raises:
        ValueError: no circuit at all, or a delay that is not a finite number >= 0.
    """
    arcs: list[tuple[Node, Node, Any]] = list(delays.edges(data="delay_s"))
    for source, target, delay_s in arcs:
        if not (isinstance(delay_s, (int, float, Fraction)) and 0 <= delay_s < math.inf):
            raise ValueError(f"delay_s of {source!r} -> {target!r} must be a number >= 0 and finite, got {delay_s!r}")
    found = [circuit for part in _components(delays) if (circuit := _critical(part)) is not None]
    if not found:
        raise ValueError("a graph without circuits has no cycle time: give every node a loop of its own computing")
    mean, nodes = max(found, key=lambda item: item[0])
    return Circuit(nodes, float(mean))


@dataclass(frozen=True)
class _Part:
    """A strongly connected component: nodes by number, and arcs into each as (from, delay)."""

    names: Sequence[Hashable]
    into: Sequence[Sequence[tuple[int, int]]]
    unit: int
    """Delays are whole numbers of 1 / unit seconds."""


def _components(delays: "nx.DiGraph[Any]") -> list[_Part]:
    place = {node: index for index, node in enumerate(delays)}
    arcs: list[tuple[Node, Node, Any]] = list(delays.edges(data="delay_s"))
    exact = {(source, target): Fraction(delay_s) for source, target, delay_s in arcs}
    unit = math.lcm(*(delay.denominator for delay in exact.values()))
    parts = []
    for component in nx.strongly_connected_components(delays):
        names = sorted(component, key=lambda node: place[node])
        number = {node: index for index, node in enumerate(names)}
        into: list[list[tuple[int, int]]] = [[] for _ in names]
        for target in names:
            for source in sorted(delays.pred[target], key=lambda node: place[node]):
                if source in number:
                    into[number[target]].append((number[source], int(exact[source, target] * unit)))
        parts.append(_Part(names, into, unit))
    return parts


def _critical(part: _Part) -> tuple[Fraction, tuple[Node, ...]] | None:
    """The largest mean of a component, and a circuit that has it; None where there is no circuit."""
    count = len(part.names)
    if not any(part.into):
        return None
    longest, came_from = _walks(part)
    final = longest[count]

    def mean(node: int) -> Fraction:
        """Karp: min over k of (F_n(v) - F_k(v)) / (n - k)."""
        ends = [(final[node] - longest[k][node], count - k) for k in range(count) if longest[k][node] != _NEVER]
        return min(Fraction(int(rise), arcs) for rise, arcs in ends)

    best = max((node for node in range(count) if final[node] != _NEVER), key=mean)
    walk = [best]
    for k in range(count, 0, -1):
        walk.append(came_from[k][walk[-1]])
    return _best_circuit(part, walk[::-1])


def _walks(part: _Part) -> tuple[list[list[Any]], list[list[int]]]:
    """F_k(v): delay of the longest walk of k arcs from node 0 to v, and the node before v on it."""
    longest: list[list[Any]] = [[0, *[_NEVER] * (len(part.names) - 1)]]
    came_from: list[list[int]] = [[]]
    for _ in part.names:
        before = longest[-1]
        best = [
            max(((before[i] + delay, -i) for i, delay in into if before[i] != _NEVER), default=(_NEVER, 0))
            for into in part.into
        ]
        longest.append([delay for delay, _ in best])
        came_from.append([-node for _, node in best])
    return longest, came_from


def _best_circuit(part: _Part, walk: list[int]) -> tuple[Fraction, tuple[Node, ...]]:
    """A walk of as many arcs as there are nodes has circuits in it; of the best walk, one is critical."""
    delay = {(source, target): value for target, arcs in enumerate(part.into) for source, value in arcs}
    found: list[tuple[Fraction, tuple[Node, ...]]] = []
    path: list[int] = []
    for node in walk:
        if node in path:
            at = path.index(node)
            circuit = path[at:]
            total = sum(delay[arc] for arc in pairwise([*circuit, node]))
            found.append((Fraction(total, len(circuit) * part.unit), tuple(part.names[i] for i in circuit)))
            del path[at:]
        path.append(node)
    return max(found, key=lambda item: item[0])
