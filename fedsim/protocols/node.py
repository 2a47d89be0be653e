"""What a protocol sees of the world: nodes that compute and send, and somebody who watches.

A protocol is plain asyncio. It never learns whether these nodes are simulated, faked in a test, or real.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fedsim.learners.learner import Array


class Delivery(Protocol):
    """How long a message took, and what of it was in vain."""

    @property
    def wake_s(self) -> float:
        """Seconds until the radios on its way were connected."""

    @property
    def move_s(self) -> float:
        """All other seconds until it was there."""

    @property
    def parts(self) -> Mapping[str, float]:
        """All its seconds by cause, ``wake_s`` among them, for the record; names end in ``_s``."""

    @property
    def wasted(self) -> Mapping[str, float]:
        """Bytes that were sent in vain, by cause."""


def under_way(*messages: Mapping[str, float]) -> dict[str, float]:
    """The parts of one message's time, or of several, as fields of a record about something else."""
    names = dict.fromkeys(name for parts in messages for name in parts)
    return {f"message_{name}": sum(parts.get(name, 0.0) for parts in messages) for name in names}


class Stint(Protocol):
    """A piece of a device's work, of which the cost is either kept or goes to waste."""

    def settle(self) -> object:
        """What was spent since the last settling counted."""

    def lose(self, cause: str, *, sent_bytes: float = 0.0, received_bytes: float = 0.0) -> None:
        """These bytes were sent or received in vain, whatever becomes of the rest."""

    def discard(self, cause: str) -> None:
        """What was settled last did not count after all."""


class ServerNode(Protocol):
    """The server of a central learner."""

    @property
    def name(self) -> str:
        """Its name, for the record."""

    def at_work(self) -> AbstractAsyncContextManager[None]:
        """A round; raises ``DeviceDownError`` at the instant the server goes, if the round is lost with it."""

    def is_there(self) -> bool:
        """Whether it is there now."""

    async def back(self) -> None:
        """Wait until it is there."""

    async def compute(self, flops: float) -> None:
        """Return when so many operations are done.

        Raises:
            DeviceDownError: the server went, and does not take up again what it was at.
        """

    async def send(self, target: Any, size_bytes: float) -> Delivery:
        """Return when the target, another node of the same world, has the message.

        Raises:
            DeviceDownError: the target is not there, or went before it had all of it.
            MessageFailedError: it was lost, there is no way to the target, or there was none any more.
        """


class DeviceNode(Protocol):
    """A device: a client of a server, or a peer among peers."""

    @property
    def name(self) -> str:
        """Its name, for the record and for its random streams."""

    @property
    def index(self) -> int:
        """Its place in the problem: which task is its own."""

    @property
    def link(self) -> str:
        """The technology of its access link, for the record."""

    def is_up(self) -> bool:
        """Whether it is there now."""

    def is_spent(self) -> bool:
        """Whether it is gone for good."""

    async def returned(self) -> None:
        """Wait until it is there, or spent."""

    def at_work(self) -> AbstractAsyncContextManager[Stint]:
        """Keeps the device awake; raises ``DeviceDownError`` at the instant it goes."""

    def compute_s(self, flops: float, dispatches: int, *, moved_bytes: float = 0.0) -> float:
        """Seconds that so many operations take on it, started by so many calls of the training library.

        As many bytes are moved through its memory. It is what happens if nothing interferes.
        """

    async def compute(
        self,
        flops: float,
        dispatches: int,
        *,
        moved_bytes: float = 0.0,
        memory_bytes: float = 0.0,
        epochs: float = 1.0,
    ) -> None:
        """Return when they are done, in so many passes over the data.

        Raises:
            JobRefusedError: the device does not do it: for want of memory, or of charge, or after too many failures.
        """

    def done_share(self) -> float:
        """How much of its latest computation is done, 1 for all of it."""

    @property
    def charge_share(self) -> float:
        """How full its battery is, 1 on the mains."""

    async def send(self, target: Any, size_bytes: float) -> Delivery:
        """As ``ServerNode.send``."""


class Crew(Protocol):
    """All devices, of which most may never be worked with: ``crew[i]`` has task i of the problem."""

    @property
    def eligible(self) -> int:
        """How many of them may ever be chosen."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, index: int, /) -> DeviceNode:
        """One of them."""

    def choose(self, wanted: int, number: int, among: npt.NDArray[np.bool_] | None = None) -> Sequence[DeviceNode]:
        """So many of those that are there, or all of them: those with the lowest lots in the round of this number.

        Of all, or among these (n,).

        A device's lot depends on the run's seed, its name and the number alone. Two runs that differ in who is
        there, or in how many there are, share the luck of those that they have in common.
        """

    def uniforms(self, number: int, attempt: int = 0) -> Array:
        """The lots of all devices in the round of this number, as numbers in [0, 1): (n,).

        Another attempt in the same round has other lots.
        """

    def first(self, wanted: int, keys: npt.NDArray[np.generic]) -> Sequence[DeviceNode]:
        """So many of those that are there, lowest keys (n,) first; never one whose key is infinite."""

    def charge_share(self) -> Array:
        """How full every battery is now, 1 on the mains: (n,)."""

    def speeds_flops_per_s(self) -> Array:
        """Operations per second of every device as it is at the start: (n,)."""

    async def gathered(self, quorum: int, among: npt.NDArray[np.bool_] | None = None) -> bool:
        """Wait until so many are there, of all or among these (n,); False if that cannot come about."""


class Prospect(Protocol):
    """How a device will receive, compute and send, if nothing disturbs it: where the time goes, and when it is then."""

    @property
    def messages(self) -> tuple[Delivery, Delivery]:
        """The message down, and the one up."""

    @property
    def seconds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Of either: all but waking the radios, and then its parts by the foresight's ``causes``."""

    @property
    def times_s(self) -> tuple[float, float, float]:
        """When it will have received, computed, and sent."""


class Told(Protocol):
    """Who hears what becomes of what was foretold."""

    def done(self, stint: Stint) -> None:
        """It has come so, and is over; this is what it cost the device."""

    def begin(self) -> None:
        """It must be lived after all; called at its beginning."""


class Foresight(Protocol):
    """Tells in advance how parts of rounds will go. What is disturbed is lived after all, from its beginning."""

    def look(self, device: Any, server: Any, cost: Any, *, down_bytes: float, up_bytes: float) -> Prospect | None:
        """How a device will receive, work at this cost, and send, beginning now; None if that cannot be said."""

    @property
    def causes(self) -> Sequence[str]:
        """Of the parts of a message's time: their names in the record."""

    def form(self, kind: str, /, *names: str) -> Any:
        """What rows of the record of a kind with these fields have in common."""

    def accept(self, prospect: Any, rows: Sequence[tuple[float, Any, tuple[Any, ...]]], told: Told) -> None:
        """It begins. ``rows`` (time, form, values of its fields) will stand in the record."""

    def disturb(self) -> None:
        """Let all that was foretold, and has not come to its end, be lived up to now."""


class Letter(Protocol):
    """A message on its way of which only the end is heard."""

    def give_up(self) -> None:
        """It goes no further, unheard; nothing happens if it is over."""


class Letters(Protocol):
    """Sends messages that need no task to wait for them."""

    def post(self, source: Any, target: Any, size_bytes: float, hear: Callable[[Any], None]) -> Letter | None:
        """Send a message; None if it cannot go so, and nothing has happened.

        ``hear`` gets its ``Delivery`` when it is there, or the ``DeviceDownError`` if an end goes.

        Raises:
            DeviceDownError: the target is not there.
        """


class Recorder(Protocol):
    """Takes one event into the record."""

    def __call__(self, kind: str, /, **fields: str | float | bool) -> None:
        """What happened now."""


class Monitor(Protocol):
    """Watches the learning and says when it is done."""

    def is_done(self) -> bool:
        """Whether the run has what it was for, or has run out of what it was given."""

    def round_ended(self, number: int) -> None:
        """The server finished its round of this number (1, 2, ...)."""

    def peer_round_ended(self, device: int) -> None:
        """One peer finished one round."""

    def stop(self, reason: str) -> None:
        """There is no way to go on."""
