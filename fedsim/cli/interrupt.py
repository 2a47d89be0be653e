"""Ctrl-C: a simulation ends between two events, so that its coroutines can put everything back."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise ``KeyboardInterrupt`` out of the block; a second one does so wherever the program is.

    Python's own handler raises at any instruction, in the middle of a coroutine that knows nothing of it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, _between_events)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _between_events(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal.signal wants it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:  # no simulation is running
        _interrupt()
    loop.call_soon_threadsafe(_interrupt)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt
