"""Power of choice: candidates say how badly the model serves them, and the worst served train."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fedsim.errors import DeviceDownError, JobRefusedError, MessageFailedError
from fedsim.protocols.carry import carry
from fedsim.protocols.node import DeviceNode
from fedsim.protocols.selection import Choose, by_examples
from fedsim.protocols.session import CentralSession
from fedsim.tasks.mixture import Mixture
from fedsim.tasks.model import Judge
from fedsim.tasks.problem import Outline

_LOSS_BYTES: Final = 4
_NUMBER_BYTES: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerOfChoice:
    """Cho, Wang and Joshi 2020, pi_pow-d: of ``candidates`` the ones with the highest loss of the model are chosen.

    Candidates are drawn in proportion to their examples, without putting back. Each gets the model, evaluates it on
    all of its training examples, one forward pass (of a mixture one for each component), and sends its loss: the
    message down, the operations and 4 bytes up are charged, and the chosen get the model again with the round. Whoever
    has not said its loss after ``patience_s`` is not chosen. A timing run knows no losses: there the first to answer
    are chosen.
    """

    candidates: int
    """d, how many devices are asked for their loss; at least as many as are wanted."""
    patience_s: float | None = None
    """How long the server waits for losses; null waits for all that have not failed."""

    def __post_init__(self) -> None:
        if not self.candidates >= 1:
            raise ValueError(f"candidates must be >= 1, got {self.candidates!r}")
        if self.patience_s is not None and not 0 < self.patience_s < np.inf:
            raise ValueError(f"patience must be > 0 and finite, got {self.patience_s!r}")

    def begin(self, devices: int) -> Choose:
        """Remembers nothing."""
        del devices
        return self._choose

    async def _choose(self, session: CentralSession, wanted: int, number: int) -> Sequence[DeviceNode]:
        asked = session.devices.first(self.candidates, by_examples(session, number))
        losses: list[tuple[float, DeviceNode]] = []
        async with asyncio.TaskGroup() as group:
            polls = {group.create_task(_poll(session, device, losses), name=device.name) for device in asked}
            cause = "late"
            try:
                await asyncio.wait(polls, timeout=self.patience_s) if polls else None
            except asyncio.CancelledError:
                cause = "stopped" if session.server.is_there() else "server"
                raise
            finally:
                for poll in polls:
                    poll.cancel(cause)
        losses.sort(key=lambda found: -found[0])
        return [device for _, device in losses[:wanted]]


async def _poll(session: CentralSession, device: DeviceNode, losses: list[tuple[float, DeviceNode]]) -> None:
    """Ask one device for its loss."""
    training = session.training
    try:
        async with device.at_work() as stint:
            loss = _loss(session, device.index)
            version = training.version
            down = await carry(session.server, device, training.down_bytes(device.index))
            for cause, wasted_bytes in down.wasted.items():
                stint.lose(cause, received_bytes=wasted_bytes)
            training.received(device.index, version)
            began_s = asyncio.get_running_loop().time()
            await _evaluate(session, device)
            compute_s = asyncio.get_running_loop().time() - began_s
            up = await device.send(session.server, _LOSS_BYTES)
            for cause, wasted_bytes in up.wasted.items():
                stint.lose(cause, sent_bytes=wasted_bytes)
    except (DeviceDownError, MessageFailedError, JobRefusedError):
        return
    times = {"down_s": down.wake_s + down.move_s, "compute_s": compute_s, "up_s": up.wake_s + up.move_s}
    session.record("polled", subject=device.name, loss=loss, **times)
    losses.append((loss, device))


async def _evaluate(session: CentralSession, device: DeviceNode) -> None:
    """A forward pass over all of its training examples, in one call of the training library; one for each component."""
    problem, predictor = session.training.problem, session.training.predictor()
    passes = predictor.components if isinstance(predictor, Mixture) else 1
    model, examples = problem.model, int(problem.sizes[device.index])
    await device.compute(
        passes * examples * model.forward_flops,
        passes,
        moved_bytes=passes * _NUMBER_BYTES * (model.parameters + examples * model.features),
        memory_bytes=_NUMBER_BYTES * (passes * model.parameters + examples * model.activations),
    )


def _loss(session: CentralSession, device: int) -> float:
    """The mean loss of the device's model of now on its training examples; 0 where nothing is learned.

    Of a predictor that has no loss of its own, the share of wrong answers.
    """
    training = session.training
    problem = training.problem
    if isinstance(problem, Outline):
        return 0.0
    rows = problem.train.rows(device)
    x, y = problem.train.X[rows], problem.train.y[rows]
    own, predictor = np.ascontiguousarray(training.models()[device]), training.predictor()
    if not isinstance(predictor, Judge):
        return float(np.mean(predictor.predict(own[None], x[None])[0] != y))
    return float(predictor.loss(own[None], x[None], y[None], np.full((1, len(y)), 1.0 / len(y)))[0])
