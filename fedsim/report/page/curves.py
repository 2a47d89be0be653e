"""The curves of several seeds as one line with its range, over any of the things that learning costs."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from fedsim.report.page.figure import Line

MOST_POINTS: Final = 150
"""Of a line: with more evaluations, so many places spread evenly over the axis, each with what was known there."""

Array = npt.NDArray[np.float64]


def along(curve: pd.DataFrame, axis: str) -> Array:
    """What was spent at each evaluation: ``time_s``, ``round``, ``energy_j``, or ``bytes`` both ways."""
    if axis == "bytes":
        return np.asarray(curve["up_bytes"] + curve["down_bytes"], dtype=float)
    return curve[axis].to_numpy(float)


def band(curves: Sequence[pd.DataFrame], metric: str, axis: str, *, name: str, colour: int) -> Line:
    """The median over seeds, from their lowest to their highest. A run that is over keeps its last value.

    Places where a seed has no finite value are left out.
    """
    xs = [along(curve, axis) for curve in curves]
    places = np.unique(np.concatenate(xs))
    if len(places) > MOST_POINTS:
        places = np.linspace(places[0], places[-1], MOST_POINTS)
    values = np.full((len(curves), len(places)), np.nan)
    for row, curve, own in zip(values, curves, xs, strict=True):
        last = np.searchsorted(own, places, side="right") - 1
        row[last >= 0] = curve[metric].to_numpy(float)[last[last >= 0]]
    known = np.isfinite(values).all(axis=0)
    places, values = places[known], values[:, known]
    several = len(curves) > 1
    return Line(
        name=name,
        colour=colour,
        x=tuple(places.tolist()),
        y=tuple(np.median(values, axis=0).tolist()),
        low=tuple(values.min(axis=0).tolist()) if several else (),
        high=tuple(values.max(axis=0).tolist()) if several else (),
    )
