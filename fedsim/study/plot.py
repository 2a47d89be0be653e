"""Quality against simulated time, as a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fedsim.study.comparison import Comparison
from fedsim.study.result import Result

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito, "Color universal design", 2008: told apart by colour-blind readers, too."""

GREY: Final = "#666666"
_TEXT: Final = {
    "accuracy": "all test examples",
    "mean_accuracy": "mean over devices",
    "worst_tenth": "worst tenth of devices",
    "bottom_decile": "bottom decile of devices",
}

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is drawn: for each scenario its curves, one for each seed, up to ``end_s``."""

    curves: Mapping[str, Sequence[pd.DataFrame]]
    metric: str
    target: float | None
    end_s: float

    @property
    def main(self) -> str:
        """The metric of the solid lines."""
        return self.metric if self.metric != "worst_tenth" else "mean_accuracy"

    @property
    def seeds(self) -> int:
        """Curves of each scenario."""
        return max(len(curves) for curves in self.curves.values())


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The unit of the time axis: the largest of which the axis holds three or more."""

    name: str
    seconds: float

    @classmethod
    def for_span(cls, span_s: float) -> "Clock":
        """The unit for an axis from 0 to ``span_s``."""
        units = (("days", 86400.0), ("h", 3600.0), ("min", 60.0))
        fitting = (cls(name=name, seconds=seconds) for name, seconds in units if span_s >= 3 * seconds)
        return next(fitting, cls(name="s", seconds=1.0))


def plot_quality(what: Result | Comparison, ax: Axes | None = None) -> Axes:
    """Draw test accuracy against simulated time, and when the target was reached.

    A line is the median over seeds, its band all of them from the lowest to the highest; a dashed line is the worst
    tenth of devices. An evaluation holds until the next. Without ``ax`` a figure of its own is made.
    """
    picture = _picture(what)
    axes = Figure(figsize=(8, 4.8), layout="constrained").add_subplot() if ax is None else ax
    clock = Clock.for_span(picture.end_s)
    handles = [_draw(axes, clock, picture, name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(picture.curves)]
    if picture.target is not None:
        _draw_target(axes, picture.target)
    _dress(axes, clock, picture, handles)
    return axes


def steps(curves: Sequence[pd.DataFrame], metric: str, end_s: float) -> tuple[Array, Array]:
    """Times (t,) at which any curve changes, up to ``end_s``, and every curve's value from then on: (curves, t).

    Before its first evaluation a curve is NaN.
    """
    changes = np.concatenate([curve["time_s"].to_numpy(float) for curve in curves])
    times_s = np.unique(np.append(changes[changes <= end_s], end_s))
    values = np.full((len(curves), len(times_s)), np.nan)
    for row, curve in zip(values, curves, strict=True):
        last = np.searchsorted(curve["time_s"].to_numpy(float), times_s, side="right") - 1
        row[last >= 0] = curve[metric].to_numpy(float)[last[last >= 0]]
    return times_s, values


def _picture(what: Result | Comparison) -> Picture:
    if isinstance(what, Comparison):
        curves = {name: [result.curve for result in results] for name, results in what.results.items()}
        return Picture(curves=curves, metric=what.metric, target=what.target, end_s=what.horizon_s)
    summary = what.summary
    return Picture(
        curves={summary.name: [what.curve]},
        metric=summary.metric,
        target=summary.target,
        end_s=summary.simulated_s,
    )


def _draw(axes: Axes, clock: Clock, picture: Picture, name: str, colour: str) -> Line2D:
    """One scenario: band, line, worst tenth, and a mark where the target was reached. Returns its legend entry."""
    curves = picture.curves[name]
    for metric, style in ((picture.main, "-"), ("worst_tenth", "--")):
        times_s, values = steps(curves, metric, picture.end_s)
        known = ~np.isnan(values).any(axis=0)
        times, values = times_s[known] / clock.seconds, values[:, known] * 100
        width, alpha = (1.8, 1.0) if style == "-" else (1.2, 0.75)
        axes.step(times, np.median(values, axis=0), style, where="post", color=colour, lw=width, alpha=alpha)
        if len(curves) > 1 and metric == picture.metric:
            low, high = values.min(axis=0), values.max(axis=0)
            axes.fill_between(times, low, high, step="post", color=colour, alpha=0.18, lw=0)
    reached = _times_to_target(picture, curves)
    typical_s = float(np.median(reached)) if reached else np.inf
    if typical_s <= picture.end_s and picture.target is not None:
        _mark(axes, typical_s / clock.seconds, picture.target * 100, colour)
    return Line2D([], [], color=colour, lw=1.8, label=_label(picture, name, reached, clock))


def _times_to_target(picture: Picture, curves: Sequence[pd.DataFrame]) -> list[float]:
    """When each curve reached the target, infinity where it never did; nothing where there is no target."""
    if picture.target is None:
        return []
    reached = (curve.loc[curve[picture.metric] >= picture.target, "time_s"] for curve in curves)
    return [float(times_s.iloc[0]) if len(times_s) else np.inf for times_s in reached]


def _label(picture: Picture, name: str, reached: Sequence[float], clock: Clock) -> str:
    """``star: 90 % in 3.1 min (4 of 5 seeds)``, where the time is the median over seeds."""
    if picture.target is None:
        return name
    goal, count = f"{name}: {picture.target * 100:.3g} %", int(np.isfinite(reached).sum())
    typical_s = float(np.median(reached))
    some = f"{count} of {len(reached)} seeds"
    if count == 0:
        return f"{goal} not reached"
    if typical_s == np.inf:
        return f"{goal} only with {some}"
    return f"{goal} in {typical_s / clock.seconds:.3g} {clock.name}" + (f" ({some})" if count < len(reached) else "")


def _mark(axes: Axes, time: float, percent: float, colour: str) -> None:
    axes.vlines(time, 0, percent, color=colour, lw=0.8, ls=":")
    axes.plot([time], [percent], "o", color=colour, ms=6, mec="white", mew=0.8, zorder=4)


def _draw_target(axes: Axes, target: float) -> None:
    axes.axhline(target * 100, color=GREY, lw=0.8, zorder=1)
    where = ("axes fraction", "data")
    axes.annotate(
        "target",
        (1.01, target * 100),
        xycoords=where,
        va="center",
        fontsize="small",
        color=GREY,
        annotation_clip=False,
    )


def _dress(axes: Axes, clock: Clock, picture: Picture, handles: Sequence[Line2D]) -> None:
    axes.set_xlim(0, 1.02 * picture.end_s / clock.seconds or 1)
    axes.set_ylim(0, 100)
    axes.set_xlabel(f"simulated time ({clock.name})")
    axes.set_ylabel("test accuracy (%)")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(_reading(picture), loc="left", fontsize="small", color=GREY)
    axes.legend(
        handles=handles,
        ncols=_columns(handles),
        loc="upper left",
        bbox_to_anchor=(0, -0.14),
        frameon=False,
        borderaxespad=0,
    )


def _columns(handles: Sequence[Line2D]) -> int:
    return 1 if len(handles) <= 4 else 2


def _reading(picture: Picture) -> str:
    """How to read the picture."""
    parts = [f"line: {_TEXT[picture.main]}", f"dashed: {_TEXT['worst_tenth']}"]
    if picture.seeds > 1:
        parts += [f"median and range of {picture.seeds} seeds"]
    return "   ·   ".join(parts)
