"""The curves of several seeds as one line with its range, with as many points as can be seen."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from fedsim.report.page.figure import Line
from fedsim.study.axis import Axis
from fedsim.study.bands import band_table

MOST_POINTS: Final = 150
"""Of a line: with more, as many places spread evenly over the axis, each with what was known there."""


def band(curves: Sequence[pd.DataFrame], metric: str, along: Axis, end: float) -> pd.DataFrame:
    """``fedsim.study.bands`` up to ``end``, thinned, without places where a seed has no finite value."""
    whole = band_table(curves, metric, along, end)
    known = np.isfinite(whole[["median", "low", "high"]].to_numpy(float)).all(axis=1)
    table: pd.DataFrame = whole.loc[known, :]
    if len(table) <= MOST_POINTS:
        return table
    at = table[along.name].to_numpy(float)
    places = np.linspace(at[0], at[-1], MOST_POINTS)
    thin: pd.DataFrame = table.iloc[np.searchsorted(at, places, side="right") - 1].copy()
    thin[along.name] = places
    return thin


def line(table: pd.DataFrame, *, name: str, colour: int, several: bool) -> Line:
    """The line of a band, with its range where there are several seeds."""
    x, median, low, high = (tuple(table[column].tolist()) for column in table.columns)
    return Line(name=name, colour=colour, x=x, y=median, low=low if several else (), high=high if several else ())
