"""Which links can be full, so that flows which only share others need not be looked at together.

A flow never moves faster than alone. A link is *loose* while all flows on it together, each as fast as alone, leave
some of it free: then it holds nobody back, and ties nobody to anybody. Other links are *tight*. Every flow in progress
is on at least one tight link, its narrowest if there is no other, by which it is found.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fedsim.system.passage import Way

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# A link becomes tight at this part of its capacity, and loose below that one. Sums that are kept up for very long lose
# some digits; the gap to 1 is far more than that, and the gap between the two keeps links from going to and fro.
_TIGHT = 0.99
_LOOSE = 0.9


class Tightness:
    """For each link: capacity, what its flows could use of it at most, how many they are, and whether it is tight.

    What single flows ask is kept in lists, which answer faster than arrays; arrays are for many flows at once.
    """

    def __init__(self, links: int) -> None:
        self.capacity_bps = np.zeros(links)
        self.binding_bps = np.full(links, np.inf)
        """The capacity of tight links; without end for loose ones, which hold nobody back."""
        self.tight = np.zeros(links, dtype=np.bool_)
        self._carries_bps: list[float] = []
        """As long as there are links; the other columns are longer, for those that may come."""
        self._is_tight: list[bool] = [False] * links
        self._wanted_bps: list[float] = [0.0] * links
        self._users: list[int] = [0] * links

    def __len__(self) -> int:
        return len(self._carries_bps)

    def add(self, capacities_bps: Sequence[float]) -> int:
        """More links, which carry so much; the number of the first, which the others follow."""
        carries_bps = self._carries_bps
        first = len(carries_bps)
        carries_bps += capacities_bps
        while len(carries_bps) > len(self.tight):
            self._grow()
        for link, capacity_bps in enumerate(capacities_bps, first):
            self.capacity_bps[link] = capacity_bps
        return first

    def _grow(self) -> None:
        """Have room for twice as many links."""
        for name, fill in (("capacity_bps", 0), ("binding_bps", np.inf), ("tight", 0)):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full_like(column, fill)]))
        links = len(self._users)
        self._is_tight += [False] * links
        self._wanted_bps += [0.0] * links
        self._users += [0] * links

    def idle(self, links: Sequence[int]) -> list[int]:
        """Those of the links on which no flow is."""
        users = self._users
        return [link for link in links if not users[link]]

    def is_idle(self, link: int) -> bool:
        """Whether no flow is on a link."""
        return not self._users[link]

    def is_tight(self, link: int) -> bool:
        """Whether a link ties the flows on it together."""
        return self._is_tight[link]

    def carries_bps(self, link: int) -> float:
        """The capacity of one link."""
        return self._carries_bps[link]

    def carry_bps(self, links: Sequence[int]) -> tuple[float, ...]:
        """The capacity of each of these links."""
        carries_bps = self._carries_bps
        return tuple([carries_bps[link] for link in links])

    def binds_bps(self, link: int) -> float:
        """The capacity of one link if it is tight, else infinity."""
        return self._carries_bps[link] if self._is_tight[link] else math.inf

    def lone_bps(self, way: Way, cap_bps: float) -> float:
        """What a flow would have alone: the least of its cap and its links."""
        carries_bps = self._carries_bps
        for link, use in zip(way.links, way.uses):  # noqa: B905  # strict takes half as long again
            if (limit_bps := carries_bps[link] / use) < cap_bps:
                cap_bps = limit_bps
        return cap_bps

    def come(self, way: Way, lone_bps: float) -> None:
        """A flow comes to these links."""
        users, wanted_bps, mine_bps = self._users, self._wanted_bps, _finite(lone_bps)
        for link, use in zip(way.links, way.uses, strict=True):
            users[link] += 1
            wanted_bps[link] += use * mine_bps

    def go(self, way: Way, lone_bps: float) -> None:
        """A flow leaves these links; those that nobody uses any more are loose."""
        users, wanted_bps, mine_bps = self._users, self._wanted_bps, _finite(lone_bps)
        for link, use in zip(way.links, way.uses, strict=True):
            users[link] -= 1
            if users[link]:
                wanted_bps[link] -= use * mine_bps
            else:
                wanted_bps[link] = 0.0
                if self._is_tight[link]:
                    self.set_tight(link, is_tight=False)

    def are_free(self, links: Sequence[int]) -> bool:
        """Whether none of these links holds anybody back: each is loose, or has one user, who is no faster than it."""
        for link in links:
            if self._is_tight[link]:
                return False
            if self._users[link] > 1 and self._wanted_bps[link] >= _TIGHT * self._carries_bps[link]:
                return False
        return True

    def would_be_free(self, uses: Iterable[tuple[int, float]], bps: float, kept_bps: Mapping[int, float]) -> bool:
        """Whether these links would hold nobody back if one more flow came that wants so many times ``bps`` of each.

        kept_bps: what others will want of a link who have not come yet
        """
        for link, use in uses:
            if self._is_tight[link]:
                return False
            kept = kept_bps.get(link, 0.0)
            if not kept and not self._users[link]:
                continue  # it has the link alone
            if not self._wanted_bps[link] + (kept + use * bps) < _TIGHT * self._carries_bps[link]:
                return False
        return True

    def shift(self, routes: IntArray, uses: Array, before_bps: Array, after_bps: Array) -> None:
        """Flows, (n,), on these links, (length, n), would have other rates alone than before."""
        more_bps = np.where(np.isinf(after_bps), 0.0, after_bps) - np.where(np.isinf(before_bps), 0.0, before_bps)
        for link, more in zip(routes.ravel().tolist(), (uses * more_bps).ravel().tolist(), strict=True):
            self._wanted_bps[link] += more

    def recount(self, link: int, uses: Array, lone_bps: Array) -> None:
        """Add up anew what the flows on a link, (n,), could use of it.

        Due when its own capacity changes: beside a small one, the digits lost at a large one may be many.
        """
        self._wanted_bps[link] = float((uses * np.where(np.isinf(lone_bps), 0.0, lone_bps)).sum())

    def set_tight(self, link: int, *, is_tight: bool) -> None:
        """Take note of what a link is now."""
        self._is_tight[link] = is_tight
        self.tight[link] = is_tight
        self.binding_bps[link] = self._carries_bps[link] if is_tight else np.inf

    def set_capacity(self, link: int, capacity_bps: float) -> None:
        """Change what a link carries."""
        self._carries_bps[link] = self.capacity_bps[link] = capacity_bps
        if self._is_tight[link]:
            self.binding_bps[link] = capacity_bps

    def overdue(self, links: Sequence[int]) -> list[int]:
        """Those of the links that are still taken for loose, and may be full."""
        return [
            link
            for link in links
            if link and not self._is_tight[link] and self._wanted_bps[link] >= _TIGHT * self._carries_bps[link]
        ]

    def is_slack(self, link: int) -> bool:
        """Whether a link could be taken for loose."""
        return self._wanted_bps[link] < _LOOSE * self._carries_bps[link]


def _finite(lone_bps: float) -> float:
    """A flow without limit is on links without limit only, where its want does not matter."""
    return lone_bps if lone_bps < np.inf else 0.0
