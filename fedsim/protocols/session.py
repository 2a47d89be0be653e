"""What a protocol is handed: the nodes, the training, the luck, and who watches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from fedsim.learners.learner import IntArray
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.cost import Cost
from fedsim.protocols.node import Crew, DeviceNode, Foresight, Letters, Monitor, Recorder, ServerNode
from fedsim.protocols.overlay import Peers

Training = TypeVar("Training", CentralTraining, GossipTraining)


@dataclass(frozen=True, kw_only=True)
class Session(Generic[Training]):
    """One run of a protocol. ``streams(*names)`` is named luck."""

    training: Training
    streams: Callable[..., np.random.Generator]
    record: Recorder
    monitor: Monitor


@dataclass(frozen=True, kw_only=True)
class CentralSession(Session[CentralTraining]):
    """A session with a server; ``devices[i]`` has task i of the problem.

    Where there are edge servers, device i belongs to ``edges[edge_of[i]]``. With ``foresight`` parts of rounds are
    told in advance; that changes nothing but what they cost.
    """

    devices: Crew
    server: ServerNode
    edges: Sequence[ServerNode] = ()
    edge_of: IntArray | None = None
    foresight: Foresight | None = None
    whole_costs: dict[LocalCost, tuple[Cost, int]] = field(default_factory=dict)
    """Of devices of which somebody has asked: what a full round's work costs, and its steps."""


@dataclass(frozen=True, kw_only=True)
class GossipSession(Session[GossipTraining]):
    """A session among peers; ``devices[i]`` has task i of the problem, and ``peers`` is what overlays know of them.

    With ``letters`` messages go without tasks of their own where they can; that changes nothing but what they cost.
    ``part(source, target, out, into)`` hears, where the overlay changes, to how many the source of a message sends in
    its round, and how many its target hears.
    """

    devices: Sequence[DeviceNode]
    peers: Peers
    letters: Letters | None = None
    part: Callable[[str, str, int, int], None] | None = None
