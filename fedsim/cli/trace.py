"""``fedsim trace``."""

from pathlib import Path

import typer

from fedsim import units
from fedsim.errors import FedsimError
from fedsim.study.reading import read_result
from fedsim.study.staging import partial_beside
from fedsim.study.trace import Window, write_trace


def trace_run(folder: str, out: str | None, from_: str | None, until: str | None) -> None:
    """Write the trace of the run in a folder, all of it or what begins within a window of simulated time.

    Raises:
        FedsimError: there is no such run, the times make no sense, or the file is there or cannot be written.
    """
    window = _window(from_, until)
    path = Path(folder, "trace.json") if out is None else Path(out)
    if path.exists():
        raise FedsimError(f"{path} is there already: open that one, or name another with --out")
    result = read_result(folder)
    try:
        with partial_beside(path) as stage:
            traced = write_trace(result, stage, window)
    except OSError as error:
        raise FedsimError(f"{path} cannot be written: {error.strerror or error}") from None
    typer.echo(f"{traced.events} events in {path}")


def _window(from_: str | None, until: str | None) -> Window:
    start_s = 0.0 if from_ is None else units.parse(from_, "s")
    end_s = None if until is None else units.parse(until, "s")
    if not start_s >= 0:
        raise FedsimError(f"--from must be >= 0 s, got {from_}")
    if end_s is not None and not end_s > start_s:
        raise FedsimError(f"--until must be later than --from, got {until}")
    return Window(from_s=start_s) if end_s is None else Window(from_s=start_s, until_s=end_s)
