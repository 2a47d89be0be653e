"""Python's garbage collector while a simulation runs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 50_000  # Python's own default, 700, looks through everything again and again while tasks are started


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect reference cycles after 50,000 new objects instead of 700, and leave out what was there before.

    Nothing depends on when that happens. With 100,000 tasks it is a fifth of the time of their first steps; to look
    through libraries and data again and again is a twentieth of that of a job.
    """
    young, *older = gc.get_threshold()
    if young == 0:  # somebody has switched collections off, and knows why
        yield
        return
    gc.set_threshold(max(young, _YOUNG), *older)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(young, *older)
