"""A study as a picture: a figure of merit against what varies."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.study.axis_values import AxisValues, axis_values
from fedsim.study.labels import short_keys
from fedsim.study.plot import COLOURS, GREY

if TYPE_CHECKING:
    from fedsim.study.study import Study

_WIDE: Final = 30.0
"""Numbers whose largest is so many times the smallest stand on a logarithmic axis."""

_SUFFIXES: Final[Mapping[str, str]] = {"_s": "s", "_j": "J", "_bytes": "bytes"}


def plot_study(
    study: "Study",
    x: str | None = None,
    y: str | None = None,
    *,
    measure: str = "time_to_target_s",
    ax: Axes | None = None,
) -> Axes:
    """Draw a measure against a key that varies, by default the first of numbers; with ``y`` as a map over two keys.

    Against one key a mark is the median over seeds and its bar goes from the lowest to the highest; a run that did not
    reach the target is farther than any: a hollow mark says that there was one, and where half of them or more did not
    there is none. What varies besides has a line of its own for each of its values. In a map a cell is the median over
    the seeds of the best point with its two values.

    Raises:
        FedsimError: nothing varies by this name, there is no such measure, or no run has finished.
    """
    keys = [str(key) for key in study.points.columns]
    for key in (x, y):
        if key is not None and key not in keys:
            raise FedsimError(problems.unknown(key, "key that varies", keys))
    if not keys:
        raise FedsimError(f"{study.folder}: nothing varies in this study")
    runs = study.runs()
    if runs.empty:
        raise FedsimError(f"{study.folder}: no run has finished")
    known = [str(name) for name in runs.columns if name not in {"point", "seed", "stopped_because", *keys}]
    if measure not in known:
        raise FedsimError(problems.unknown(measure, "measure", known))
    axes = Figure(figsize=(8, 4.8), layout="constrained").add_subplot() if ax is None else ax
    across = x or _first_axis(runs, [key for key in keys if key != y])
    if y is None:
        _draw_lines(axes, runs, across, [key for key in keys if key != across], measure)
    else:
        _draw_map(axes, runs, (across, y), measure, rises=study.rises(measure))
    return axes


def _first_axis(runs: pd.DataFrame, keys: Sequence[str]) -> str:
    """The first key with numbers for values, or else the first one."""
    return next((key for key in keys if axis_values(list(runs[key])).is_numeric), keys[0])


def _draw_lines(axes: Axes, runs: pd.DataFrame, x: str, others: Sequence[str], measure: str) -> None:
    places = axis_values(list(runs[x]))
    placed = runs.assign(_at=places.at, _value=_filled(runs[measure], measure))
    groups = placed.groupby(list(others), sort=False, dropna=False) if others else [((), placed)]
    for i, (values, group) in enumerate(groups):
        colour = COLOURS[i % len(COLOURS)]
        _draw_line(axes, group, colour, _series(others, values))
    _dress_x(axes, x, places)
    axes.set_ylabel(_measure_text(measure))
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    seeds = runs["seed"].nunique()
    text = f"median and range of {seeds} seeds   ·   hollow: not every seed reached the target" if seeds > 1 else ""
    axes.set_title(text, loc="left", fontsize="small", color=GREY)
    if others:
        axes.legend(frameon=False, fontsize="small", ncols=1 + (runs["point"].nunique() > 12))


def _draw_line(axes: Axes, group: pd.DataFrame, colour: str, label: str) -> None:
    """One line through the medians; where half of the runs or more are infinitely far there is no mark."""
    at, medians, lows, highs, whole = [], [], [], [], []
    for place, values in group.groupby("_at")["_value"]:
        finite, median = values[np.isfinite(values)], float(values.median())
        if not math.isfinite(median):
            continue
        at.append(float(str(place)))
        medians.append(median)
        lows.append(median - float(finite.min()))
        highs.append(max(0.0, float(finite.max()) - median))
        whole.append(len(finite) == len(values))
    axes.errorbar(at, medians, yerr=[lows, highs], color=colour, lw=1.2, capsize=3, elinewidth=0.9)
    faces = [colour if one else "white" for one in whole]
    axes.scatter(at, medians, c=faces, edgecolors=colour, s=36, zorder=3, label=label)


def _draw_map(axes: Axes, runs: pd.DataFrame, keys: tuple[str, str], measure: str, *, rises: bool) -> None:
    x, y = keys
    columns, rows = (axis_values(list(runs[key])) for key in keys)
    placed = runs.assign(_x=columns.at, _y=rows.at, _value=_filled(runs[measure], measure))
    medians = placed.groupby(["_x", "_y", "point"])["_value"].median().groupby(["_x", "_y"])
    best = (medians.max() if rises else medians.min()).reset_index()
    table = best.pivot_table(index="_y", columns="_x", values="_value")
    image = axes.imshow(
        table.replace(math.inf, math.nan).to_numpy(float), origin="lower", aspect="auto", cmap="viridis_r"
    )
    axes.figure.colorbar(image, ax=axes, label=_measure_text(measure))
    axes.set_xticks(range(len(table.columns)), _ticks(columns))
    axes.set_yticks(range(len(table.index)), _ticks(rows))
    axes.set_xlabel(_key_text(x, columns))
    axes.set_ylabel(_key_text(y, rows))
    for (i, j), value in np.ndenumerate(table.to_numpy(float)):
        text = "never" if math.isinf(value) else "" if math.isnan(value) else f"{value:.3g}"
        axes.annotate(
            text, (j, i), ha="center", va="center", fontsize="small", bbox={"fc": "white", "alpha": 0.7, "lw": 0}
        )


def _filled(values: "pd.Series[Any]", measure: str) -> "pd.Series[float]":
    """A run without a figure to the target is farther than any other."""
    numbers = values.astype(float)
    return numbers.fillna(math.inf) if "_to_target" in measure else numbers


def _series(keys: Sequence[str], values: Any) -> str:
    listed = values if isinstance(values, tuple) else (values,)
    return ", ".join(f"{key} {value}" for key, value in zip(short_keys(keys), listed, strict=True))


def _dress_x(axes: Axes, key: str, places: AxisValues) -> None:
    axes.set_xlabel(_key_text(key, places))
    if not places.is_numeric:
        axes.set_xticks(range(len(places.names)), places.names)
    elif min(places.at) > 0 and max(places.at) >= _WIDE * min(places.at):
        axes.update_datalim([(at, 0.0) for at in places.at], updatey=False)  # where no point has a mark, too
        axes.set_xscale("log")
        axes.autoscale_view()


def _ticks(places: AxisValues) -> list[str]:
    """What stands at each row or column of a map."""
    return [f"{place:.4g}" for place in sorted(set(places.at))] if places.is_numeric else list(places.names)


def _key_text(key: str, places: AxisValues) -> str:
    return f"{key} ({places.unit})" if places.unit else key


def _measure_text(measure: str) -> str:
    suffix = next((one for one in _SUFFIXES if measure.endswith(one)), "")
    name = measure.removesuffix(suffix).replace("_", " ") if suffix else measure.replace("_", " ")
    return f"{name} ({_SUFFIXES[suffix]})" if suffix else name
