"""A piece of a device's work for the learner, which counts or goes to waste."""

from collections.abc import Callable

from fedsim.system.meter import CAUSES
from fedsim.system.usage import Usage

Spent = tuple[tuple[float, ...], float, float, float]
"""Joules by cause in order of ``CAUSES``, bytes sent and received, seconds of computing."""


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


class PastStint(Stint):
    """One that is over and settled. Few of these are ever discarded: only then is it reckoned up."""

    __slots__ = ("_after", "_before", "_booked")

    def __init__(self, before: Spent, after: Spent, booked: Usage, waste: Callable[[str, Usage], None]) -> None:
        """What the device had spent before and after it, and what of that was booked as waste by then."""
        self._before, self._after, self._booked = before, after, booked
        self._waste = waste

    def __getattr__(self, name: str) -> object:
        """What other stints know from the first, at the first time that it is asked for."""
        self._from, self._to = _usage(self._before) - self._booked, _usage(self._after) - self._booked
        self._since, self._spent = self._to, lambda: self._to
        return object.__getattribute__(self, name)


def _usage(spent: Spent) -> Usage:
    joules, sent_bytes, received_bytes, compute_s = spent
    energy_j = dict(zip(CAUSES, joules, strict=True))
    return Usage(energy_j=energy_j, sent_bytes=sent_bytes, received_bytes=received_bytes, compute_s=compute_s)
