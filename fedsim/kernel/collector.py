"""Python's garbage collector while a simulation runs."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Final

_YOUNG: Final = 50_000  # Python's own default, 700, looks through everything again and again while tasks are started
_FEW: Final = _YOUNG // 50
_LET_BE: Final = 15
_MANY: Final = 2_000_000  # some 200 MB


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect reference cycles after 50,000 new objects instead of 700, and leave out what was there before.

    Where next to nothing is found, only every sixteenth time is anything looked through. Nothing depends on when that
    happens. With 100,000 tasks it is a fifth of the time of their first steps; to look through libraries and data
    again and again is a twentieth of that of a job, and to look through 10,000 new devices a third of their making.

    A world that has been run is one large cycle. Worlds of earlier runs are collected when they are many objects.
    """
    young, *older = gc.get_threshold()
    sampling = _sampling()
    if young == 0 or (young >= _YOUNG and sampling in gc.callbacks):
        yield  # somebody has switched collections off, and knows why; or this run is inside another
        return
    try:
        sampling.begin()
        gc.set_threshold(max(young, _YOUNG), *older)
        gc.freeze()
        yield
    finally:
        sampling.end()
        gc.set_threshold(young, *older)


@cache
def _sampling() -> "_Sampling":
    """One for all runs: garbage is that of a process."""
    return _Sampling()


class _Sampling:
    """Told of collections before and after: lets them find nothing to look through, if the last that did found little.

    What is let be may be garbage: some 100 MB at most before it is noticed that there is any, and a fiftieth of what
    is kept anyway. It is collected after the run, or some time after there was more to find.
    """

    def __init__(self) -> None:
        self._left = 0  # new objects of earlier runs
        self._let_be = 0  # times that are left of this
        self._finds_little = False

    def begin(self) -> None:
        """A run begins."""
        if self._left > _MANY:
            gc.collect()
            self._left = 0
        self._let_be, self._finds_little = 0, False
        if self not in gc.callbacks:
            gc.callbacks.append(self)

    def end(self) -> None:
        """It is over: nor does anybody look through what is young, if that is likely to be kept."""
        if self in gc.callbacks:
            gc.callbacks.remove(self)
        self._left += gc.get_count()[0]
        if self._finds_little:
            gc.freeze()
        gc.unfreeze()

    def __call__(self, phase: str, info: Mapping[str, int]) -> None:
        """Before a collection, ``"start"``, or after it."""
        if info["generation"] == 2:  # somebody wants all of it
            return
        if phase == "start":
            self._left += gc.get_count()[0]
            if self._let_be:
                gc.freeze()
        elif self._let_be:
            self._let_be -= 1
        elif info["collected"] <= _FEW:
            self._let_be, self._finds_little = _LET_BE, True
        elif self._finds_little:
            self._finds_little = False
            gc.unfreeze()
