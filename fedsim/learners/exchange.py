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
        shape = self.offered.shape
        apart = self.received - np.repeat(self.offered, np.diff(self.starts), axis=0)
        entries = len(self.received)
        if not entries:
            return np.zeros(shape)
        W = csr_array((self.weights, np.arange(entries), self.starts), shape=(shape[0], entries))
        return np.asarray(W @ apart.reshape(entries, -1)).reshape(shape)


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """What b nodes are after they mixed, entry i of ``devices[i]`` of the exchange."""

    states: Array  # (b, q)
    memory: tuple[Any, ...]  # (b,)


@dataclass(frozen=True, kw_only=True)
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
    offered = np.stack([meeting.offered for meeting in meetings])
    return Exchange(
        devices=np.array([meeting.device for meeting in meetings], dtype=np.int64),
        own=np.stack([meeting.own for meeting in meetings]),
        computed=np.stack([meeting.computed for meeting in meetings]),
        offered=offered,
        memory=tuple(meeting.memory for meeting in meetings),
        starts=np.cumsum([0, *(len(meeting.received) for meeting in meetings)], dtype=np.int64),
        received=np.stack(messages) if messages else np.empty((0, *offered.shape[1:])),
        senders=np.array([sender for meeting in meetings for sender in meeting.received], dtype=np.int64),
        weights=np.array(weights, dtype=np.float64),
    )
