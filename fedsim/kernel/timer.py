"""A callback at a simulated time: what ``loop.call_at`` and ``loop.call_later`` give."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fedsim.kernel.loop import EventLoop


class Timer(asyncio.TimerHandle):
    """An asyncio timer handle that is itself an entry of the SimPy queue.

    It has what a queue entry needs of an event: ``callbacks``, here the one that runs the handle, and ``_ok``.
    """

    __slots__ = ("callbacks",)

    _ok = True

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: "EventLoop",
        context: Context | None,
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self.callbacks: Any = _RUN

    def cancel(self) -> None:
        """Take the timer back: it will not run, and does not make time pass."""
        self.callbacks = ()
        super().cancel()


_RUN = (asyncio.Handle._run,)
