"""What a piece of local work asks of a device."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from fedsim.learners.local_cost import LocalCost
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.node import DeviceNode


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Operations, calls of the training library, bytes moved through memory, bytes held in it, passes over the data."""

    flops: float
    dispatches: int
    moved_bytes: float
    memory_bytes: float
    epochs: float = 1.0

    def seconds(self, device: DeviceNode) -> float:
        """How long it would take from now on, if nothing interfered."""
        return device.compute_s(self.flops, self.dispatches, moved_bytes=self.moved_bytes)

    def spend(self, device: DeviceNode) -> Coroutine[Any, Any, None]:
        """Return when the device has done it.

        Raises:
            JobRefusedError: the device does not do it.
        """
        return device.compute(
            self.flops,
            self.dispatches,
            moved_bytes=self.moved_bytes,
            memory_bytes=self.memory_bytes,
            epochs=self.epochs,
        )


def cost(training: CentralTraining | GossipTraining, device: int, steps: int) -> Cost:
    """What so many local steps of a device cost."""
    return cost_of(training.costs[device], training.learner.epochs, steps)


def cost_of(work: LocalCost, epochs: float, steps: int) -> Cost:
    """What so many steps cost of work that goes through the data so many times."""
    return Cost(
        flops=work.flops(steps),
        dispatches=work.dispatches(steps),
        moved_bytes=work.moved_bytes(steps),
        memory_bytes=work.memory_bytes,
        epochs=epochs * steps / work.steps if work.steps else epochs,
    )
