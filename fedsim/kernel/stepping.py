"""The one place where time moves: ready callbacks first, then the next event, again and again."""

import sys
from asyncio import tasks
from collections.abc import Iterator
from heapq import heappop
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import Event, EventPriority

from fedsim.kernel.task import Task
from fedsim.kernel.timeout import Timeout
from fedsim.kernel.withdrawal import Withdrawn

if TYPE_CHECKING:
    from fedsim.kernel.loop import EventLoop

_FIRST = EventPriority(-1)


def run_events_plainly(loop: "EventLoop", steps: Iterator[Any]) -> bool:
    """Run until the loop is stopped, at most as many steps as there are; True, if it was stopped.

    A step is one event, or one round of the callbacks that are ready.

    Raises:
        EmptySchedule: if nothing is ready and nothing is scheduled.
    """
    for _ in steps:
        if loop._ready:
            run_ready(loop)
            if loop._stopping:
                return True
        elif loop._stopping:
            return True
        else:
            run_next_event(loop)
    return False


def run_ready(loop: "EventLoop") -> None:
    """Run the callbacks that are ready now; those that they make ready come later."""
    for _ in range(len(loop._ready)):
        handle = loop._ready.popleft()
        if not handle._cancelled:
            handle._run()


def run_next_event(loop: "EventLoop") -> None:
    """Move time to the next event and call whoever waits for it.

    Raises:
        EmptySchedule: if there is none.
    """
    env = loop.env
    if env.peek() == float("inf"):
        raise EmptySchedule
    env._now, _, _, event = heappop(env._queue)
    call(event)


def call(event: Event) -> None:
    """The event happens: call all callbacks; a failure that nobody took is raised, as it was."""
    callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
    try:
        for callback in callbacks:
            callback(event)
    except StopSimulation:
        # As SimPy does: the others are called when the simulation goes on.
        event.callbacks = callbacks[callbacks.index(callback) + 1 :]
        event.env.schedule(event, _FIRST)
        raise
    if not event._ok and not hasattr(event, "_defused"):
        raise event._value


def run_events(loop: "EventLoop", steps: Iterator[Any]) -> bool:  # noqa: C901, PLR0912, PLR0915  # written out for speed
    """``run_events_plainly`` with everything that happens often written out in one place.

    What it gains: no call between the queue and a task that waits for a time, and no leaving of one task before
    the next is entered. A task stays asyncio's current task, and SimPy's active process, until something else
    than a task runs.
    """
    env, ready = loop.env, loop._ready
    queue, current = env._queue, tasks._current_tasks  # type: ignore[attr-defined]
    inside = False  # some task is still entered as the current one
    try:
        for _ in steps:
            if ready:
                if inside:
                    inside = False
                    del current[loop]
                    env._active_proc = None
                for _ in range(len(ready)):
                    handle = ready.popleft()
                    if not handle._cancelled:
                        try:
                            handle._context.run(handle._callback, *handle._args)  # type: ignore[attr-defined]
                        except (SystemExit, KeyboardInterrupt):
                            raise
                        except BaseException as raised:  # noqa: BLE001  # whatever it is, the loop is told
                            loop.callback_failed(handle, raised)
                if loop._stopping:
                    return True
            elif loop._stopping:
                return True
            elif queue:
                place = heappop(queue)
                event = place[3]
                callbacks = event.callbacks
                if type(callbacks) is Withdrawn:
                    env.withdrawn -= 1
                    callbacks.leave(place)
                    continue
                env._now = place[0]
                event.callbacks = None  # type: ignore[assignment]
                ok = event._ok
                for waiter in callbacks:
                    if type(waiter) is Task and ok and not waiter._must_cancel:
                        inside = True
                        current[loop] = env._active_proc = waiter  # type: ignore[assignment]
                        try:
                            target = waiter._context.run(waiter._coro.send, None)
                        except BaseException as raised:  # noqa: BLE001  # it is the task's outcome
                            waiter._end(raised)
                        else:
                            if type(target) is Timeout and not waiter._must_cancel:
                                target.callbacks.append(waiter)
                                waiter._fut_waiter = target
                            else:
                                waiter._wait(target)
                    else:
                        if inside:
                            inside = False
                            del current[loop]
                            env._active_proc = None
                        try:
                            waiter(event)
                        except StopSimulation:
                            event.callbacks = callbacks[callbacks.index(waiter) + 1 :]
                            env.schedule(event, _FIRST)
                            raise
                if not ok and not hasattr(event, "_defused"):
                    raise event._value
            else:
                raise EmptySchedule
    finally:
        if inside:
            del current[loop]
            env._active_proc = None
    return False


if sys.version_info >= (3, 14):  # the current task is kept by the interpreter there
    run_events = run_events_plainly
