"""A callback at a simulated time: what ``loop.call_at`` and ``loop.call_later`` give."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from fedsim.kernel.withdrawal import drop

if TYPE_CHECKING:
    from fedsim.kernel.environment import Environment


class Timer(asyncio.TimerHandle):
    """An asyncio timer handle that is itself an entry of the SimPy queue.

    It has what a queue entry needs of an event: ``callbacks``, here the one that runs the handle, and ``_ok``.
    """

    __slots__ = ("_ok", "callbacks", "env")

    def __init__(
        self,
        env: "Environment",
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        # The constructors of Handle and TimerHandle, in one: a timer is made for every asyncio.sleep.
        self._context = copy_context() if context is None else context
        self._loop = env.loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self._scheduled = True
        self.env = env
        self._ok = True
        self.callbacks: Any = _RUN

    def cancel(self) -> None:
        """Take the timer back: it will not run, does not make time pass, and leaves nothing behind."""
        if self._cancelled:
            return
        self._cancelled = True
        self._callback = self._args = None  # type: ignore[assignment]  # as asyncio's own handles do
        if self.callbacks is _RUN:
            drop(self)


_RUN = (asyncio.Handle._run,)
