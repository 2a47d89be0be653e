"""The commands and their options. What they do is imported when it is asked for: it is slow to import."""

from typing import Annotated

import typer

from fedsim.cli.guard import guard
from fedsim.errors import FedsimError
from fedsim.version import __version__

app = typer.Typer(
    name="fedsim",
    help="How long, in seconds, joules and bytes, until these devices have learned? Real learning, simulated time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY.PATH=VALUE", help="Change one key, such as fleet.low-3g.count=20. May be repeated."
    ),
]
Out = Annotated[str | None, typer.Option("--out", metavar="DIR", help="A new folder for the results.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but where the results are.")]
ScenarioFile = Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario file.")]
Listed = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        help="learners, protocols, models, data, datasets, partitions, relations, regularisers, affinities, losses, "
        "efforts, optimisers, decays, selections, stalenesses, codecs, overlays, mixing, devices, transports, "
        "congestions, links, radios, fading, speeds, laws, availabilities, generators or topologies.",
    ),
]


@app.command()
def run(
    scenario: ScenarioFile,
    *,
    seed: Annotated[int | None, typer.Option(metavar="N", help="In place of the scenario's own.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="So many runs, with seeds from that one on.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes for many runs. By default one per core.")
    ] = None,
    set_: Set = None,
    out: Out = None,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary and the folder as one JSON object.")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where this machine's time went, and write profile.json.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only how long it takes, and how much energy: nothing is learned.")
    ] = False,
) -> None:
    """Run a scenario, once or with many seeds.

    Print what it took, and write a folder of results: runs/NAME (runs/NAME-seeds), or the next that is free.
    """
    with guard():
        from fedsim.cli.run import Wishes, run_scenario  # noqa: PLC0415  # see above

        wishes = Wishes(
            seed=seed,
            seeds=seeds,
            workers=workers,
            overrides=tuple(set_ or ()),
            out=out,
            quiet=quiet,
            json=json,
            profile=profile,
            dry=dry_run,
        )
        run_scenario(scenario, wishes)


@app.command()
def compare(
    scenarios: Annotated[
        list[str],
        typer.Argument(
            metavar="SCENARIO",
            help="Scenario files, or folders of runs that are finished. The others are compared with the first.",
        ),
    ],
    *,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="How many seeds, from the first scenario's own on. By default 5."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="mean_accuracy (by default), worst_tenth or bottom_decile (of devices), accuracy (of all test "
            "examples), or a measure of all their learners, such as objective; of finished runs by default their own.",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Such as '85 %'. By default the first scenario's.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes. By default one per core.")] = None,
    set_: Set = None,
    out: Out = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="How to print the tables: text, markdown, latex or csv.")
    ] = "text",
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print nothing but the summary, as JSON.")] = False,
) -> None:
    """Run scenarios with the same luck, or compare finished runs.

    Every run goes on, past its target and its other bounds, to the smallest stop.time among the scenarios, so
    that quality is compared at equal time. Results go to runs/compare-NAMES, or the next that is free. Of finished
    runs, which must have the same seeds and the same stop.time, a folder is written only where --out names one.
    """
    with guard():
        from fedsim.cli.compare import Wishes, compare_all  # noqa: PLC0415  # see above

        wishes = Wishes(
            seeds=seeds,
            metric=metric,
            target=target,
            workers=workers,
            overrides=tuple(set_ or ()),
            out=out,
            format=format_,
            quiet=quiet,
            json=json,
        )
        compare_all(scenarios, wishes)


@app.command()
def sweep(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study file: scenarios, what varies, seeds.")],
    *,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="The study's folder. By default runs/NAME.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes. By default one per core.")] = None,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, whose workers run in place of processes.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would run.")] = False,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print nothing but the summary, as JSON.")] = False,
) -> None:
    """Run a study: scenarios, what varies in them, several seeds.

    Every run is written as it is finished. Stopped at any moment, the same command does the rest; runs that failed
    are tried again.
    """
    with guard():
        from fedsim.cli.sweep import Wishes, sweep_study  # noqa: PLC0415  # see above

        wishes = Wishes(out=out, workers=workers, cluster=cluster, plan=plan, quiet=quiet, json=json)
        sweep_study(study, wishes)


@app.command()
def whatif(
    scenario: Annotated[str | None, typer.Argument(metavar="SCENARIO", help="A scenario file.")] = None,
    *,
    list_: Annotated[bool, typer.Option("--list", help="Print the changes that there are, and nothing else.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CHANGE", help="Try this one. May be repeated. By default all.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="WHAT", help="Rank by time, energy or bytes to the target.")] = "time",
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many seeds, from the scenario's own on.")] = 3,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes. By default one per core.")] = None,
    set_: Set = None,
    out: Out = None,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, for scripts.")] = False,
) -> None:
    """Try single changes of a scenario, and rank them by gain.

    Runs it as it is and with each change by itself, with the same luck, to the target. Results go to
    runs/whatif-NAME, or the next that is free.
    """
    with guard():
        from fedsim.cli.whatif import Wishes, list_changes, try_changes  # noqa: PLC0415  # see above

        if list_:
            list_changes()
            return
        if scenario is None:
            raise FedsimError("name a scenario, or ask for --list")
        wishes = Wishes(
            seeds=seeds,
            only=tuple(only or ()),
            by=by,
            workers=workers,
            overrides=tuple(set_ or ()),
            out=out,
            quiet=quiet,
            json=json,
        )
        try_changes(scenario, wishes)


@app.command()
def show(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A scenario, or a topology: YAML, GraphML, GML, node-link JSON, SNDlib XML, CSV, or a folder of CSV.",
        ),
    ],
    *,
    set_: Set = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="PICTURE", help="Draw the topology there, as .png or .svg.")
    ] = None,
    availability: Annotated[
        str | None,
        typer.Option(metavar="PICTURE", help="Draw there which share of the fleet is present over a day."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="PICTURE", help="Draw there how the data lie over the devices.")
    ] = None,
) -> None:
    """Print a scenario with every default, or describe a topology.

    What is printed of a scenario is a scenario file, too; comments below it say how its data lie over the devices.
    """
    with guard():
        from fedsim.cli.show import show_file  # noqa: PLC0415  # see above

        show_file(file, tuple(set_ or ()), topology_to=out, availability_to=availability, data_to=data)


@app.command()
def why(folder: Annotated[str, typer.Argument(metavar="RUN_FOLDER", help="What fedsim run wrote.")]) -> None:
    """Say what decided how long a run took.

    Print its critical path to the target, or else to its end: by phase, link, device, and part of a message.
    """
    with guard():
        from fedsim.cli.why import explain  # noqa: PLC0415  # see above

        explain(folder)


@app.command()
def life(
    folder: Annotated[str, typer.Argument(metavar="RUN_FOLDER", help="What fedsim run wrote.")],
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="One of those under 'lives' in the scenario.")],
    *,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE.png", help="By default DEVICE.png, here.")] = None,
) -> None:
    """Draw one device's life: its charge, states, work and power."""
    with guard():
        from fedsim.cli.life import draw_life  # noqa: PLC0415  # see above

        draw_life(folder, device, out)


@app.command()
def trace(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of a run.")],
    *,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="By default FOLDER/trace.json.")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Only what begins then or later, such as '10 min'.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Only what begins before.")] = None,
) -> None:
    """Write what every device and server did when, for Perfetto.

    Open it at ui.perfetto.dev. fedsim run writes it as well: trace.json, up to 100,000 events.
    """
    with guard():
        from fedsim.cli.trace import trace_run  # noqa: PLC0415  # see above

        trace_run(folder, out, from_, until)


@app.command()
def report(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Any folder of results that fedsim wrote.")],
    *,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="By default DIR/report.html.")] = None,
    pictures: Annotated[
        str | None,
        typer.Option(metavar="FORMAT", help="png or svg: draw every figure into DIR/pictures, too."),
    ] = None,
) -> None:
    """Make a page of results: one HTML file that works offline.

    The answer, tables, figures, reasons, and the resolved scenarios. An older report is replaced.
    """
    with guard():
        from fedsim.cli.report import make_report  # noqa: PLC0415  # see above

        make_report(folder, out, pictures)


@app.command()
def calibrate(
    measurements: Annotated[
        str,
        typer.Argument(
            metavar="MEASUREMENTS.csv",
            help="Columns flops (of one example, forward and backward), batch (examples), steps, seconds.",
        ),
    ],
) -> None:
    """Fit a device's speed and overhead to measured times.

    Print the fit, its error, and the lines of a scenario that it makes.
    """
    with guard():
        from fedsim.cli.calibrate import calibrate_from  # noqa: PLC0415  # see above

        calibrate_from(measurements)


@app.command("list")
def list_(what: Listed) -> None:
    """List what a scenario may name.

    With parameters and their defaults, or numbers and their sources.
    """
    with guard():
        from fedsim.cli.listing import list_names  # noqa: PLC0415  # see above

        list_names(what)


@app.command()
def schema(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="scenario, study or topology.")] = "scenario",
) -> None:
    """Print the JSON Schema of a file, so that editors complete it.

    Save it, and begin a scenario with "# yaml-language-server: $schema=fedsim.schema.json".
    """
    with guard():
        from fedsim.cli.schema import print_schema  # noqa: PLC0415  # see above

        print_schema(what)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the flag's value
    if wanted:
        typer.echo(f"fedsim {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options of the program itself."""


def main() -> None:
    """Run the command line; its exit code is the process's."""
    app()
