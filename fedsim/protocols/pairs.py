"""Who is free: peers that exchange are busy until they are done, and whoever wants one of them stands in line."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Wish:
    number: int
    ends: tuple[int, ...]
    granted: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Pairs:
    """All ends are taken at once or none is: nobody holds one while it waits for another, so there is no deadlock.

    Those who wait for the same peer get it in the order in which they came, as far as their other end is free.
    """

    def __init__(self) -> None:
        self._busy: set[int] = set()
        self._lines: dict[int, dict[int, _Wish]] = {}
        self._next = 0

    async def take(self, ends: tuple[int, ...], patience_s: float | None) -> bool:
        """Return when all of them are taken, or False when the patience is over."""
        if not self._busy.intersection(ends) and not any(end in self._lines for end in ends):
            self._busy.update(ends)
            return True
        wish = _Wish(self._next, ends)
        self._next += 1
        for end in ends:
            self._lines.setdefault(end, {})[wish.number] = wish
        self._grant(ends)
        try:
            await asyncio.wait([wish.granted], timeout=patience_s)
        except asyncio.CancelledError:
            self._withdraw(wish)
            if wish.granted.done():
                self.free(ends)
            raise
        self._withdraw(wish)
        return wish.granted.done()

    def free(self, ends: tuple[int, ...]) -> None:
        """They are done."""
        self._busy.difference_update(ends)
        self._grant(ends)

    def _grant(self, ends: Iterable[int]) -> None:
        wishes = {number: wish for end in ends for number, wish in self._lines.get(end, {}).items()}
        for number in sorted(wishes):
            wish = wishes[number]
            if not self._busy.intersection(wish.ends):
                self._busy.update(wish.ends)
                self._withdraw(wish)
                wish.granted.set_result(None)

    def _withdraw(self, wish: _Wish) -> None:
        for end in wish.ends:
            line = self._lines.get(end, {})
            line.pop(wish.number, None)
            if not line:
                self._lines.pop(end, None)
