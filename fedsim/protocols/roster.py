"""A crew that is a plain list: for nodes that are not rows of a fleet."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from fedsim.learners.learner import Array
from fedsim.protocols.node import DeviceNode


class Roster:
    """Nodes in a list, asked one by one. ``streams(*names)`` is named luck."""

    def __init__(self, nodes: Sequence[DeviceNode], streams: Callable[..., np.random.Generator]) -> None:
        self._nodes = nodes
        self._streams = streams

    @property
    def eligible(self) -> int:
        """All."""
        return len(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, index: int, /) -> DeviceNode:
        return self._nodes[index]

    def __iter__(self) -> Iterator[DeviceNode]:
        return iter(self._nodes)

    def choose(self, wanted: int, number: int, among: npt.NDArray[np.bool_] | None = None) -> Sequence[DeviceNode]:
        """The lowest lots among those that are there."""
        lots = self.uniforms(number)
        return self.first(wanted, lots if among is None else np.where(among, lots, np.inf))

    def uniforms(self, number: int, attempt: int = 0) -> Array:
        """Each device's lot, from a stream of its own."""
        again = (attempt,) if attempt else ()
        return np.array([self._streams("lot", node.name, number, *again).random() for node in self._nodes])

    def first(self, wanted: int, keys: npt.NDArray[np.generic]) -> Sequence[DeviceNode]:
        """The lowest keys among those that are there."""
        order = np.argsort(keys, kind="stable").tolist()
        able = (self._nodes[index] for index in order if keys[index] < np.inf and self._nodes[index].is_up())
        return list(islice(able, wanted))

    def charge_share(self) -> Array:
        """As each device says."""
        return np.array([node.charge_share for node in self._nodes])

    def speeds_flops_per_s(self) -> Array:
        """By the time that each takes for one operation."""
        with np.errstate(divide="ignore"):
            return 1.0 / np.array([node.compute_s(1.0, 0) for node in self._nodes])

    async def gathered(self, quorum: int, among: npt.NDArray[np.bool_] | None = None) -> bool:
        """Wait until so many are there; False if nobody is left to wait for."""
        nodes = self._nodes if among is None else [self._nodes[index] for index in np.flatnonzero(among).tolist()]
        while sum(node.is_up() for node in nodes) < quorum:
            absent = [node for node in nodes if not node.is_up() and not node.is_spent()]
            if not absent:
                return False
            waits = [asyncio.ensure_future(node.returned()) for node in absent]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        return True
