"""Errors of a run say whose they are: the scenario's file, or its name."""

from collections.abc import Iterator
from contextlib import contextmanager

from fedsim.errors import FedsimError


@contextmanager
def blaming(origin: str) -> Iterator[None]:
    """Put ``origin`` before every line of a refusal that does not name it; what fits into no memory is refused, too.

    Raises:
        FedsimError: what went wrong inside. Several at once become one, of a line each.
    """
    try:
        yield
    except (FedsimError, MemoryError, ExceptionGroup) as error:
        leaves = list(_leaves(error))
        if not all(isinstance(leaf, (FedsimError, MemoryError)) for leaf in leaves):
            raise
        lines = dict.fromkeys(line for leaf in leaves for line in _lines(leaf, origin))
        kind = type(leaves[0]) if isinstance(leaves[0], FedsimError) and len(leaves) == 1 else FedsimError
        raise kind("\n".join(lines)) from error


def _lines(error: Exception, origin: str) -> Iterator[str]:
    text = str(error)
    if isinstance(error, MemoryError):
        text = f"needs more memory than there is: {text or 'an allocation failed'}"
    for line in text.splitlines() or [""]:
        yield line if origin in line else f"{origin}: {line}"


def _leaves(error: BaseException) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    elif isinstance(error, Exception):
        yield error
