"""What nodes without a server send to each other, and what they make of it: for many nodes at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from fedsim.tasks.arrays import Array, IntArray


@dataclass(frozen=True, kw_only=True)
class Offered:
    """What b nodes send, entry i by node i of what was asked.

    ``memory`` is remembered at once, whatever becomes of the round: what has left a node cannot be taken back.
    """

    messages: Array  # (b, *shape of a message), as the receivers read them
    memory: tuple[Any, ...]  # (b,)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What b nodes have when they mix; entry i of every field but three belongs to ``devices[i]``.

    Messages of neighbours stand one after the other, node by node: ``received[starts[i]:starts[i + 1]]`` came to node
    i, and ``weights`` and ``senders`` say how much each counts and whose it is. What is missing to 1 is the node's own
    weight. A neighbour whose message did not come is left out, and so leaves its weight to the node itself.
    """

    devices: IntArray  # (b,)
    own: Array  # (b, q) states from before the round
    computed: Array  # (b, *) what local work gave
    offered: Array  # (b, *shape of a message) what the node itself sent in this round
    memory: tuple[Any, ...]  # (b,)
    starts: IntArray  # (b + 1,)
    received: Array  # (e, *shape of a message)
    senders: IntArray  # (e,)
    weights: Array  # (e,)

    def pulls(self) -> Array:
        """sum_j W_ij (m_j - m_i) for every node, (b, *shape of a message).

        Only differences between messages enter, as they were read: a symmetric W keeps the sum of all nodes whatever
        the precision, and nodes that are equal stay so. A node's sum does not depend on the others in the batch.
        """
        counts, entries = np.diff(self.starts), len(self.received)
        most = int(counts.max(initial=0))
        if most * len(counts) > 2 * entries:  # a few have many more neighbours than the rest
            return self._pulls_by_matrix(counts, entries)
        pulls = np.zeros(self.offered.shape)
        weights = self.weights.reshape(-1, *(1,) * (pulls.ndim - 1))
        for place in range(most):  # the first neighbour of every node, then the second of those that have one
            nodes = np.flatnonzero(counts > place)
            theirs = slice(None) if len(nodes) == len(counts) else nodes
            messages = self.starts[nodes] + place
            apart = self.received[messages]
            apart -= self.offered[theirs]
            apart *= weights[messages]
            pulls[theirs] += apart
        return pulls

    def _pulls_by_matrix(self, counts: IntArray, entries: int) -> Array:
        """The same sums in the same order: less to do where they are very unequal, more where they are not."""
        apart = self.received - np.repeat(self.offered, counts, axis=0)
        W = csr_array((self.weights, np.arange(entries), self.starts), shape=(len(counts), entries))
        return np.asarray(W @ apart.reshape(entries, -1)).reshape(self.offered.shape)


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """What b nodes are after they mixed, entry i of ``devices[i]`` of the exchange."""

    states: Array  # (b, q)
    memory: tuple[Any, ...]  # (b,)


@dataclass(kw_only=True, slots=True, eq=False)  # not frozen: that costs more than all else in making one
class Meeting:
    """What one node has when it mixes; ``received`` and ``weights`` by neighbour, of those whose message came."""

    device: int
    own: Array  # (q,)
    computed: Array  # (*)
    offered: Array  # (*shape of a message)
    memory: Any
    received: Mapping[int, Array]
    weights: Mapping[int, float]


def assemble(meetings: Sequence[Meeting]) -> Exchange:
    """Meetings of single nodes, at least one, as the exchange of a batch."""
    messages = [message for meeting in meetings for message in meeting.received.values()]
    weights = [meeting.weights[sender] for meeting in meetings for sender in meeting.received]
    offered = np.array([meeting.offered for meeting in meetings])  # ``stack`` takes twice as long to do the same
    return Exchange(
        devices=np.array([meeting.device for meeting in meetings], dtype=np.int64),
        own=np.array([meeting.own for meeting in meetings]),
        computed=np.array([meeting.computed for meeting in meetings]),
        offered=offered,
        memory=tuple(meeting.memory for meeting in meetings),
        starts=np.cumsum([0, *(len(meeting.received) for meeting in meetings)], dtype=np.int64),
        received=np.array(messages) if messages else np.empty((0, *offered.shape[1:])),
        senders=np.array([sender for meeting in meetings for sender in meeting.received], dtype=np.int64),
        weights=np.array(weights, dtype=np.float64),
    )
