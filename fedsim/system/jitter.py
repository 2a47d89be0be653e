"""Delays that differ from message to message."""

import numpy as np

from fedsim.kernel import Simulation
from fedsim.system.law import Law


class Jitter:
    """Draws a factor for the delays of each message; every pair of names has its own luck.

    Raises:
        ValueError: a law that can be negative.
    """

    def __init__(self, sim: Simulation, law: Law | None) -> None:
        if law is not None and not law.support[0] >= 0:
            raise ValueError(f"jitter must be >= 0, got {law!r}")
        self._sim = sim
        self._law = law
        self._luck: dict[tuple[str, str], np.random.Generator] = {}

    @property
    def is_none(self) -> bool:
        """Whether there is no law, and every factor is 1."""
        return self._law is None

    def factor(self, source: str, target: str) -> float:
        """Of the next message from source to target; 1 where there is no law."""
        if self._law is None:
            return 1.0
        luck = self._luck.get((source, target))
        if luck is None:
            luck = self._luck[source, target] = self._sim.rng("jitter", source, target)
        return self._law.draw(luck)
