"""What single changes gain, on disk."""

from pathlib import Path
from typing import Any

from fedsim.study.folder import origin, versions, write_json, write_run
from fedsim.study.gains import WhatIf
from fedsim.study.staging import save


def write_whatif(found: WhatIf, out: str | Path | None = None) -> Path:
    """Write a folder, ``out`` or else ``runs/whatif-<name>``, and return where it is.

    ``table.csv``, ``runs.csv``, ``summary.json``, ``gains.png``, and below ``runs/`` the folder of every single run.

    Raises:
        FedsimError: if the folder cannot be written.
    """
    return save(lambda folder: _fill(found, folder), name=f"whatif-{found.name}", out=out)


def summary(found: WhatIf) -> dict[str, Any]:
    """As plain values, for JSON; what one seed cannot tell is null."""
    return {
        **origin("whatif"),
        "name": found.name,
        "seeds": list(found.seeds),
        "metric": found.goal.metric,
        "target": found.goal.target,
        "falls": found.goal.falls,
        "rounds": found.rounds,
        "horizon_s": found.horizon_s,
        "by": found.by,
        "table": found.table().to_dict("records"),
        "refused": dict(found.refused),
        "versions": versions(),
    }


def _fill(found: WhatIf, folder: Path) -> None:
    found.table().to_csv(folder / "table.csv", index=False)
    found.runs().to_csv(folder / "runs.csv", index=False)
    write_json(summary(found), folder / "summary.json")
    _draw(found, folder / "gains.png")
    for name, results in found.results.items():
        for result in results:
            inside = folder / "runs" / f"{name}-seed-{result.seed}"
            inside.mkdir(parents=True)
            write_run(result, inside)


def _draw(found: WhatIf, path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  # slow, and only pictures need it

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    found.plot(figure.add_subplot())
    figure.savefig(path, dpi=150)
