"""``fedsim show``."""

from collections.abc import Sequence

import typer

from fedsim.scenario import load, resolved


def show_scenario(file: str, overrides: Sequence[str]) -> None:
    """Print a scenario with every default in it; what is printed is a scenario file, too.

    Raises:
        FedsimError: if the scenario cannot be used.
    """
    typer.echo(resolved(load(file, overrides)), nl=False)
