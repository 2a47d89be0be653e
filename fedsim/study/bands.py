"""The curves of several seeds as one line and a band around it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fedsim.study.axis import TIME, Array, Axis, axis
from fedsim.study.result import Result


def bands(results: Sequence[Result], metric: str, over: str = "time") -> pd.DataFrame:
    """The median of a metric over the runs of a scenario, and the lowest and the highest of them.

    A row for each place on the axis at which any of them changes: ``time`` (s), ``energy`` (J), ``bytes`` or
    ``rounds``, after the axis' name, then ``median``, ``low`` and ``high``. An evaluation holds until the next. There
    are rows as long as all runs go on, so that every row is of every seed: where they end at different rounds or
    joules, until the first of them ends. A place at which a value is NaN, as of a learner that diverged, is NaN.

    Raises:
        FedsimError: if there is no such axis.
        ValueError: without runs.
        KeyError: if a curve has no such metric.
    """
    if not results:
        raise ValueError("bands are of one run or more, got none")
    along = axis(over)
    curves = [result.curve for result in results]
    return band_table(curves, metric, along, common_end(curves, along))


def bands_of(results: Mapping[str, Sequence[Result]], metric: str, over: str = "time") -> pd.DataFrame:
    """The ``bands`` of several scenarios below each other, with a column ``scenario`` before the others."""
    tables = [bands(own, metric, over).assign(scenario=name) for name, own in results.items()]
    return pd.concat([table[["scenario", *table.columns[:-1]]] for table in tables], ignore_index=True)


def band_table(curves: Sequence[pd.DataFrame], metric: str, along: Axis, end: float) -> pd.DataFrame:
    """The rows of ``bands`` up to ``end``, in which each curve holds its last value however far it went."""
    places, values = steps(curves, metric, end, along)
    rows = {"median": np.median(values, axis=0), "low": values.min(axis=0), "high": values.max(axis=0)}
    return pd.DataFrame({along.name: places, **rows})


def common_end(curves: Sequence[pd.DataFrame], along: Axis) -> float:
    """How far the shortest of the curves goes."""
    return float(min(along.of(curve)[-1] for curve in curves))


def steps(curves: Sequence[pd.DataFrame], metric: str, end: float, along: Axis = TIME) -> tuple[Array, Array]:
    """Places (t,) at which any curve changes, up to ``end``, and every curve's value from then on: (curves, t).

    Before its first evaluation a curve is NaN. Of several evaluations at one place the last counts.
    """
    at = [along.of(curve) for curve in curves]
    changes = np.concatenate(at)
    places = np.unique(np.append(changes[changes <= end], end))
    values = np.full((len(curves), len(places)), np.nan)
    for row, its, curve in zip(values, at, curves, strict=True):
        last = np.searchsorted(its, places, side="right") - 1
        row[last >= 0] = curve[metric].to_numpy(float)[last[last >= 0]]
    return places, values
