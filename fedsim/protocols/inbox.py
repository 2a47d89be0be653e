"""A peer's inbox: its neighbours' models, by round, and whom it no longer waits for."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from fedsim.learners.tape import Due


class Inbox:
    """Models that arrived, one shelf per neighbour.

    A neighbour is *waited for* until an attempt to reach it fails or a wait for it ends in vain; from then on it
    counts as away until anything arrives from it again, when ``welcome`` is called with it.
    """

    def __init__(self, neighbours: Sequence[int]) -> None:
        self.neighbours = tuple(neighbours)
        self.newest = 0
        self.latest: dict[int, int] = {}
        self.last: int | None = None
        self.parts: Mapping[str, float] = {}
        self.welcome: Callable[[int], None] = lambda _: None
        self._shelves: dict[int, dict[int, Due]] = {neighbour: {} for neighbour in neighbours}
        self._away: set[int] = set()
        self._changed = asyncio.Event()
        self._number = 0
        self._lacks: set[int] = set()
        """Of this round these are waited for: whoever waits is woken when they are all there, not by each of them."""

    def put(self, sender: int, number: int, model: Due, parts: Mapping[str, float]) -> None:
        """A neighbour's model of its round ``number`` arrived; ``parts``: where the message's time went."""
        self._shelves[sender][number] = model
        if number > self.latest.get(sender, 0):
            self.latest[sender] = number
            self.newest = max(self.newest, number)
        self.last, self.parts = sender, parts
        if number >= self._number:
            self._lacks.discard(sender)
        if sender in self._away:
            self._away.remove(sender)
            self._changed.set()
            self.welcome(sender)
        elif not self._lacks:
            self._changed.set()

    def give_up(self, sender: int) -> None:
        """Do not wait for this neighbour until it is heard of again; of others nothing is expected."""
        if sender in self._shelves:
            self._away.add(sender)
            self._changed.set()

    def model(self, sender: int, number: int) -> Due | None:
        """The neighbour's model of that round or, if it is ahead, of the first round after it."""
        shelf = self._shelves[sender]
        if number in shelf:
            return shelf[number]
        ahead = [kept for kept in shelf if kept > number]
        return shelf[min(ahead)] if ahead else None

    async def fill(self, number: int, senders: Collection[int], patience_s: float | None) -> dict[int, Due]:
        """Wait for the round's model of each of these senders who is waited for; what is there when that ends.

        Whoever is missing when the patience is over is given up. If everybody is away, wait for the first to come
        back: alone there is nothing to agree on.
        """
        try:
            async with asyncio.timeout(patience_s):
                while (missing := self._missing(number, senders)) or self._is_alone():
                    self._number, self._lacks = number, set(missing)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            for sender in self._missing(number, senders):
                self.give_up(sender)
        found = {sender: self.model(sender, number) for sender in senders}
        return {sender: model for sender, model in found.items() if model is not None}

    def forget(self, number: int) -> None:
        """Drop what belongs to this round and to earlier ones."""
        for shelf in self._shelves.values():
            for kept in [kept for kept in shelf if kept <= number]:
                del shelf[kept]

    def _is_alone(self) -> bool:
        return bool(self.neighbours) and len(self._away) == len(self.neighbours)

    def _missing(self, number: int, senders: Collection[int]) -> list[int]:
        waited_for = [sender for sender in senders if sender not in self._away]
        return [sender for sender in waited_for if self.model(sender, number) is None]
