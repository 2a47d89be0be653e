"""Those among whom an overlay says who talks to whom."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Union, runtime_checkable

import networkx as nx
import numpy as np

from fedsim.errors import FedsimError
from fedsim.kernel.streams import Streams
from fedsim.system.reach import Reach

Graph = Union["nx.Graph[int]", "nx.DiGraph[int]"]
"""On 0 .. n - 1. In a directed one, an arc i -> j says that i sends to j."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Peers:
    """Devices, edge servers or silos without a server above them, numbered from 0.

    names: of all, in order    streams: named luck; the same names give the same luck, again and again
    reach: what lies between them; None where nobody has said it
    """

    names: Sequence[str]
    streams: Callable[..., np.random.Generator] = field(default_factory=lambda: Streams(0).generator)
    reach: Reach | None = None

    @classmethod
    def of(cls, count: int) -> "Peers":
        """So many peers, called by their numbers, of which nothing more is known."""
        return cls(names=[str(index) for index in range(count)])

    def __len__(self) -> int:
        return len(self.names)

    def known_reach(self, why: str) -> Reach:
        """What lies between the peers.

        Raises:
            FedsimError: that is not known; ``why`` says who asks for it.
        """
        if self.reach is None:
            raise FedsimError(f"{why} needs to know the network between the peers")
        return self.reach


class BaseOverlay(Protocol):
    """An overlay that stays as it is."""

    def graph(self, peers: Peers) -> Graph:
        """A connected graph (strongly connected, if it is directed): for the same peers the same on every call.

        Raises:
            FedsimError: there is none for these peers.
        """


@runtime_checkable
class Choosy(Protocol):
    """An overlay that is not for any peers."""

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Why it is not for peers of these names: its key (``base.rows``, or empty for all of it), and the rule."""


def check_fit(overlay: Choosy, peers: Peers) -> None:
    """Refuse peers for whom the overlay is not.

    Raises:
        FedsimError: with all reasons.
    """
    broken = [f"{key} {rule}".strip() for key, rule in overlay.misfits(peers.names)]
    if broken:
        raise FedsimError("; ".join(broken))


def undirected(base: BaseOverlay, peers: Peers, why: str) -> Graph:
    """The graph of an overlay on whose edges both ends talk.

    Raises:
        FedsimError: it is directed; ``why`` says who needs it otherwise.
    """
    graph = base.graph(peers)
    if graph.is_directed():
        raise FedsimError(f"{why} a base overlay that is not directed")
    return graph


def chance(peers: Peers, seed: int | None, *names: str | int) -> np.random.Generator:
    """The luck of an overlay: that of its own seed or, where it has none, of the run's."""
    streams = peers.streams if seed is None else Streams(seed).generator
    return streams("overlay", *names)
