"""One run of a learner, without a clock: states and memories, and the work that is being done on them."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from fedsim import limits
from fedsim.errors import FedsimError
from fedsim.learners.learner import (
    Array,
    CatchUp,
    CentralLearner,
    DecentralisedLearner,
    LocalLearner,
    MergingLearner,
    NewsKeeper,
    PairwiseLearner,
    tells_all,
)
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.tape import Done, Due, Labour, Mix, Offer, Rebase, Recall, Tape
from fedsim.learners.workbench import Answer, Job, Workbench, gather
from fedsim.tasks.model import Predictor
from fedsim.tasks.problem import Outline, Problem

Streams = Callable[..., np.random.Generator]


class _Memories(dict[int, Any]):
    """What devices remember: what the server, or the device itself, has committed; else what they began with."""

    def __init__(self, begin: Callable[[int], Any]) -> None:
        super().__init__()
        self._begin = begin

    def __missing__(self, device: int) -> Any:
        self[device] = self._begin(device)
        return self[device]


class _Costs(dict[int, LocalCost]):
    """What local work asks of each device, said once by the learner."""

    def __init__(self, problem: Problem, learner: LocalLearner) -> None:
        super().__init__()
        self._problem, self._learner = problem, learner

    def __missing__(self, device: int) -> LocalCost:
        cost = self._learner.local_cost(self._problem, device)
        if not isinstance(self._problem, Outline):  # of which nothing is computed
            limits.STEPS.check(cost.steps, "learner: a round's local work")
        self[device] = cost
        return cost


class CentralTraining:
    """A central learner at work: the server's state, what each device remembers, and work in progress."""

    def __init__(self, problem: Problem, learner: CentralLearner, streams: Streams) -> None:
        self.problem = problem
        self.learner = learner
        self.state = learner.init(problem, streams("init"))
        self.version = 0
        self.memories: dict[int, Any] = _Memories(lambda device: learner.memory(problem, device))
        self.costs: Mapping[int, LocalCost] = _Costs(problem, learner)
        self.bench = Workbench(problem, learner)
        self._streams = streams
        self._trusted: dict[int, Answer] = {}
        self._catches_up = learner if isinstance(learner, CatchUp) else None
        self._had: dict[int, int] = {}
        self._tells_all = tells_all(learner)
        self._told: Any = None
        self._told_of: Any = None

    def broadcast(self, device: int) -> Array:
        """What the server sends to this device now."""
        if not self._tells_all:
            return self.learner.broadcast(self.problem, self.state, device)
        if self._told_of is not self.state:
            self._told, self._told_of = self.learner.broadcast(self.problem, self.state, device), self.state
        message: Array = self._told
        return message

    def down_bytes(self, device: int) -> int:
        """Of what the server sends to this device now: where messages build on each other, all that it has missed."""
        had = self._had.get(device)
        if self._catches_up is None or had is None:
            return self._whole_bytes
        return self._catches_up.catch_up_bytes(self.problem, max(self.version - had, 1))

    @cached_property
    def _whole_bytes(self) -> int:
        return self.learner.down_bytes(self.problem)

    def received(self, device: int, version: int) -> None:
        """This device has what was sent to it at ``version``."""
        if self._catches_up is not None:
            self._had[device] = version

    def begin(self, device: int, received: Array, steps: int, key: Sequence[str | int], version: int) -> int:
        """Start local work on what was sent at ``version``; ``key`` names its random stream.

        Returns the ticket for ``bench``.
        """
        luck = partial(self._streams, "local", *key)
        memory = self._trusted[device].memory if device in self._trusted else self.memories[device]
        job = Job(device=device, received=received, memory=memory, steps=steps, version=version, luck=luck)
        return self.bench.put(job)

    def trust(self, answer: Answer) -> None:
        """The server has this answer, and combines it later: until then its device goes on from there."""
        self._trusted[answer.device] = answer

    def distrust(self, device: int) -> None:
        """The server has lost what it had of this device: the device is where it was when that was last combined."""
        self._trusted.pop(device, None)

    def absorb(self, answers: Sequence[Answer]) -> None:
        """Combine answers into the server's state, and let their devices remember what they computed.

        Both happen here or neither does: an answer that never arrived leaves server and device as they were.
        """
        together = gather(list(answers), self.problem.sizes, self.version)
        self.state = self.learner.aggregate(self.problem, self.state, together)
        self.version += 1
        for answer in answers:
            self.memories[answer.device] = answer.memory
            if self._trusted.get(answer.device) is answer:
                del self._trusted[answer.device]

    def branch(self) -> "CentralTraining":
        """The same run at an edge server: from now on with a state, a version and memories of its own."""
        branch = copy(self)
        branch.memories = _Memories(self.memories.__getitem__)
        branch._trusted = {}  # noqa: SLF001  # its own kind
        return branch

    def merge(self, harvests: Sequence["Harvest"]) -> None:
        """Take over what edge servers have done since they branched off, and what their devices remember.

        Raises:
            FedsimError: the learner has no way to merge.
        """
        if not isinstance(self.learner, MergingLearner):
            raise FedsimError(f"{type(self.learner).__name__} has no way to merge what edge servers have combined")
        examples = np.array([harvest.examples for harvest in harvests])
        states = [harvest.branch.state for harvest in harvests]
        self.state = self.learner.merge(self.problem, self.state, states, examples)
        self.version = max(harvest.branch.version for harvest in harvests)
        for harvest in harvests:
            self.memories.update({device: harvest.branch.memories[device] for device in harvest.devices})

    def models(self) -> Array:
        """What each device would use now: (m, p)."""
        return self.learner.models(self.problem, self.state, self.memories)

    def predictor(self) -> Predictor:
        """What reads ``models``."""
        return self.learner.predictor(self.problem)

    def measures(self) -> Mapping[str, float]:
        """The learner's own figures of merit."""
        return self.learner.measures(self.problem, self.state, self.memories)


@dataclass(frozen=True, kw_only=True, eq=False)
class Harvest:
    """What an edge server has done: the branch of the training, with whose answers, of so many examples a round."""

    branch: CentralTraining
    devices: frozenset[int]
    examples: float


class GossipTraining:
    """A decentralised learner at work: every node's state, what it remembers, and what they are doing.

    What a protocol is given to hand on are things that are due (``fedsim.learners.tape``); the numbers are computed
    when somebody asks for ``models`` or ``measures``.
    """

    def __init__(self, problem: Problem, learner: DecentralisedLearner, streams: Streams) -> None:
        self.problem = problem
        self.learner = learner
        self.costs: Mapping[int, LocalCost] = _Costs(problem, learner)
        # Asked of a protocol for every message, these would take as long as all else of it.
        self._catches_up = learner if isinstance(learner, CatchUp) else None
        self._keeps_news = learner if isinstance(learner, NewsKeeper) else None
        self._up_bytes = learner.up_bytes(problem)
        self.tape = Tape(problem, learner)
        starts = [learner.init(problem, device, streams("init")) for device in range(problem.devices)]
        self._states = [Due(start) for start in starts]
        self._memories: dict[int, Due] = _Memories(lambda device: Due(learner.memory(problem, device)))
        self._streams = streams

    def state(self, device: int) -> Due:
        """This node's state as it is now: (q,)."""
        return self._states[device]

    def begin(self, device: int, own: Due, steps: int, key: Sequence[str | int], version: int) -> Labour:
        """Local work on the node's own state, which counts if it is ``done``; see ``CentralTraining.begin``."""
        memory, luck = self._memories[device], partial(self._streams, "local", *key)
        return Labour(device=device, own=own, memory=memory, steps=steps, version=version, luck=luck)

    def done(self, work: Labour) -> Done:
        """The node has done it."""
        sent, memory = self.tape.put(work)
        return Done(work.device, sent, memory)

    def offer(self, device: int, own: Due, done: Done | None = None) -> Due:
        """What the node sends now: from its own state, or from the local work that it has done on it."""
        numbers, memory = (own, self._memories[device]) if done is None else (done.sent, done.memory)
        message, self._memories[device] = self.tape.put(Offer(device=device, numbers=numbers, memory=memory))
        return message

    def idle(self, device: int) -> Done:
        """The local work of a node that does nothing now."""
        return Done(device, self._states[device], self._memories[device])

    def rebased(self, started: Due, done: Done, current: Due) -> Done:
        """What a node's local work would have given from its state as it is now.

        Raises:
            FedsimError: the learner cannot say.
        """
        if not isinstance(self.learner, PairwiseLearner):
            raise FedsimError(f"{type(self.learner).__name__} cannot mix in the middle of local work")
        step = Rebase(rebase=self.learner.rebase, started=started, computed=done.sent, current=current)
        return Done(done.device, self.tape.put(step)[0], self._remembered(done))

    def _remembered(self, done: Done) -> Due:
        """What a node remembers after its local work, and of what it has heard meanwhile."""
        if self._keeps_news is None:
            return done.memory
        current = self._memories[done.device]
        return self.tape.put(Recall(remember=self._keeps_news.remember, computed=done.memory, current=current))[1]

    def message_bytes(self, codes: int) -> int:
        """Of a message to a neighbour that has not had the last so many, the present one among them."""
        if self._catches_up is not None:
            return self._catches_up.catch_up_bytes(self.problem, codes)
        return self._up_bytes

    def meeting(
        self, own: Due, done: Done, offered: Due, received: Mapping[int, Due], weights: Mapping[int, float]
    ) -> Mix:
        """What a node has at the end of its round: what it did and sent, and what came, by neighbour."""
        return Mix(
            device=done.device,
            own=own,
            computed=done.sent,
            offered=offered,
            memory=done.memory if self.learner.overlaps else self._memories[done.device],
            received=received,
            weights=weights,
        )

    def mix(self, meetings: Sequence[Mix]) -> None:
        """The nodes' next states, and what they remember from then on."""
        for meeting in meetings:
            self._states[meeting.device], self._memories[meeting.device] = self.tape.put(meeting)

    def models(self) -> Array:
        """What each device would use now: (m, p)."""
        return self.learner.models(self.problem, *self._now())

    def predictor(self) -> Predictor:
        """What reads ``models``."""
        return self.learner.predictor(self.problem)

    def measures(self) -> Mapping[str, float]:
        """The learner's own figures of merit."""
        return self.learner.measures(self.problem, *self._now())

    def _now(self) -> tuple[Array, Mapping[int, Any]]:
        """All states (m, q), and what the nodes remember."""
        self.tape.play()
        memories = [self._memories[device].value for device in range(self.problem.devices)]
        return np.stack([state.value for state in self._states]), dict(enumerate(memories))
