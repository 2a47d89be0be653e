"""Living a stretch of time again, for those for whom it was only foreseen."""

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable
from heapq import heapify
from itertools import repeat
from typing import TYPE_CHECKING

from fedsim.kernel.stepping import run_events_plainly

if TYPE_CHECKING:
    from fedsim.kernel.loop import EventLoop


def replay(loop: "EventLoop", from_s: float, begin: Callable[[], None]) -> None:
    """Set the clock back, call ``begin``, and run what follows from it up to now, and nothing else.

    What follows from it at this very instant, or later, stays scheduled. It is right for what has touched nothing that
    others have looked at meanwhile, and was touched by nobody.
    """
    env, ready = loop.env, loop._ready
    queue, now_s, me = env._queue, env._now, asyncio.current_task(loop)
    others, waiting, active = queue[:], list(ready), env._active_proc
    queue.clear()
    ready.clear()
    if me is not None:
        _leave_task(loop, me)
    env._now, env._active_proc = from_s, None
    try:
        begin()
        while ready or env.peek() < now_s:
            run_events_plainly(loop, repeat(None, 1))
    finally:
        if me is not None:
            _enter_task(loop, me)
        env._now, env._active_proc = now_s, active
        queue.extend(others)
        heapify(queue)
        ready.extend(waiting)
