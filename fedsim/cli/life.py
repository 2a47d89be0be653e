"""``fedsim life``."""

from pathlib import Path

import typer

from fedsim.errors import FedsimError
from fedsim.study.life import life, read_events
from fedsim.study.life_plot import plot_life


def draw_life(folder: str, device: str, out: str | None) -> None:
    """Draw the life of a device from a run's folder.

    Raises:
        FedsimError: if there is no such run or life, or the picture cannot be written.
    """
    path = Path(f"{device}.png" if out is None else out)
    if path.exists():
        raise FedsimError(f"{path} is there already: name another with --out")
    figure = plot_life(life(read_events(folder), device))
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise FedsimError(f"{path} cannot be written: {error}") from None
    typer.echo(path)
