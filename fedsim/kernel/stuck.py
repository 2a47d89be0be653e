"""The report on a simulation in which nothing can happen any more."""

import asyncio
import linecache
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from simpy.events import Condition, Event, Process
from simpy.resources.base import Get, Put

from fedsim.kernel.awaiting import FutureEvent, Wait

if TYPE_CHECKING:
    from fedsim.kernel.environment import Environment

_ASYNCIO = Path(asyncio.__file__).parent
_HERE = Path(__file__).parent

Place = tuple[CodeType, int]
"""Some code, and the number of the line at which it stands."""


def who_waits(env: "Environment") -> str:
    """Name every task and process that still waits, where its code stands, and what it waits for."""
    lines = [
        *(f"  task {task.get_name()!r} {_task_waits(task)}" for task in env.loop.unfinished()),
        *(f"  process {process.name!r} {_process_waits(process)}" for process in env.live_processes.values()),
    ]
    head = f"nothing is scheduled any more at t = {env._now!r} s"
    if not lines:
        return head
    return "\n".join([f"{head}, and {len(lines)} still {'waits' if len(lines) == 1 else 'wait'}:", *lines])


def _task_waits(task: Any) -> str:
    all_places = list(_places(task.get_coro()))
    places = [place for place in all_places if _folder(place) != _HERE] or all_places
    own = [place for place in places if _folder(place) != _ASYNCIO] or places
    target = _what(getattr(task, "_event", None) if task._fut_waiter is None else task._fut_waiter)
    within = "" if places[-1] is own[-1] else f" in {places[-1][0].co_qualname}"
    return f"{_at(own[-1])} waits for {target}{within}"


def _folder(place: Place) -> Path:
    return Path(place[0].co_filename).parent


def _process_waits(process: Process) -> str:
    generator: Any = process._generator
    return f"{_at(list(_places(generator))[-1])} waits for {_what(process.target)}"


def _places(awaiting: Any) -> Iterator[Place]:
    """Where a coroutine or generator stands, and then what it awaits, inwards."""
    while awaiting is not None:
        for kind in ("cr", "gi", "ag"):
            frame = getattr(awaiting, f"{kind}_frame", None)
            if frame is not None:
                yield frame.f_code, frame.f_lineno
                awaiting = getattr(awaiting, f"{kind}_yieldfrom" if kind == "gi" else f"{kind}_await")
                break
        else:
            return


def _at(place: Place) -> str:
    code, line = place
    text = linecache.getline(code.co_filename, line).strip()
    return f"at {code.co_filename}:{line}, in {code.co_qualname}: `{text}`"


def _what(target: Any) -> str:
    """What is waited for, in words without addresses, so that two runs say the same."""
    for kind, words in _WORDS:
        if isinstance(target, kind):
            return words(target)
    return f"a {type(target).__name__.lstrip('_')}"


def _condition(target: Condition) -> str:
    return f"{target._evaluate.__name__}({', '.join(_what(part) for part in target._events)})"


def _request(target: Any) -> str:
    return f"{type(target).__name__}() of a {type(target.resource).__name__}"


_WORDS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (Wait, lambda wait: _what(wait.event)),
    (asyncio.Task, lambda task: f"task {task.get_name()!r}"),
    (Process, lambda process: f"process {process.name!r}"),
    (Put | Get, _request),
    (Condition, _condition),
    (FutureEvent, lambda event: _what(event.future)),
    (Event, lambda event: event._desc()),
)
