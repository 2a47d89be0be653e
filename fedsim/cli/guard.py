"""How commands end when something is wrong: a message, an exit code, and no traceback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from fedsim.cli.interrupt import interruptible
from fedsim.errors import FedsimError

REFUSED = 2
INTERRUPTED = 130


@contextmanager
def guard() -> Iterator[None]:
    """Turn refusals into their message on stderr and exit code 2, and Ctrl-C into a note and exit code 130.

    So is a standard output that takes no more; a reader that has gone away is no fault at all. Whatever else goes
    wrong is a mistake of ours, and keeps its traceback.
    """
    try:
        with interruptible():
            yield
            sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        raise typer.Exit(0) from None
    except OSError as error:
        if error.filename is not None:  # a file's, not the output's
            raise
        _silence()
        typer.echo(f"cannot print: {error.strerror}", err=True)
        raise typer.Exit(REFUSED) from None
    except (FedsimError, KeyboardInterrupt, BaseExceptionGroup) as error:
        leaves = list(_leaves(error))
        interrupts = [leaf for leaf in leaves if isinstance(leaf, KeyboardInterrupt)]
        if interrupts:
            typer.echo(str(interrupts[0]) or "interrupted: nothing was written", err=True)
            raise typer.Exit(INTERRUPTED) from None
        if not all(isinstance(leaf, FedsimError) for leaf in leaves):
            raise
        for message in dict.fromkeys(str(leaf) for leaf in leaves):
            typer.echo(message, err=True)
        raise typer.Exit(REFUSED) from None


def _silence() -> None:
    """Let nothing more be written to a standard output that takes none: Python would try when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
