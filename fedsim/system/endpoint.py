"""Where a message starts or ends, as far as the message is concerned."""

from typing import Protocol

from fedsim.errors import DeviceDownError
from fedsim.system.flow import Moving
from fedsim.system.interruption import Interrupted


class Guest(Protocol):
    """Who depends on an endpoint for a while: a message on its way."""

    def connected(self) -> None:
        """The radio that it holds is connected; called once, where ``hold`` has said that it was not."""

    def gone(self, error: DeviceDownError) -> None:
        """The endpoint went, and has forgotten its guest."""


class Endpoint(Protocol):
    """Where a message starts or ends: plain calls, because there are several for every message."""

    @property
    def name(self) -> str:
        """Its name in the network."""

    @property
    def interrupted(self) -> Interrupted:
        """What becomes of its messages when it goes."""

    @property
    def is_settled(self) -> bool:
        """Whether it stays where it is, and its messages are over when it goes."""

    @property
    def is_lasting(self) -> bool:
        """Whether nothing ever takes it down."""

    def enter(self, guest: Guest) -> None:
        """Until it leaves, a guest is told when the endpoint goes.

        Raises:
            DeviceDownError: the child for the reason, if it is not there.
        """

    def leave(self, guest: Guest) -> None:
        """The guest depends on it no more; nothing happens if it is none (the endpoint went)."""

    def is_there(self) -> bool:
        """Whether it is there now."""

    async def back(self) -> None:
        """Return when it is there, or raise a ``DeviceDownError`` when it is gone for good."""

    def hold(self, guest: Guest, *, pushed: bool) -> bool:
        """Hold its radio until ``release``; whether that is connected. If not, the guest is told when it is."""

    def release(self, guest: Guest) -> None:
        """Let its radio go, connected or not."""

    def follow(self, flow: Moving, *, outgoing: bool, waste: str | None = None) -> None:
        """Take note of the present rate and bytes of a flow of this endpoint, and why they are in vain, if so."""
