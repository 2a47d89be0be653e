"""Python's garbage collector while a simulation runs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 10_000  # Python's own default, 700, looks through everything again and again while tasks are started


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect reference cycles after 10,000 new objects instead of 700.

    Nothing depends on when that happens. With 100,000 tasks it is a fifth of the time of their first steps.
    """
    young, *older = gc.get_threshold()
    if young == 0:  # somebody has switched collections off, and knows why
        yield
        return
    gc.set_threshold(max(young, _YOUNG), *older)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)
