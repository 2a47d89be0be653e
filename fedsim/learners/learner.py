"""What a learner is: pure numerics between messages, with no clock and no await.

Two families. A *central* learner has a server state, what the server sends down, what devices compute from
it, and how the server combines their answers. A *decentralised* learner has one model per node, what a node
computes from its own model, what it sends to its neighbours, and how it mixes what it got from them. Local
work is always done for a *batch of devices*: the leading axis of every array is the device.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.local_cost import LocalCost
from fedsim.tasks.model import Predictor
from fedsim.tasks.problem import Problem

Broadcast = TypeVar("Broadcast", bound=Callable[..., Any])
Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Local work of b devices; entry i of every field belongs to ``devices[i]``.

    ``steps`` is what each device is *granted*: a device with a deadline or an empty battery gets fewer than the
    steps of its ``LocalCost``. ``versions`` says how often the server had combined answers when it sent what the
    device received (among peers: the peer's own rounds before this one), for step sizes that fall by the round.
    ``rngs`` are private to (run, device, round), so that a result does not depend on which devices happen to be
    computed together.
    """

    devices: IntArray  # (b,)
    received: Array  # (b, *shape of a message)
    memory: tuple[Any, ...]  # (b,) what each device kept from last time, None where the learner keeps nothing
    steps: IntArray  # (b,)
    versions: IntArray  # (b,)
    rngs: Sequence[np.random.Generator]  # (b,)


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What b devices computed, entry i by ``devices[i]`` of the work.

    ``memory`` is what the device will remember *if the server takes its answer*: the protocol commits it
    then, and only then, so that a lost upload leaves both sides as they were.
    """

    sent: Array  # (b, *shape of a message)
    memory: tuple[Any, ...]  # (b,)
    steps: IntArray | None = None  # (b,) steps really done, from a learner that stops by itself


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What k devices sent and the server combines; entry i of every field belongs to ``devices[i]``.

    ``staleness`` says how often the server has combined answers since it sent what this answer was computed from:
    0 in synchronous rounds.
    """

    devices: IntArray  # (k,)
    sent: Array  # (k, *shape of a message)
    examples: IntArray  # (k,) training examples behind each answer
    steps: IntArray  # (k,) local steps behind each answer
    staleness: IntArray  # (k,)


def same_for_all(broadcast: Broadcast) -> Broadcast:
    """Mark the ``broadcast`` of a learner as one that does not look at the device: it is asked once for each state.

    A class that writes a ``broadcast`` of its own is not marked by that of its parent.
    """
    broadcast.same_for_all = True  # type: ignore[attr-defined]
    return broadcast


def tells_all(learner: "CentralLearner") -> bool:
    """Whether all devices are sent the same; see ``same_for_all``."""
    return getattr(learner.broadcast, "same_for_all", False)


class LocalLearner(Protocol):
    """What both families share: the work of a device."""

    @property
    def takes_partial_work(self) -> bool:
        """Whether an answer from fewer steps than asked is worth sending."""

    @property
    def epochs(self) -> float:
        """Passes over a device's own examples in a full round's work."""

    def memory(self, problem: Problem, device: int) -> Any:
        """What the device remembers before its first round."""

    def local(self, problem: Problem, work: Work) -> Computed:
        """Do the granted steps of every device in the batch. Nothing that came in is changed in place."""

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """What a full round's work asks of this device; it is the same in every round."""

    def up_bytes(self, problem: Problem) -> int:
        """Bytes of the message that carries one device's answer."""

    def predictor(self, problem: Problem) -> Predictor:
        """The model that reads the parameters that ``models`` gives; the problem's own unless the learner says more."""


@runtime_checkable
class SelfStopping(Protocol):
    """A learner whose devices stop when their numbers say so: its work is computed first, and charged then."""

    @property
    def stops_by_itself(self) -> bool:
        """Whether ``Computed.steps`` says how many of the granted steps were done."""


class CentralLearner(LocalLearner, Protocol):
    """A learner with a server."""

    @property
    def takes_stale_answers(self) -> bool:
        """Whether the server may combine any number of answers at any time, as asynchronous protocols do."""

    @property
    def needs_everybody(self) -> bool:
        """Whether every round needs an answer from every device."""

    @property
    def sends(self) -> Literal["model", "change"]:
        """What codecs act on: a model in the shape of what was received, or a change."""

    def init(self, problem: Problem, rng: np.random.Generator) -> Any:
        """Server state before the first round."""

    def broadcast(self, problem: Problem, state: Any, device: int) -> Array:
        """What the server sends to this device; not changed in place by later rounds."""

    def aggregate(self, problem: Problem, state: Any, answers: Answers) -> Any:
        """Server state after the round in which these answers arrived (at least one; sorted by device)."""

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Floating-point operations of ``aggregate`` for so many answers."""

    def down_bytes(self, problem: Problem) -> int:
        """Bytes of the message from server to one device."""

    def models(self, problem: Problem, state: Any, memory: Mapping[int, Any]) -> Array:
        """Parameters that each device would use now, for ``predictor``: (m, q); ``memory`` as in ``measures``."""

    def measures(self, problem: Problem, state: Any, memory: Mapping[int, Any]) -> dict[str, float]:
        """The learner's own figures of merit, such as its objective; ``memory`` is what devices committed."""


@runtime_checkable
class MergingLearner(CentralLearner, Protocol):
    """A central learner whose server part several edge servers can do, each on a state of its own.

    Liu et al. 2020, "Client-edge-cloud hierarchical federated learning", Algorithm 1: an edge combines the answers
    of its own devices, and after some rounds the cloud merges the edges' states.
    """

    @property
    def merge_obstacle(self) -> str:
        """Why this one's edges may not combine after all, in words that follow its name; empty if they may."""

    def merge(self, problem: Problem, base: Any, states: Sequence[Any], examples: Array) -> Any:
        """The cloud's state after edges went from ``base`` to ``states`` (e,), each with so many ``examples`` (e,).

        Edges that combined once each and are merged give what one server would have had from all their answers.
        """

    def merge_flops(self, problem: Problem, states: int) -> float:
        """Floating-point operations of ``merge`` for so many states."""

    def state_bytes(self, problem: Problem) -> int:
        """Bytes of a message that carries a state, from edge to cloud or back."""


@runtime_checkable
class ExactLearner(CentralLearner, Protocol):
    """A central learner that may not be compressed, because what devices keep must match what the server got."""

    @property
    def needs_exact_messages(self) -> str:
        """Why, in words that follow its name."""


@runtime_checkable
class MirroringLearner(CentralLearner, Protocol):
    """A central learner whose server and devices add up the same changes, each on its side.

    Where numbers are coded on their way, both sides must add up what was read.
    """

    def remembered(self, problem: Problem, work: Work, sent: Array) -> tuple[Any, ...]:
        """What the devices of this work remember, once the server has read ``sent`` of them: (b,)."""

    def aggregate_read(self, problem: Problem, state: Any, answers: Answers, message: Array) -> Any:
        """As ``aggregate``, where this is the message that the devices have read."""


class DecentralisedLearner(LocalLearner, Protocol):
    """A learner without a server: every node has a state, a flat array (q,), and a memory that nobody else sees.

    A round of a node is ``local``, ``outgoing`` and ``mix``; where the learner ``overlaps``, ``outgoing`` comes first.
    Each is done for a batch of nodes, and treats them apart.
    """

    @property
    def overlaps(self) -> bool:
        """Whether a node sends from its state before its local work, and so computes while it sends."""

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """A node's state before its first round: (q,); every node is given the same generator anew."""

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """What nodes send to their neighbours, as these will read it.

        numbers: where the learner overlaps the nodes' states (b, q), else what ``local`` sent
        memory: (b,) what each remembers; after local work, unless the learner overlaps
        """

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """The nodes' next states, and what they remember from then on."""

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Parameters that each device would use now, for ``predictor``: (m, p), from all nodes' states (m, q)."""

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """The learner's own figures of merit from all nodes' states (m, q)."""


@runtime_checkable
class PairwiseLearner(DecentralisedLearner, Protocol):
    """A decentralised learner whose nodes may mix in pairs, at any time, also while they do local work."""

    def rebase(self, started: Array, computed: Array, current: Array) -> Array:
        """What local work would have given from ``current``, if it gave ``computed`` from ``started``: all (b, q)."""


@runtime_checkable
class NewsKeeper(DecentralisedLearner, Protocol):
    """A decentralised learner whose nodes remember what they heard, also while they did local work."""

    def remember(self, computed: Any, current: Any) -> Any:
        """What a node remembers after local work that gave ``computed``, if by then it has come to know ``current``."""


@runtime_checkable
class CatchUp(Protocol):
    """A learner whose messages build on each other: who missed some needs more than the last one."""

    def catch_up_bytes(self, problem: Problem, codes: int) -> int:
        """Bytes of a message to somebody who has not had the last so many, the present one among them."""
