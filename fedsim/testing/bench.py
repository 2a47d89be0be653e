"""Local work, asked for in the ways in which a protocol may ask."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.learners.learner import Array, Computed, Work
from fedsim.tasks.problem import Problem


def streams(*names: str | int) -> np.random.Generator:
    """Luck that depends on the names alone."""
    return np.random.default_rng([zlib.crc32(repr(name).encode()) for name in names] or 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What devices have in front of them in one round: of every device, what it received and remembers."""

    learner: Any
    problem: Problem
    received: Array  # (m, *shape of a message)
    memory: tuple[Any, ...]  # (m,)
    version: int = 0

    def steps(self, device: int) -> int:
        """The steps that a full round asks of a device."""
        return int(self.learner.local_cost(self.problem, device).steps)

    def work(self, devices: Sequence[int], steps: Sequence[int] | None = None) -> Work:
        """Work of these devices in this order; all their steps unless said."""
        chosen = np.array(devices, dtype=np.int64)
        asked = [self.steps(device) for device in devices] if steps is None else steps
        return Work(
            devices=chosen,
            received=self.received[chosen].copy(),
            memory=tuple(self.memory[device] for device in devices),
            steps=np.array(asked, dtype=np.int64),
            versions=np.full(len(chosen), self.version),
            rngs=tuple(streams("local", device, self.version) for device in devices),
        )

    def do(self, devices: Sequence[int], steps: Sequence[int] | None = None) -> Computed:
        """Let the learner do it."""
        computed: Computed = self.learner.local(self.problem, self.work(devices, steps))
        return computed
