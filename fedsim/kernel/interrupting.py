"""Ctrl-C while a simulation runs."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Interrupt:
    """Whether Ctrl-C has come, and what it stops at present."""

    def __init__(self) -> None:
        self.came = False
        self._stop: Callable[[], None] | None = None

    def first(self, *_: Any) -> None:
        """Handle the first Ctrl-C."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.came = True
        if self._stop is not None:
            self._stop()

    @contextmanager
    def calls(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop`` when it comes; at once, if it has come."""
        self._stop = stop
        try:
            if self.came:
                stop()
            yield
        finally:
            self._stop = None


@contextmanager
def on_interrupt() -> Iterator[Interrupt]:
    """Note the first Ctrl-C, and raise ``KeyboardInterrupt`` for it at the end; a second one raises at once.

    Only in the main thread, and only where nobody else has taken the signal.
    """
    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    interrupt = Interrupt()
    if ours:
        signal.signal(signal.SIGINT, interrupt.first)
    try:
        yield interrupt
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    if interrupt.came:
        raise KeyboardInterrupt
