"""A result on disk, readable without fedsim."""

import json
import math
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from fedsim.scenario import fingerprint, resolved
from fedsim.study.comparison import Comparison
from fedsim.study.result import Result
from fedsim.study.staging import save
from fedsim.version import __version__

FORMAT: Final = 1
"""Of the folders that this fedsim writes; counted up when an older one could no longer read them rightly."""

if TYPE_CHECKING:
    from fedsim.study.seeds import Seeds

_LIBRARIES: Final = ("numpy", "scipy", "simpy", "networkx", "scikit-learn", "pandas", "pyarrow")


def write(result: Result, out: str | Path | None = None, *, besides: Callable[[Path], None] | None = None) -> Path:
    """Write a run's folder, ``out`` or else ``runs/<name>``, and return where it is; see ``save``.

    ``scenario.yaml`` (resolved: all defaults in), ``summary.json``, ``metrics.parquet`` (the curve),
    ``events.parquet``, ``devices.parquet``, ``links.parquet`` (what crossed every link), ``quality.png``. The tables
    of the same scenario and seed are the same bytes every time. ``besides`` may put more into the folder.

    Raises:
        FedsimError: if the folder cannot be written.
    """

    def fill(folder: Path) -> None:
        write_run(result, folder)
        if besides is not None:
            besides(folder)

    return save(fill, name=result.scenario.name, out=out)


def write_comparison(
    comparison: Comparison, out: str | Path | None = None, *, besides: Callable[[Path], None] | None = None
) -> Path:
    """Write a comparison's folder, ``out`` or else ``runs/compare-<names>``, and return where it is.

    ``table.csv``, ``differences.csv``, ``verdicts.csv``, ``runs.csv``, ``summary.json``, ``quality.png`` if anything
    was learned, and below ``runs/`` the folder of every single run; and what ``besides`` writes into it.

    Raises:
        FedsimError: if the folder cannot be written.
    """

    def fill(folder: Path) -> None:
        _write_comparison(comparison, folder)
        if besides is not None:
            besides(folder)

    return save(fill, name="-".join(["compare", *comparison.names])[:100], out=out)


def write_run(result: Result, folder: Path) -> None:
    """Write the files of one run into a folder that is there."""
    scenario = result.scenario.model_copy(update={"seed": result.seed})
    (folder / "scenario.yaml").write_text(resolved(scenario), encoding="utf-8")
    told = {**origin("run"), **result.summary.as_dict(), "fingerprint": fingerprint(scenario), "versions": versions()}
    write_json(told, folder / "summary.json")
    write_table(result.curve, folder / "metrics.parquet")
    write_table(result.events, folder / "events.parquet")
    write_table(result.devices, folder / "devices.parquet")
    write_table(result.links, folder / "links.parquet")
    if result.summary.learned:
        write_picture(result, folder / "quality.png")


def _write_comparison(comparison: Comparison, folder: Path) -> None:
    comparison.table().to_csv(folder / "table.csv", index=False)
    comparison.differences().to_csv(folder / "differences.csv", index=False)
    comparison.verdicts().to_csv(folder / "verdicts.csv", index=False)
    comparison.runs().to_csv(folder / "runs.csv", index=False)
    write_json(comparison_summary(comparison), folder / "summary.json")
    if comparison.learned:
        write_picture(comparison, folder / "quality.png")
    for name, results in comparison.results.items():
        for result in results:
            inside = folder / "runs" / f"{name}-seed-{result.seed}"
            inside.mkdir(parents=True)
            write_run(result, inside)


def comparison_summary(comparison: Comparison) -> dict[str, Any]:
    """What is written into ``summary.json``."""
    return {
        **origin("comparison"),
        "scenarios": list(comparison.names),
        "seeds": list(comparison.seeds),
        "metric": comparison.metric,
        "target": comparison.target,
        "falls": comparison.goal.falls,
        "horizon_s": comparison.horizon_s,
        "table": comparison.table().to_dict("records"),
        "differences": comparison.differences().to_dict("records"),
        "verdicts": comparison.verdicts().to_dict("records"),
        "notes": list(comparison.notes),
        "versions": versions(),
    }


def origin(kind: str) -> dict[str, Any]:
    """How ``summary.json`` begins: the format of the folder, and what it holds."""
    return {"format": FORMAT, "kind": kind}


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as Parquet, without pandas' own metadata: these name its version, and nobody needs them."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    parquet.write_table(table.replace_schema_metadata(None), path)


def write_json(value: Mapping[str, Any], path: Path) -> None:
    """Write plain values as JSON."""
    path.write_text(as_json(value), encoding="utf-8")


def as_json(value: Mapping[str, Any]) -> str:
    """Plain values as the lines of a file; see ``json_text``."""
    return f"{json_text(value)}\n"


def json_text(value: Mapping[str, Any]) -> str:
    """Plain values as JSON. What is not finite becomes null: JSON has no word for it."""
    return json.dumps(_finite(value), indent=2, allow_nan=False, ensure_ascii=False)


def write_picture(what: "Result | Comparison | Seeds", path: Path) -> None:
    """Draw quality against time."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow, and only pictures need it: most processes draw none

    from fedsim.study.plot import plot_quality  # noqa: PLC0415  # the same

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    plot_quality(what, figure.add_subplot())
    figure.savefig(path, dpi=150)


def versions() -> dict[str, str]:
    """What computed this: fedsim, Python, and the libraries whose versions may matter."""
    return {"fedsim": __version__, "python": platform.python_version(), **{name: _version(name) for name in _LIBRARIES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
