"""Python's garbage collector while a simulation runs."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_YOUNG: Final = 50_000  # Python's own default, 700, looks through everything again and again while tasks are started
_SELDOM: Final = 800_000  # garbage of some 100 MB, if after long nothing there is suddenly nothing else
_FEW: Final = 0.02


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect reference cycles after 50,000 new objects instead of 700, and leave out what was there before.

    Where next to nothing is found it takes 800,000 new objects until somebody looks again. Nothing depends on
    when that happens. With 100,000 tasks it is a fifth of the time of their first steps; to look through libraries and
    data again and again is a twentieth of that of a job, and to look through 10,000 new devices a third
    of their making.
    """
    young, *older = gc.get_threshold()
    if young == 0 or _adapt in gc.callbacks:  # somebody has switched collections off, and knows why; or a run in a run
        yield
        return
    gc.set_threshold(max(young, _YOUNG), *older)
    gc.freeze()
    gc.callbacks.append(_adapt)
    try:
        yield
    finally:
        gc.callbacks.remove(_adapt)
        if gc.get_threshold()[0] > _YOUNG:
            gc.freeze()  # what is young is no garbage either: the next new object shall not have it all looked through
        gc.unfreeze()
        gc.set_threshold(young, *older)


def _adapt(phase: str, info: Mapping[str, int]) -> None:
    """After a collection: how many new objects it takes until the next."""
    if phase != "stop":
        return
    young, *older = gc.get_threshold()
    is_worth_it = info["collected"] > _FEW * young
    gc.set_threshold(_YOUNG if is_worth_it else max(young, _SELDOM), *older)
