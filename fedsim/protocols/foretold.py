"""A device's part of a round, told in advance where that can be: see ``asking.ask``, which lives it step by step."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fedsim.learners.training import CentralTraining
from fedsim.protocols.asking import Limits, Reply
from fedsim.protocols.cost import Cost, cost_of
from fedsim.protocols.node import DeviceNode, Foresight, Prospect, Stint
from fedsim.protocols.session import CentralSession


class Asks:
    """Who is asked in a round: those of whom it can be told in advance, and the others, each as a task."""

    def __init__(
        self,
        session: CentralSession,
        number: int,
        limits: Limits,
        *,
        ask: "Callable[[DeviceNode], asyncio.Task[None]]",
        answered: Callable[[Reply], None],
    ) -> None:
        """``ask`` starts to ask a device, and ``answered`` hears the replies that were foretold, in their time."""
        self._session = session
        self._number = number
        self._ask = ask
        self._answered = answered
        self._foretold: set[int] = set()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        is_free = limits.are_none and not session.training.bench.stops_itself
        self._teller = None if session.foresight is None or not is_free else _Teller(session, session.foresight)

    def begin(self, devices: Iterable[DeviceNode]) -> None:
        """Ask these."""
        teller, number = self._teller, self._number
        for device in devices:
            if teller is not None and teller.tells(self, device, number):
                self._foretold.add(device.index)
            else:
                self.really(device)

    def really(self, device: DeviceNode) -> None:
        """Ask it as a task."""
        self._foretold.discard(device.index)
        self._tasks[device.index] = self._ask(device)

    def hear(self, reply: Reply) -> None:
        """What was foretold has come."""
        self._foretold.discard(reply.device.index)
        self._answered(reply)

    def unfinished(self, devices: Iterable[DeviceNode]) -> "dict[int, asyncio.Task[None]]":
        """The tasks of those of these that have neither answered nor failed, in the same order."""
        if self._foretold and self._session.foresight is not None:
            self._session.foresight.disturb()
        tasks = self._tasks
        asked = [device.index for device in devices if device.index in tasks]
        return {index: tasks[index] for index in asked if not tasks[index].done()}


class _Teller:
    """Tells devices' parts of a round in advance, and what will stand in the record of them."""

    def __init__(self, session: CentralSession, foresight: Foresight) -> None:
        self._session = session
        self._foresight = foresight
        learner, problem = session.training.learner, session.training.problem
        self._up_bytes = learner.up_bytes(problem)
        self._received = foresight.form("received", "subject", "round", "move_s", *foresight.causes)
        self._trained = foresight.form("trained", "subject", "round", "steps", "compute_s")
        self._answered = foresight.form("answered", "subject", "round", "move_s", *foresight.causes)

    def tells(self, asks: Asks, device: DeviceNode, number: int) -> bool:
        """Whether it can tell that of a device; then these hear the reply at its time, unless something disturbs it."""
        session, index, name = self._session, device.index, device.name
        training, (work, steps) = session.training, self._costs(index)
        down_bytes, up_bytes, version = training.down_bytes(index), self._up_bytes, training.version
        prospect = self._foresight.look(device, session.server, work, down_bytes=down_bytes, up_bytes=up_bytes)
        if prospect is None:
            return False
        ticket = training.begin(index, training.broadcast(index), steps, (name, number), version)
        down_s, up_s = prospect.seconds
        received_s, trained_s, answered_s = prospect.times_s
        rows = (
            (received_s, self._received, (name, number, *down_s)),
            (trained_s, self._trained, (name, number, steps, trained_s - received_s)),
            (answered_s, self._answered, (name, number, *up_s)),
        )
        self._foresight.accept(prospect, rows, _Foretold(asks, training, ticket, version, device, prospect))
        return True

    def _costs(self, index: int) -> tuple[Cost, int]:
        """What a full round's work of a device costs, and its steps: the same of all that have as much to do."""
        training, known = self._session.training, self._session.whole_costs
        work = training.costs[index]
        found = known.get(work)
        if found is None:
            found = known[work] = (cost_of(work, training.learner.epochs, work.steps), work.steps)
        return found


@dataclass(slots=True, eq=False)
class _Foretold:
    """A device's part that was told: it comes so, or the device is asked after all."""

    asks: Asks
    training: CentralTraining
    ticket: int
    version: int
    device: DeviceNode
    prospect: Prospect

    def done(self, stint: Stint) -> None:
        """The reply is there."""
        (down, up), (received_s, trained_s, _) = self.prospect.messages, self.prospect.times_s
        self.training.received(self.device.index, self.version)
        pending, compute_s = self.training.bench.pending(self.ticket), trained_s - received_s
        self.asks.hear(Reply(device=self.device, pending=pending, stint=stint, down=down, compute_s=compute_s, up=up))

    def begin(self) -> None:
        """Something has disturbed it."""
        self.training.bench.drop(self.ticket)
        self.asks.really(self.device)
