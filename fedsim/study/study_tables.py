"""What is made of all runs of a study together: tables, a summary, and pictures."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from fedsim.study.folder import as_json, origin, versions
from fedsim.study.plan import Plan
from fedsim.study.study import Study, read_study
from fedsim.study.study_folder import SUMMARY, StudyFolder
from fedsim.study.study_point import Failed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CURVES: Final = 7
"""Curves in a picture that can still be told apart: as many as there are colours."""


def write_tables(folder: StudyFolder, plan: Plan, failed: Sequence[Failed]) -> Study:
    """Write what the finished runs of a study came to, and say so; equal runs give equal bytes.

    ``runs.csv`` and ``runs.parquet`` (a row for each run), ``table.csv`` (for each point), ``differences.csv`` and
    ``verdicts.csv`` (each point against the first, seed by seed), ``summary.json``, ``quality.png`` and ``points.png``.
    """
    scenarios = {point.label: point.scenario for point in plan.points}
    read = read_study(folder.place)
    study = replace(read, failed=tuple(failed), complete=not failed, scenarios=scenarios)
    runs, table = study.runs(), study.table()
    if not runs.empty:
        folder.write("runs.csv", runs.to_csv(index=False))
        folder.write("runs.parquet", _parquet(runs))
        folder.write("table.csv", table.to_csv(index=False))
        _write_differences(folder, study)
        if study.learned:
            _write_pictures(folder, study)
    folder.write(SUMMARY, as_json(summary(study)))
    return study


def _write_differences(folder: StudyFolder, study: Study) -> None:
    """What differs from the first point, over the seeds that all have, if there are any."""
    shared = set(study.seeds).intersection(*(study.seeds_of(label) for label in study.labels))
    if shared and len(study.labels) > 1:
        comparison = study.comparison()
        folder.write("differences.csv", comparison.differences().to_csv(index=False))
        folder.write("verdicts.csv", comparison.verdicts().to_csv(index=False))


def summary(study: Study) -> dict[str, Any]:
    """A study in plain values."""
    return {
        **origin("sweep"),
        "name": study.name,
        "question": study.question,
        "shows": study.shows,
        "complete": study.complete,
        "scenarios": list(study.labels),
        "seeds": list(study.seeds),
        "metric": study.goal.metric,
        "target": study.goal.target,
        "falls": study.goal.falls,
        "horizon_s": study.horizon_s,
        "best": study.best() if study.labels and not study.table().empty else None,
        "table": study.table().to_dict("records"),
        "failed": [asdict(one) for one in study.failed],
        "computed_by": study.computed_by,
        "versions": versions(),
    }


def _write_pictures(folder: StudyFolder, study: Study) -> None:
    from fedsim.study.plot import plot_quality  # noqa: PLC0415  # matplotlib is slow to import

    curves = study.curves(MOST_CURVES)
    folder.write("quality.png", _picture(lambda axes: plot_quality(curves, axes)))
    if not study.points.columns.empty and study.goal.target is not None:
        folder.write("points.png", _picture(lambda axes: study.plot(ax=axes)))


def _picture(draw: Callable[["Axes"], object]) -> bytes:
    from matplotlib.figure import Figure  # noqa: PLC0415  # the same

    figure, stream = Figure(figsize=(8, 4.8), layout="constrained"), BytesIO()
    draw(figure.add_subplot())
    figure.savefig(stream, format="png", dpi=150)
    return stream.getvalue()


def _parquet(frame: pd.DataFrame) -> bytes:
    """A table as Parquet, without pandas' own metadata; a column of this and that is one of texts."""
    mixed = [name for name in frame.columns if len({type(value) for value in frame[name]}) > 1]
    texts = frame.assign(**{name: frame[name].map(str) for name in mixed if frame[name].dtype == object})
    stream = BytesIO()
    parquet.write_table(pa.Table.from_pandas(texts, preserve_index=False).replace_schema_metadata(None), stream)
    return stream.getvalue()
