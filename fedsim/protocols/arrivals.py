"""Answers to one round as they come, and the end of waiting for them."""

import asyncio

from fedsim.protocols.asking import Reply


class Arrivals:
    """Who waits for enough of them is woken once, and not by each.

    ``replies`` takes the answers in order of arrival. There are enough when they are ``goal``; or, unless whoever waits
    stays until a deadline, when nobody of the ``asked`` is left who could still answer.
    """

    def __init__(self, replies: list[Reply], *, goal: int, asked: int, stays: bool) -> None:
        self._replies = replies
        self._goal = goal
        self._asked = asked
        self._stays = stays
        self._failures = 0
        self._enough = asyncio.Event()
        self._look()

    def put(self, reply: Reply | None) -> None:
        """One more answer; None: somebody has failed."""
        if reply is None:
            self._failures += 1  # with a deadline the server waits on: failed devices do not call
        else:
            self._replies.append(reply)
        self._look()

    async def enough(self) -> None:
        """Return when there are enough."""
        await self._enough.wait()

    def _look(self) -> None:
        came = len(self._replies)
        if came >= self._goal or (not self._stays and came + self._failures >= self._asked):
            self._enough.set()
