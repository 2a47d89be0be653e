"""``fedsim show``."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from fedsim.errors import FedsimError
from fedsim.report.grid import show
from fedsim.report.topology_summary import topology_report
from fedsim.scenario import load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.underlay import is_underlay, read_underlay
from fedsim.system.topology import Topology


def show_file(file: str, overrides: Sequence[str], out: str | None) -> None:
    """Print what a topology is like, or a scenario with every default in it, which is a scenario file, too.

    With ``out``, the topology, or the scenario's, is drawn there.

    Raises:
        FedsimError: if the file cannot be used.
    """
    if is_underlay(file):
        if overrides:
            raise FedsimError(f"{file}: is a topology; --set is for scenarios")
        topology = read_underlay(Path(file), 0, standard_catalogue())
        _draw(topology, out)  # before anything is printed: what cannot be drawn is refused as a whole
        show(Console(), topology_report(topology))
    else:
        scenario = load(file, overrides)
        _draw(scenario.topology, out)
        typer.echo(resolved(scenario), nl=False)
    if out is not None:
        typer.echo(f"drawn in {out}", err=True)


def _draw(topology: Topology, out: str | None) -> None:
    if out is not None:
        from fedsim.report.topology_drawing import save_drawing  # noqa: PLC0415  # matplotlib is slow to import

        save_drawing(topology, out)
