"""A crew that is a plain list: for nodes that are not rows of a fleet."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from fedsim.protocols.node import DeviceNode


class Roster:
    """Nodes in a list, asked one by one. ``streams(*names)`` is named luck."""

    def __init__(self, nodes: Sequence[DeviceNode], streams: Callable[..., np.random.Generator]) -> None:
        self._nodes = nodes
        self._streams = streams

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, index: int, /) -> DeviceNode:
        return self._nodes[index]

    def __iter__(self) -> Iterator[DeviceNode]:
        return iter(self._nodes)

    def choose(self, wanted: int, number: int) -> Sequence[DeviceNode]:
        """The lowest lots among those that are there."""
        there = [node for node in self._nodes if node.is_up()]
        there.sort(key=lambda node: float(self._streams("lot", node.name, number).random()))
        return there[:wanted]

    async def gathered(self, quorum: int) -> bool:
        """Wait until so many are there; False if nobody is left to wait for."""
        while sum(node.is_up() for node in self._nodes) < quorum:
            absent = [node for node in self._nodes if not node.is_up() and not node.is_spent()]
            if not absent:
                return False
            waits = [asyncio.ensure_future(node.returned()) for node in absent]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
        return True
