"""What a task does with what its coroutine waits for."""

import inspect
from asyncio import Future
from asyncio.futures import _get_loop  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from simpy.events import Event

from fedsim.kernel.awaiting import failure

if TYPE_CHECKING:
    from fedsim.kernel.task import Task


def wait(task: "Task", target: Any) -> None:
    """Hang the task on what its coroutine waits for: an event, a future, or (None) the next turn.

    Anything else is a mistake of the coroutine's, and is thrown into it; the messages are asyncio's.
    """
    if (
        type(target) is Future
        and target._asyncio_future_blocking
        and target._loop is task._env.loop
        and not task._must_cancel
    ):  # by far the most common future, with nothing unusual about it
        target._asyncio_future_blocking = False
        target.add_done_callback(task, context=task._context)  # type: ignore[arg-type]
        task._fut_waiter = target
    elif isinstance(target, Event):
        _wait_for_event(task, target)
    elif target is None:
        task.go_on()
    elif (blocking := getattr(target, "_asyncio_future_blocking", None)) is not None:
        _wait_for_future(task, target, blocking=blocking)
    elif inspect.isgenerator(target):
        _complain(task, f"yield was used instead of yield from for generator in task {task!r} with {target!r}")
    else:
        _complain(task, f"Task got bad yield: {target!r}")


def _wait_for_future(task: "Task", future: "Future[Any]", *, blocking: bool) -> None:
    if _get_loop(future) is not task.get_loop():
        _complain(task, f"Task {task!r} got Future {future!r} attached to a different loop")
    elif not blocking:
        _complain(task, f"yield was used instead of yield from in task {task!r} with {future!r}")
    elif future is task:
        _complain(task, f"Task cannot await on itself: {task!r}")
    else:
        future._asyncio_future_blocking = False
        future.add_done_callback(task, context=task._context)  # type: ignore[arg-type]
        task._fut_waiter = future
        if task._must_cancel and future.cancel(msg=task._cancel_message):
            task._must_cancel = False


def _wait_for_event(task: "Task", event: Event) -> None:
    if event.env is not task._env:
        _complain(task, f"Task {task!r} got event {event._desc()} of a different environment")
    elif event.callbacks is None:
        task.go_on(None if event._ok else failure(event))
    else:
        event.callbacks.append(task)
        task._event = event
        if task._must_cancel:
            task.leave_event()
            task.go_on()


def _complain(task: "Task", message: str) -> None:
    task.go_on(RuntimeError(message))
