"""Which links can be full, so that flows which only share others need not be looked at together.

A flow never moves faster than alone. A link is *loose* while all flows on it together, each as fast as alone, leave
some of it free: then it holds nobody back, and ties nobody to anybody. Other links are *tight*. Every flow in progress
is on at least one tight link, its narrowest if there is no other, by which it is found.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# A link becomes tight at this part of its capacity, and loose below that one. Sums that are kept up for very long lose
# some digits; the gap to 1 is far more than that, and the gap between the two keeps links from going to and fro.
_TIGHT = 0.99
_LOOSE = 0.9


class Tightness:
    """For each link: capacity, what its flows could use of it at most, how many they are, and whether it is tight."""

    def __init__(self, links: int) -> None:
        self.capacity_bps = np.empty(links)
        self.binding_bps = np.full(links, np.inf)
        """The capacity of tight links; without end for loose ones, which hold nobody back."""
        self.tight = np.zeros(links, dtype=np.bool_)
        self._wanted_bps = np.zeros(links)
        self._users = np.zeros(links, dtype=np.int64)

    def grow(self) -> None:
        """Twice as many links."""
        for name, fill in (
            ("capacity_bps", 0),
            ("binding_bps", np.inf),
            ("tight", 0),
            ("_wanted_bps", 0),
            ("_users", 0),
        ):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full_like(column, fill)]))

    def is_idle(self, link: int) -> bool:
        """Whether no flow is on a link."""
        return not self._users[link]

    def come(self, links: Sequence[int], uses: Sequence[float], lone_bps: float) -> None:
        """A flow comes to these links."""
        wanted_bps = _finite(lone_bps)
        for link, use in zip(links, uses, strict=True):
            self._users[link] += 1
            self._wanted_bps[link] += use * wanted_bps

    def go(self, links: Sequence[int], uses: Sequence[float], lone_bps: float) -> None:
        """A flow leaves these links; those that nobody uses any more are loose."""
        wanted_bps = _finite(lone_bps)
        for link, use in zip(links, uses, strict=True):
            self._users[link] -= 1
            if self._users[link]:
                self._wanted_bps[link] -= use * wanted_bps
            else:
                self._wanted_bps[link] = 0.0
                self.set_tight(link, is_tight=False)

    def shift(self, routes: IntArray, uses: Array, before_bps: Array, after_bps: Array) -> None:
        """Flows, (n,), on these links, (length, n), would have other rates alone than before."""
        more_bps = np.where(np.isinf(after_bps), 0.0, after_bps) - np.where(np.isinf(before_bps), 0.0, before_bps)
        np.add.at(self._wanted_bps, routes, uses * more_bps)

    def recount(self, link: int, uses: Array, lone_bps: Array) -> None:
        """Add up anew what the flows on a link, (n,), could use of it.

        Due when its own capacity changes: beside a small one, the digits lost at a large one may be many.
        """
        self._wanted_bps[link] = (uses * np.where(np.isinf(lone_bps), 0.0, lone_bps)).sum()

    def set_tight(self, link: int, *, is_tight: bool) -> None:
        """Take note of what a link is now."""
        self.tight[link] = is_tight
        self.binding_bps[link] = self.capacity_bps[link] if is_tight else np.inf

    def set_capacity(self, link: int, capacity_bps: float) -> None:
        """Change what a link carries."""
        self.capacity_bps[link] = capacity_bps
        self.set_tight(link, is_tight=bool(self.tight[link]))

    def overdue(self, links: Sequence[int]) -> list[int]:
        """Those of the links that are still taken for loose, and may be full."""
        return [
            link
            for link in links
            if link and not self.tight[link] and self._wanted_bps[link] >= _TIGHT * self.capacity_bps[link]
        ]

    def is_free(self, link: int) -> bool:
        """Whether a link holds nobody back who is on it now: it is loose, or has one user, who is no faster than it."""
        if self._users[link] == 1:
            return not self.tight[link]
        return not self.tight[link] and bool(self._wanted_bps[link] < _TIGHT * self.capacity_bps[link])

    def is_slack(self, link: int) -> bool:
        """Whether a link could be taken for loose."""
        return bool(self._wanted_bps[link] < _LOOSE * self.capacity_bps[link])


def _finite(lone_bps: float) -> float:
    """A flow without limit is on links without limit only, where its want does not matter."""
    return lone_bps if lone_bps < np.inf else 0.0
