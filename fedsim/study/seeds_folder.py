"""The runs of many seeds on disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fedsim.errors import FedsimError
from fedsim.scenario import fingerprint
from fedsim.study.folder import origin, versions, write_json, write_picture, write_run
from fedsim.study.reading import read_result, read_summary
from fedsim.study.seeds import Seeds
from fedsim.study.staging import save


def write_seeds(seeds: Seeds, out: str | Path | None = None, *, besides: Callable[[Path], None] | None = None) -> Path:
    """Write the folder of many seeds, ``out`` or else ``runs/<name>-seeds``, and return where it is.

    ``table.csv`` (every figure over the seeds), ``runs.csv`` (a row for each seed), ``summary.json``, ``quality.png``
    with a band if anything was learned, and below ``runs/`` the folder of every single run. ``besides`` may put more
    into the folder.

    Raises:
        FedsimError: if the folder cannot be written.
    """

    def fill(folder: Path) -> None:
        _write(seeds, folder)
        if besides is not None:
            besides(folder)

    return save(fill, name=f"{seeds.name}-seeds", out=out)


def read_seeds(folder: str | Path) -> Seeds:
    """The runs in a folder of many seeds.

    Raises:
        FedsimError: it is none, a piece of it is missing or damaged, or a later fedsim wrote it.
    """
    words = read_summary(folder)
    if words["kind"] != "seeds":
        raise FedsimError(f"{folder}: holds a {words['kind']}, not runs of many seeds")
    try:
        names = [f"{words['name']}-seed-{int(seed)}" for seed in words["seeds"]]
    except (KeyError, TypeError, ValueError) as error:
        raise FedsimError(f"{Path(folder) / 'summary.json'}: is not what fedsim writes: {error!r}") from None
    return Seeds(results=tuple(read_result(Path(folder) / "runs" / name) for name in names))


def summary_of(seeds: Seeds) -> dict[str, Any]:
    """What is written into ``summary.json``."""
    return {
        **origin("seeds"),
        "name": seeds.name,
        "seeds": list(seeds.seeds),
        "metric": seeds.goal.metric,
        "target": seeds.goal.target,
        "falls": seeds.goal.falls,
        "reached": seeds.reached,
        "table": seeds.table().to_dict("records"),
        "fingerprint": fingerprint(seeds.results[0].scenario),
        "versions": versions(),
    }


def _write(seeds: Seeds, folder: Path) -> None:
    seeds.table().to_csv(folder / "table.csv", index=False)
    seeds.runs().to_csv(folder / "runs.csv", index=False)
    write_json(summary_of(seeds), folder / "summary.json")
    if seeds.learned:
        write_picture(seeds, folder / "quality.png")
    for result in seeds.results:
        inside = folder / "runs" / f"{seeds.name}-seed-{result.seed}"
        inside.mkdir(parents=True)
        write_run(result, inside)
