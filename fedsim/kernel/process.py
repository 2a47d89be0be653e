"""A SimPy process that may also wait for asyncio futures."""

import asyncio
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import Event

from fedsim.kernel.awaiting import as_event

if TYPE_CHECKING:
    from collections.abc import Generator


class Process(simpy.Process):
    """``simpy.Process`` that can ``yield`` an asyncio future, and that gets failures as they were raised.

    SimPy throws a copy made from ``exception.args`` into a waiting process. A class with further required
    arguments cannot be copied so, and a copy has lost its attributes; here the exception itself crosses.
    """

    def _resume(self, event: Event) -> None:
        env = self.env
        env._active_proc = self
        generator = self._generator
        while True:
            try:
                if event._ok:
                    target = generator.send(event._value)
                else:
                    event._defused = True
                    target = generator.throw(event._value)
            except StopIteration as stop:
                self._finish(ok=True, value=stop.value)
                break
            except BaseException as failure:  # noqa: BLE001  # whatever it is, it is the process's outcome
                failure.__traceback__ = failure.__traceback__ and failure.__traceback__.tb_next
                self._finish(ok=False, value=failure)
                break
            event = target if isinstance(target, Event) else self._bridge(target)
            if event.callbacks is not None:
                event.callbacks.append(self._resume)
                self._target = event
                break
        env._active_proc = None

    def _finish(self, *, ok: bool, value: Any) -> None:
        self._ok = ok
        self._value = value
        self._target = None  # type: ignore[assignment]
        self.env.schedule(self)

    def _bridge(self, target: Any) -> Event:
        if asyncio.isfuture(target):
            return as_event(self.env, target)
        frame = self._generator.gi_frame  # type: ignore[attr-defined]
        raise RuntimeError(
            f"process {self.name!r} yielded {target!r} at {frame.f_code.co_filename}:{frame.f_lineno}; "
            "a process yields SimPy events or asyncio futures"
        )

    if TYPE_CHECKING:

        def __await__(self) -> Generator[Any, None, Any]: ...
