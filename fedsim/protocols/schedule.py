"""Who talks to whom in which round, and how much that counts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scipy.sparse import csr_array

from fedsim.learners.mixing import Mixing, neighbour_weights
from fedsim.protocols.overlay import ChangingOverlay, Graph, Overlay, Peers, hears, tells

_REMEMBERED: Final = 256
"""Rounds of a changing overlay that are kept; a peer that is farther behind has its round's graph made again."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One peer's part in a round: the weights of those it hears, and to whom it sends."""

    hears: Mapping[int, float]
    tells: tuple[int, ...]


class Schedule:
    """The rounds of an overlay; of one that changes, each has weights of its own, by its own graph.

    ``base`` is who ever talks to whom.
    """

    def __init__(self, overlay: Overlay, mixing: Mixing, peers: Peers) -> None:
        self.base = overlay.graph(peers)
        self._changing = overlay if isinstance(overlay, ChangingOverlay) else None
        self._mixing, self._peers = mixing, peers
        self._round = lru_cache(maxsize=_REMEMBERED)(self._make_round)
        self._always: dict[int, Turn] = {}

    @property
    def changes(self) -> bool:
        """Whether rounds differ."""
        return self._changing is not None

    @property
    def most_apart(self) -> float:
        """How many rounds a peer can be behind another one without having been given up by anybody."""
        return len(self.base) if self._changing is None else math.inf

    def turn(self, peer: int, number: int) -> Turn:
        """What a peer does in its round of this number, from 1."""
        if self._changing is not None:
            return _turn(*self._round(number), peer)
        if peer not in self._always:
            self._always[peer] = _turn(*self._round(0), peer)
        return self._always[peer]

    def heard(self, peer: int, number: int) -> int:
        """How many a peer hears in its round of this number."""
        graph, _ = self._round(number if self.changes else 0)
        return len(hears(graph, peer))

    def _make_round(self, number: int) -> tuple[Graph, csr_array]:
        graph = self.base if self._changing is None else self._changing.graph_of(self._peers, number)
        return graph, self._mixing.weights(graph)


def _turn(graph: Graph, W: csr_array, peer: int) -> Turn:
    weights = neighbour_weights(W, peer)
    return Turn({other: weights.get(other, 0.0) for other in hears(graph, peer)}, tuple(tells(graph, peer)))
