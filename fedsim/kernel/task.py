"""A task that knows its number."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any


class Task(asyncio.Task[Any]):
    """An asyncio task, numbered in order of creation on its loop.

    The number is also the hash: asyncio keeps tasks in sets, and sets must not order them by address.
    """

    __slots__ = ("number",)

    def __init__(
        self,
        coro: Coroutine[Any, Any, Any],
        loop: asyncio.AbstractEventLoop,
        number: int,
        name: str | None,
        context: Context | None,
    ) -> None:
        self.number = number
        super().__init__(coro, loop=loop, name=f"Task-{number}" if name is None else name, context=context)

    def __hash__(self) -> int:
        return self.number
