"""The flows of one device that are in progress."""

from collections.abc import Iterator

from fedsim.system.flow import Moving
from fedsim.system.usage import Usage


class Flows:
    """By number, each way; ``in_vain`` has those that are in vain from the first, with whether they are outgoing."""

    __slots__ = ("in_vain", "incoming", "outgoing")

    def __init__(self) -> None:
        self.outgoing: dict[int, Moving] = {}
        self.incoming: dict[int, Moving] = {}
        self.in_vain: dict[int, tuple[Moving, bool]] = {}

    def __iter__(self) -> Iterator[tuple[Moving, bool]]:
        """All of them, each with whether it is outgoing."""
        yield from [(flow, True) for flow in self.outgoing.values()]
        yield from [(flow, False) for flow in self.incoming.values()]

    @property
    def sent_bytes(self) -> float:
        """What those that go out have moved so far."""
        return sum(flow.sent_bytes for flow in self.outgoing.values()) if self.outgoing else 0.0

    @property
    def received_bytes(self) -> float:
        """What those that come in have moved so far."""
        return sum(flow.sent_bytes for flow in self.incoming.values()) if self.incoming else 0.0

    @property
    def lost(self) -> list[Usage]:
        """What each of those in vain has moved so far."""
        return [moved(flow, outgoing=outgoing) for flow, outgoing in self.in_vain.values()]


def moved(flow: Moving, *, outgoing: bool) -> Usage:
    """What a flow has moved so far, as usage of the end that it belongs to."""
    moved_bytes = flow.sent_bytes
    return Usage(sent_bytes=moved_bytes) if outgoing else Usage(received_bytes=moved_bytes)
