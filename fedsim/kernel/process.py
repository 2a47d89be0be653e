"""A SimPy process that may also wait for asyncio futures."""

import asyncio
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import Event

from fedsim.kernel.awaiting import as_event, failure

if TYPE_CHECKING:
    from collections.abc import Generator

    from simpy.events import ProcessGenerator

    from fedsim.kernel.environment import Environment


class Process(simpy.Process):
    """``simpy.Process`` that can ``yield`` an asyncio future, and that gets failures as they were raised.

    SimPy throws a copy made from ``exception.args`` into a waiting process. A class with further required
    arguments cannot be copied so, and a copy has lost its attributes; here the exception itself crosses.

    ``number`` counts the environment's processes in order of creation.
    """

    env: "Environment"

    def __init__(self, env: "Environment", generator: "ProcessGenerator") -> None:
        self.number = next(env.process_numbers)
        super().__init__(env, generator)
        env.live_processes[self.number] = self

    def _resume(self, event: Event) -> None:
        env = self.env
        env._active_proc = self
        generator = self._generator
        while True:
            try:
                target = generator.send(event._value) if event._ok else generator.throw(failure(event))
            except StopIteration as stop:
                self._end(ok=True, value=stop.value)
                break
            except BaseException as raised:  # noqa: BLE001  # whatever it is, it is the process's outcome
                raised.__traceback__ = raised.__traceback__ and raised.__traceback__.tb_next
                self._end(ok=False, value=raised)
                break
            event = target if isinstance(target, Event) else self._event_of(target)
            if event.callbacks is not None:
                event.callbacks.append(self._resume)
                self._target = event
                break
        env._active_proc = None

    def _end(self, *, ok: bool, value: Any) -> None:
        del self.env.live_processes[self.number]
        self._ok = ok
        self._value = value
        self._target = None  # type: ignore[assignment]
        self.env.schedule(self)

    def _event_of(self, target: Any) -> Event:
        if asyncio.isfuture(target):
            return as_event(self.env, target)
        self.env._active_proc = None
        frame = self._generator.gi_frame  # type: ignore[attr-defined]
        raise RuntimeError(
            f'Invalid yield value "{target}" of process {self.name!r} at {frame.f_code.co_filename}:{frame.f_lineno}: '
            "a process yields SimPy events or asyncio futures"
        )

    if TYPE_CHECKING:

        def __await__(self) -> Generator[Any, None, Any]: ...
