"""A piece of a device's work for the learner, which counts or goes to waste."""

from collections.abc import Callable

from fedsim.system.usage import Usage


class Stint:
    """What a piece of work cost is either kept or goes to waste.

    spent: what the device has spent up to now, without what was booked as waste already
    waste: takes what was spent in vain, with its cause

    The cost is that of the whole device from the stint's beginning on: two stints of one device at the same time
    both count it, and what one of them lost from before the other began makes that one cost no less than nothing.
    """

    __slots__ = ("_from", "_since", "_spent", "_to", "_waste")

    def __init__(self, spent: Callable[[], Usage], waste: Callable[[str, Usage], None]) -> None:
        self._spent = spent
        self._waste = waste
        self._since = self._from = self._to = spent()

    @classmethod
    def over(cls, before: Usage, after: Usage, waste: Callable[[str, Usage], None]) -> "Stint":
        """One that is over and settled: what the device had spent before it, and has spent now."""
        stint = cls(lambda: after, waste)
        stint._from = before
        return stint

    def settle(self) -> None:
        """What was spent since the last settling counted."""
        self._from, self._since = self._since, self._spent()
        self._to = self._since

    def lose(self, cause: str, *, sent_bytes: float = 0.0, received_bytes: float = 0.0) -> None:
        """These bytes went in vain, whatever becomes of the rest; they are not booked again with it."""
        lost = Usage(sent_bytes=sent_bytes, received_bytes=received_bytes)
        self._waste(cause, lost)
        self._since += lost

    def discard(self, cause: str) -> None:
        """What was settled last did not count after all."""
        self._waste(cause, (self._to - self._from).not_negative)
        self._from = self._to
