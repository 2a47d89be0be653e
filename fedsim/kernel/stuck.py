"""The report on a simulation in which nothing can happen any more."""

import asyncio
import linecache
from types import CodeType
from typing import TYPE_CHECKING, Any

from fedsim.kernel.awaiting import Wait

if TYPE_CHECKING:
    from fedsim.kernel.environment import Environment


def who_waits(env: "Environment") -> str:
    """Name every task that still waits, where its coroutine stands, and what it waits for."""
    loop = env.loop
    now_s = env.now
    tasks = sorted(asyncio.all_tasks(loop), key=lambda task: getattr(task, "number", 0))
    lines = [f"  task {task.get_name()!r} {_where(task)} waits for {_target(task)}" for task in tasks]
    head = f"nothing is scheduled any more at t = {now_s!r} s"
    if not lines:
        return head
    return "\n".join([f"{head}, and {len(lines)} still {'waits' if len(lines) == 1 else 'wait'}:", *lines])


def _where(task: "asyncio.Task[Any]") -> str:
    stack = task.get_stack(limit=1)
    if not stack:
        return "has not started and"
    code, line = stack[-1].f_code, stack[-1].f_lineno
    return f"at {code.co_filename}:{line}, in {code.co_name}: `{_text(code, line)}`"


def _text(code: CodeType, line: int) -> str:
    return linecache.getline(code.co_filename, line).strip()


def _target(task: "asyncio.Task[Any]") -> str:
    target = task._fut_waiter  # type: ignore[attr-defined]
    if isinstance(target, Wait):
        return target.event._desc()
    if isinstance(target, asyncio.Task):
        return f"task {target.get_name()!r}"
    inner: Any = task.get_coro()
    while getattr(inner, "cr_await", None) is not None and hasattr(inner.cr_await, "cr_code"):
        inner = inner.cr_await
    return f"a future in {inner.__qualname__}" if inner is not None else "a future"
