"""How a peer's models come to its neighbours: a few at a time to each, and of those that wait the last one."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from fedsim.errors import DeviceDownError, NoRouteError
from fedsim.learners.tape import Due
from fedsim.protocols.node import Delivery, DeviceNode, Letter, Stint
from fedsim.protocols.peer_work import deliver
from fedsim.protocols.session import GossipSession

Offer = tuple[int, Due]
"""A model, and of which round it is."""


class Told(NamedTuple):
    """Who hears that a neighbour has a model of some round, with where the message's time went; or has not."""

    arrived: Callable[[int, int, Due, Mapping[str, float]], None]
    unreached: Callable[[int], None]


class _Parcel:
    """One model on its way to one neighbour, and how many messages it stands for."""

    __slots__ = ("_couriers", "letter", "missed", "neighbour", "offer", "target")

    def __init__(self, couriers: "Couriers", neighbour: int, target: DeviceNode, offer: Offer, missed: int) -> None:
        self._couriers = couriers
        self.neighbour = neighbour
        self.target = target
        self.offer = offer
        self.missed = missed
        self.letter: Letter | None = None

    def ended(self, outcome: "Delivery | DeviceDownError") -> None:
        """It is there, or an end has gone."""
        self._couriers.ended(self, outcome)


class Couriers:
    """A peer's, over all its comings and goings.

    ``behind`` says of everybody to whom it ever sends how many of its messages that neighbour has not had.
    """

    def __init__(
        self, session: GossipSession, node: DeviceNode, neighbours: Iterable[int], *, in_flight: int, told: Told
    ) -> None:
        self._session = session
        self._node = node
        self._in_flight = in_flight
        self._told = told
        self.behind = dict.fromkeys(neighbours, 0)
        self._targets: dict[int, DeviceNode] = {}
        self._free: dict[int, int] = {}
        self._waiting: dict[int, Offer] = {}
        self._letters: dict[_Parcel, None] = {}
        self._offered: Offer | None = None

    def begin(self, stint: Stint, tasks: asyncio.TaskGroup) -> None:
        """The peer is there: what its messages cost goes to this stint, and their tasks end with these."""
        self._stint, self._tasks = stint, tasks
        self._free = dict.fromkeys(self.behind, self._in_flight)
        self._waiting.clear()

    def end(self) -> None:
        """The peer goes, and nothing of what is on its way goes further; tasks see to themselves."""
        letters, self._letters = self._letters, {}
        for parcel in letters:
            letter, parcel.letter = parcel.letter, None
            if letter is not None:
                letter.give_up()
            self.behind[parcel.neighbour] += parcel.missed

    def offer(self, number: int, model: Due, neighbours: Iterable[int]) -> None:
        """A model for these neighbours; one that still waits to be sent is superseded, here and with the others."""
        self._offered = offer = (number, model)
        behind = self.behind
        for neighbour in behind:
            behind[neighbour] += 1
        for neighbour in neighbours:
            self._hand(neighbour, offer)

    def offer_again(self, neighbour: int, neighbours_of: Callable[[int], Iterable[int]]) -> None:
        """A neighbour missed what was offered last, if it was one of that round's neighbours."""
        offer = self._offered
        if offer is not None and neighbour in neighbours_of(offer[0]) and neighbour not in self._waiting:
            self._hand(neighbour, offer)

    def ended(self, parcel: _Parcel, outcome: "Delivery | DeviceDownError | NoRouteError") -> None:
        """A model is there, or is not and will not be."""
        self._letters.pop(parcel, None)
        parcel.letter = None  # which knows the parcel: nothing is left behind for the garbage collector
        neighbour = parcel.neighbour
        if isinstance(outcome, DeviceDownError | NoRouteError):
            self.behind[neighbour] += parcel.missed
            self._stint.lose("unreached", sent_bytes=outcome.sent_bytes)
            self._told.unreached(neighbour)
        else:
            self._came(parcel, outcome)
        self._free[neighbour] += 1
        if neighbour in self._waiting:
            self._send(neighbour, self._waiting.pop(neighbour))

    def _hand(self, neighbour: int, offer: Offer) -> None:
        if self._free[neighbour]:
            self._send(neighbour, offer)
        else:
            self._waiting[neighbour] = offer

    def _send(self, neighbour: int, offer: Offer) -> None:
        """Send it as a letter where that can be, else by a task of its own."""
        session, target, missed = self._session, self._target(neighbour), self.behind[neighbour]
        parcel = _Parcel(self, neighbour, target, offer, missed)
        self.behind[neighbour] = 0
        self._free[neighbour] -= 1
        size_bytes = session.training.message_bytes(missed or 1)
        try:
            if session.letters is not None:
                parcel.letter = session.letters.post(self._node, target, size_bytes, parcel.ended)
        except DeviceDownError as error:
            self.ended(parcel, error)
            return
        if parcel.letter is None:
            carrying = self._carry(parcel, target, size_bytes)
            self._tasks.create_task(carrying, name=f"{self._node.name} to peer {neighbour}")
        else:
            self._letters[parcel] = None

    async def _carry(self, parcel: _Parcel, target: DeviceNode, size_bytes: int) -> None:
        """Bring one model to one neighbour."""
        try:
            delivery = await deliver(self._node, target, size_bytes, self._stint)
        except (DeviceDownError, NoRouteError) as error:
            self.ended(parcel, error)
        except asyncio.CancelledError:  # the peer goes in the middle of it
            self.behind[parcel.neighbour] += parcel.missed
            raise
        else:
            self.ended(parcel, delivery)

    def _came(self, parcel: _Parcel, delivery: Delivery) -> None:
        for cause, wasted_bytes in delivery.wasted.items() if delivery.wasted else ():
            self._stint.lose(cause, sent_bytes=wasted_bytes)
        number, model = parcel.offer
        parts, target, move_s = delivery.parts, parcel.target, delivery.move_s
        self._told.arrived(parcel.neighbour, number, model, parts)
        self._session.record("passed", subject=self._node.name, peer=target.name, round=number, move_s=move_s, **parts)

    def _target(self, neighbour: int) -> DeviceNode:
        target = self._targets.get(neighbour)
        if target is None:
            target = self._targets[neighbour] = self._session.devices[neighbour]
        return target
