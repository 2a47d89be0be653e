"""For how long a device is awake for the learner."""

from typing import Protocol

from fedsim.system.stint import Stint
from fedsim.system.watch import Stay


class Worker(Protocol):
    """Who is awake for a while."""

    def start_work(self) -> Stint:
        """It is awake from now on, for one thing more."""

    def end_work(self, stint: Stint, error: BaseException | None) -> None:
        """This came to its end, or to this error."""


class Shift:
    """One piece of a device's work, from ``async with`` on to its end; it gives the stint of it.

    Raises:
        DeviceDownError: the child for the reason, when the device goes; see ``Stay``.
    """

    __slots__ = ("_stay", "_stint", "_worker")

    def __init__(self, worker: Worker, stay: Stay) -> None:
        self._worker = worker
        self._stay = stay

    async def __aenter__(self) -> Stint:
        self._stay.begin()
        self._stint = self._worker.start_work()
        return self._stint

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._worker.end_work(self._stint, error)
        finally:
            self._stay.end(error)
