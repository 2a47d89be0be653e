"""A device's part of a round, told in advance where that can be: see ``asking.ask``, which lives it step by step."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from fedsim.protocols.asking import Limits, Reply
from fedsim.protocols.cost import cost
from fedsim.protocols.node import DeviceNode, Stint
from fedsim.protocols.session import CentralSession


def foretell(
    session: CentralSession,
    number: int,
    device: DeviceNode,
    limits: Limits,
    *,
    answered: Callable[[Reply], None],
    really: Callable[[], None],
) -> bool:
    """Whether it can be told; then ``answered`` hears the reply at its time, unless something disturbs it.

    If something does, ``really`` is called at the time of now, to ask the device.
    """
    foresight, training = session.foresight, session.training
    if foresight is None or not limits.are_none or training.bench.stops_itself:
        return False
    learner, problem, index = training.learner, training.problem, device.index
    down_bytes, up_bytes, steps = learner.down_bytes(problem), learner.up_bytes(problem), training.costs[index].steps
    prospect = foresight.look(
        device, session.server, cost(training, index, steps), down_bytes=down_bytes, up_bytes=up_bytes
    )
    if prospect is None:
        return False
    ticket = training.begin(index, training.broadcast(index), steps, (device.name, number), training.version)
    (down, up), (received_s, trained_s, answered_s) = prospect.deliveries, prospect.times_s
    about: dict[str, str | float | bool] = {"subject": device.name, "round": number}
    compute_s = trained_s - received_s

    def done(stint: Stint) -> None:
        pending = training.bench.pending(ticket)
        answered(Reply(device=device, pending=pending, stint=stint, down=down, compute_s=compute_s, up=up))

    def begin() -> None:
        training.bench.drop(ticket)
        really()

    rows: list[tuple[float, str, Mapping[str, str | float | bool]]] = [
        (received_s, "received", {**about, "move_s": down.move_s, **down.parts}),
        (trained_s, "trained", {**about, "steps": steps, "compute_s": compute_s}),
        (answered_s, "answered", {**about, "move_s": up.move_s, **up.parts}),
    ]
    foresight.accept(prospect, rows, done=done, begin=begin)
    return True


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
        self._limits = limits
        self._ask = ask
        self._answered = answered
        self._foretold: set[int] = set()
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def begin(self, devices: Iterable[DeviceNode]) -> None:
        """Ask these."""
        for device in devices:
            really = partial(self._really, device)
            if foretell(self._session, self._number, device, self._limits, answered=self._hear, really=really):
                self._foretold.add(device.index)
            else:
                really()

    def unfinished(self, devices: Iterable[DeviceNode]) -> "dict[int, asyncio.Task[None]]":
        """The tasks of those of these that have neither answered nor failed, in the same order."""
        if self._foretold and self._session.foresight is not None:
            self._session.foresight.disturb()
        tasks = self._tasks
        asked = [device.index for device in devices if device.index in tasks]
        return {index: tasks[index] for index in asked if not tasks[index].done()}

    def _really(self, device: DeviceNode) -> None:
        self._foretold.discard(device.index)
        self._tasks[device.index] = self._ask(device)

    def _hear(self, reply: Reply) -> None:
        self._foretold.discard(reply.device.index)
        self._answered(reply)
