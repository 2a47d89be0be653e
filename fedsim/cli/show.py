"""``fedsim show``."""

from collections.abc import Sequence
from pathlib import Path

import typer

from fedsim.errors import FedsimError
from fedsim.scenario import Scenario, load, resolved
from fedsim.study.presence import presence_table


def show_scenario(file: str, overrides: Sequence[str], availability: str | None = None) -> None:
    """Print a scenario with every default in it; what is printed is a scenario file, too.

    availability: instead, a file for a picture of which share of the fleet is there over a day.

    Raises:
        FedsimError: if the scenario cannot be used, or the picture cannot be written.
    """
    scenario = load(file, overrides)
    if availability is None:
        typer.echo(resolved(scenario), nl=False)
        return
    _draw(scenario, Path(availability))
    typer.echo(f"written to {availability}")


def _draw(scenario: Scenario, path: Path) -> None:
    from fedsim.study.plot_presence import write_presence  # noqa: PLC0415  # slow, and seldom needed

    if path.exists():
        raise FedsimError(f"{path} is there already: nothing is written over")
    try:
        write_presence(presence_table(scenario), path)
    except (OSError, ValueError) as error:
        raise FedsimError(f"{path} cannot be written: {error}") from None
