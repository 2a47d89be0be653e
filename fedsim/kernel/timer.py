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

    It has what the queue needs of an event: ``env`` and ``callbacks``.
    """

    __slots__ = ("callbacks", "env")

    if TYPE_CHECKING:  # what asyncio.TimerHandle has and its type hints do not tell
        _context: Context
        _loop: asyncio.AbstractEventLoop
        _callback: Callable[..., object] | None
        _repr: str | None
        _source_traceback: object
        _when: float

    def __init__(
        self,
        env: "Environment",
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        # The constructors of Handle and TimerHandle in one, because every asyncio.sleep makes a timer.
        self._context = copy_context() if context is None else context
        self._loop = env.loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None
        self._when = when
        self.env = env
        self.callbacks: Any = _RUN

    def cancel(self) -> None:
        """Take the timer back: it will not run, does not make time pass, and leaves nothing behind."""
        if self._cancelled:
            return
        self._cancelled = True
        self._callback = self._args = None  # type: ignore[assignment]
        if self.callbacks is _RUN:
            drop(self)


_RUN = (asyncio.Handle._run,)
