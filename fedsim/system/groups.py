"""Which flows can influence each other: those that share a link, directly or through others.

Flows and links form a bipartite graph, and a change of rate never leaves its connected component, called a group
here. Joining merges groups at once. Leaving may split one; that is looked into only now and then, because a group
that is too large costs time and changes no rate.
"""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IntArray = npt.NDArray[np.int64]

# A group is looked at again when so many flows have left it and more than that are in it. Finding its parts costs
# about as much as computing its rates twice.
_LEFT = 16


class Group:
    """Flows, by their slots, that share links."""

    __slots__ = ("alarm", "is_touched", "joined", "left", "members")

    def __init__(self, members: IntArray) -> None:
        self.members = members
        self.joined: list[int] = []
        """Members that came since it was last in order."""
        self.left = 0
        """Members that left since it was last split."""
        self.alarm: asyncio.TimerHandle | None = None
        """Rings when the next member may be done, or before."""
        self.is_touched = False
        """Whether its rates will be computed at the end of this instant."""

    def __len__(self) -> int:
        """Flows in it, with those that left since it was last in order."""
        return len(self.members) + len(self.joined)

    def silence(self) -> None:
        """Take back the alarm."""
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None


class Groups:
    """The groups of all flows in progress; a flow is a slot with a route of at least one link."""

    def __init__(self) -> None:
        self._of: dict[int, Group] = {}
        self._users: dict[int, int] = {}

    def of(self, link: int) -> Group | None:
        """The group that uses this link, if any flow does."""
        return self._of.get(link)

    def join(self, slot: int, route: Sequence[int], links_of: Callable[[IntArray], IntArray]) -> Group:
        """Put a flow on its links; ``links_of`` gives all links of other flows, for those that must move house."""
        largest = max((group for link in route if (group := self.of(link))), key=len, default=None)
        largest = largest or Group(np.empty(0, dtype=np.int64))
        for link in route:
            other = self.of(link)
            if other is not None and other is not largest:
                self._merge(other, largest, links_of)
            self._of[link] = largest
            self._users[link] = self._users.get(link, 0) + 1
        largest.joined.append(slot)
        return largest

    def tie(self, anchor: int, link: int, links_of: Callable[[IntArray], IntArray]) -> None:
        """A flow that is known by its link ``anchor`` is also on ``link``, which ties it to others from now on."""
        small, large = sorted((self._of[anchor], self._of.get(link, self._of[anchor])), key=len)
        if small is not large:
            self._merge(small, large, links_of)
        self._of[anchor] = self._of[link] = large
        self._users[link] = self._users.get(link, 0) + 1

    def untie(self, link: int) -> None:
        """A link ties nobody any more; its flows are known by others."""
        del self._users[link], self._of[link]

    def leave(self, route: Sequence[int]) -> Group:
        """Take a flow off its links; its slot stays a member until the group is put in order."""
        group = self._of[route[0]]
        for link in route:
            self._users[link] -= 1
            if not self._users[link]:
                del self._users[link], self._of[link]
        group.left += 1
        return group

    def put_in_order(self, group: Group, present: npt.NDArray[np.bool_]) -> IntArray:
        """Members of a group that are still there, (n,), oldest first but for merged groups."""
        members = np.concatenate([group.members, np.array(group.joined, dtype=np.int64)])
        group.members = members[present[members]]
        group.joined = []
        return group.members

    def is_due(self, group: Group, route: Sequence[int]) -> bool:
        """Whether a group may have come apart; ``route`` holds links of any member that go on to tie.

        A link on which all of them are, such as the server's, holds it together for certain.
        """
        enough = group.left >= _LEFT and len(group) > _LEFT
        return enough and all(self._users[link] < len(group) for link in route)

    def split(self, group: Group, routes: IntArray) -> list[Group]:
        """The parts into which a group in order has come apart, itself if it has not.

        routes: (length, n), column = member, padded with link 0
        """
        n = len(group.members)
        places, flows = np.nonzero(routes)
        links, nodes = np.unique(routes[places, flows], return_inverse=True)
        edges = coo_array((np.ones(len(flows), dtype=np.int8), (flows, n + nodes)), shape=(n + len(links),) * 2)
        count, part = connected_components(edges, directed=False)
        group.left = 0
        if count == 1:
            return [group]
        group.silence()
        parts = [Group(group.members[part[:n] == index]) for index in range(count)]
        for link, index in zip(links.tolist(), part[n:].tolist(), strict=True):
            self._of[link] = parts[index]
        return parts

    def _merge(self, small: Group, large: Group, links_of: Callable[[IntArray], IntArray]) -> None:
        large.joined = [*large.joined, *small.members.tolist(), *small.joined]
        large.left += small.left
        for link in links_of(np.array([*small.members.tolist(), *small.joined], dtype=np.int64)).tolist():
            if self._of.get(link) is small:
                self._of[link] = large
        small.members = small.members[:0]
        small.joined = []
        small.silence()
