"""Asynchronous gossip: two peers at a time average, whatever the others do.

Lian, Zhang, Zhang and Liu, "Asynchronous decentralized parallel stochastic gradient descent", ICML 2018, Algorithm 1
(AD-PSGD); Boyd, Ghosh, Prabhakar and Shah, "Randomized gossip algorithms", 2006, where nothing is computed.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fedsim.errors import FedsimError
from fedsim.protocols.fit import check_peer_fit
from fedsim.protocols.overlay import Graph, Overlay, tells
from fedsim.protocols.pairing_peer import PairingPeer
from fedsim.protocols.pairs import Pairs
from fedsim.protocols.session import GossipSession
from fedsim.protocols.sides import asking_side, crossing


@dataclass(frozen=True, kw_only=True)
class AsynchronousGossip:
    """Every peer works, averages with one random neighbour on ``overlay``, adds its work, and begins anew.

    Two peers that average send each other their models, and both move by half of the difference at the instant at
    which the second one has arrived: to the mean, but for work of their own that they added meanwhile. Until then
    nobody else averages with either; who wants to waits for its turn, in line, and after ``patience_s`` goes on alone.
    If a model does not arrive, because the other is gone or there is no way, neither moves, and the next neighbour is
    asked; who finds nobody goes on alone. A lost message is sent again at once.

    ``pairing`` "split": peers on one side ask, those on the other only answer and add their own work in between, as in
    the paper. "free": everybody asks, any neighbour.
    """

    overlay: Overlay
    """Who talks to whom."""
    pairing: Literal["split", "free"] = "split"
    """split: peers on one side ask and those on the other answer; free: everybody asks any neighbour."""
    patience_s: float = 10.0
    """How long a peer waits for its turn with a neighbour before it goes on alone."""

    def __post_init__(self) -> None:
        if not 0 < self.patience_s < math.inf:
            raise ValueError(f"patience must be > 0 and finite, got {self.patience_s!r}")

    @property
    def is_pairwise(self) -> bool:
        """Two peers mix at a time, and either may be in the middle of its work."""
        return True

    async def run(self, session: GossipSession) -> None:
        """All peers until they are cancelled, or gone for good.

        Raises:
            FedsimError: the learner cannot mix in the middle of its work, or the overlay changes or has directions.
        """
        check_peer_fit(self, session.training.learner)
        graph = self.overlay.graph(session.peers)
        if graph.is_directed():
            raise FedsimError("asynchronous gossip needs an overlay that is not directed: both of a pair change")
        pairs, targets = Pairs(), self._targets(graph)
        peers: list[PairingPeer] = []
        for device in session.devices:
            choices = targets[device.index]
            peers.append(PairingPeer(session=session, node=device, pairs=pairs, peers=peers, targets=choices))
        async with asyncio.TaskGroup() as group:
            for peer in peers:
                group.create_task(peer.live(self.patience_s), name=peer.node.name)
        session.monitor.stop("no devices are left")

    def _targets(self, graph: Graph) -> list[Sequence[int]]:
        """Whom each peer may ask."""
        if self.pairing == "free":
            return [tells(graph, peer) for peer in graph]
        asking = asking_side(graph)
        cross = crossing(graph, asking)
        return [tells(cross, peer) if peer in asking else () for peer in sorted(graph)]
