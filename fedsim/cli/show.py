"""``fedsim show``."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation
from fedsim.report.data_summary import data_facts
from fedsim.report.grid import show
from fedsim.report.overlay_summary import OverlayView, overlay_facts
from fedsim.report.overlay_view import overlay_view
from fedsim.report.topology_summary import topology_report
from fedsim.scenario import Scenario, load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.learning import learning_problem
from fedsim.scenario.underlay import is_underlay, read_underlay
from fedsim.study.blame import blaming
from fedsim.study.presence import presence_table
from fedsim.system.topology import Topology


def show_file(
    file: str,
    overrides: Sequence[str],
    *,
    topology_to: str | None = None,
    availability_to: str | None = None,
    data_to: str | None = None,
) -> None:
    """Print what a topology is like, or a scenario with every default in it, which is a scenario file, too.

    Below the scenario stands, as comments, how its data lie over the devices, and what its overlay is like.

    topology_to: a file for a drawing of the topology, or of the scenario's with its overlay over it.
    availability_to: a file for a picture of which share of a scenario's fleet is there over a day.
    data_to: a file for a picture of how a scenario's data lie over its devices.

    Raises:
        FedsimError: if the file cannot be used, or a picture cannot be written.
    """
    if is_underlay(file):
        if overrides:
            raise FedsimError(f"{file}: is a topology; --set is for scenarios")
        if availability_to is not None:
            raise FedsimError(f"{file}: is a topology; --availability is for scenarios")
        if data_to is not None:
            raise FedsimError(f"{file}: is a topology; --data is for scenarios")
        topology = read_underlay(Path(file), 0, standard_catalogue())
        _draw(topology, topology_to)  # before anything is printed: what cannot be drawn is refused as a whole
        show(Console(), topology_report(topology))
    else:
        scenario = load(file, overrides)
        _draw_presence(scenario, availability_to)
        comments = _data_comments(scenario, data_to)
        with blaming(scenario.origin):
            view = overlay_view(scenario)
            comments += _overlay_comments(view)
        _draw(scenario.topology, topology_to, view)
        typer.echo(resolved(scenario), nl=False)
        for comment in comments:
            typer.echo(f"# {comment}")
    for path in (availability_to, data_to, topology_to):
        if path is not None:
            typer.echo(f"drawn in {path}", err=True)


def _draw(topology: Topology, to: str | None, view: OverlayView | None = None) -> None:
    if to is not None:
        from fedsim.report.topology_drawing import drawn_overlay, save_drawing  # noqa: PLC0415  # matplotlib is slow to import

        save_drawing(topology, to, None if view is None else drawn_overlay(view.peers, view.graph))


def _draw_presence(scenario: Scenario, to: str | None) -> None:
    if to is None:
        return
    from fedsim.study.plot_presence import write_presence  # noqa: PLC0415  # matplotlib is slow to import

    path = Path(to)
    if path.exists():
        raise FedsimError(f"{path} is there already: nothing is written over")
    try:
        write_presence(presence_table(scenario), path)
    except (OSError, ValueError) as error:
        raise FedsimError(f"{path} cannot be written: {error}") from None


def _overlay_comments(view: OverlayView | None) -> list[str]:
    """What the overlay is like, where there is one."""
    if view is None:
        return []
    rows = list(overlay_facts(view))
    width = max(len(name) for name, _ in rows)
    return ["overlay:", *(f"  {name:<{width}}  {text}" for name, text in rows)]


def _data_comments(scenario: Scenario, to: str | None) -> list[str]:
    """How the data lie over the devices; and why not, where they cannot be had and no picture is asked for."""
    try:
        problem = learning_problem(scenario, Simulation(seed=scenario.seed))
    except FedsimError as error:
        if to is not None:
            raise
        return ["data: cannot be shown", *(f"  {line}" for line in str(error).splitlines())]
    if to is not None:
        from fedsim.report.data_drawing import save_data_drawing  # noqa: PLC0415  # matplotlib is slow to import

        save_data_drawing(problem, to)
    rows = list(data_facts(problem))
    width = max(len(name) for name, _ in rows)
    return [f"data: {problem.name}", *(f"  {name:<{width}}  {text}" for name, text in rows)]
