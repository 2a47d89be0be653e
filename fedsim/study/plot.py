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
from fedsim.study.goal import Goal
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
    goal: Goal
    end_s: float
    regression: bool

    @property
    def metric(self) -> str:
        """What the runs are judged by."""
        return self.goal.metric

    @property
    def main(self) -> str:
        """The metric of the solid lines."""
        return self.metric if self.metric != "worst_tenth" else "mean_accuracy"

    @property
    def styles(self) -> tuple[tuple[str, str], ...]:
        """What is drawn, and how: next to a share the worst tenth of devices, next to anything else nothing."""
        return ((self.main, "-"), ("worst_tenth", "--")) if self.goal.is_share else ((self.main, "-"),)

    @property
    def scale(self) -> float:
        """What values are multiplied by to be drawn: shares are drawn in per cent."""
        return 100.0 if self.goal.is_share else 1.0

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
    """Draw the metric against simulated time, and when the target was reached.

    A line is the median over seeds, its band all of them from the lowest to the highest; where the metric is a share
    of examples, a dashed line is the worst tenth of devices. A falling metric that is always positive has a
    logarithmic axis. An evaluation holds until the next. Without ``ax`` a figure of its own is made.
    """
    picture = _picture(what)
    axes = Figure(figsize=(8, 4.8), layout="constrained").add_subplot() if ax is None else ax
    clock = Clock.for_span(picture.end_s)
    handles = [_draw(axes, clock, picture, name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(picture.curves)]
    if picture.goal.target is not None:
        _draw_target(axes, picture.goal.target * picture.scale)
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
        return Picture(curves=curves, goal=what.goal, end_s=what.horizon_s, regression=what.regression)
    summary = what.summary
    return Picture(
        curves={summary.name: [what.curve]},
        goal=summary.goal,
        end_s=summary.simulated_s,
        regression=summary.regression,
    )


def _draw(axes: Axes, clock: Clock, picture: Picture, name: str, colour: str) -> Line2D:
    """One scenario: band, line, worst tenth, and a mark where the target was reached. Returns its legend entry."""
    curves = picture.curves[name]
    for metric, style in picture.styles:
        times_s, values = steps(curves, metric, picture.end_s)
        known = ~np.isnan(values).any(axis=0)
        times, values = times_s[known] / clock.seconds, values[:, known] * picture.scale
        width, alpha = (1.8, 1.0) if style == "-" else (1.2, 0.75)
        axes.step(times, np.median(values, axis=0), style, where="post", color=colour, lw=width, alpha=alpha)
        if len(curves) > 1 and metric == picture.metric:
            low, high = values.min(axis=0), values.max(axis=0)
            axes.fill_between(times, low, high, step="post", color=colour, alpha=0.18, lw=0)
    reached = _times_to_target(picture, curves)
    typical_s = float(np.median(reached)) if reached else np.inf
    if typical_s <= picture.end_s and picture.goal.target is not None:
        _mark(axes, typical_s / clock.seconds, picture.goal.target * picture.scale, colour)
    return Line2D([], [], color=colour, lw=1.8, label=_label(picture, name, reached, clock))


def _times_to_target(picture: Picture, curves: Sequence[pd.DataFrame]) -> list[float]:
    """When each curve reached the target, infinity where it never did; nothing where there is no target."""
    if picture.goal.target is None:
        return []
    reached = (picture.goal.time_s(curve) for curve in curves)
    return [np.inf if time_s is None else time_s for time_s in reached]


def _label(picture: Picture, name: str, reached: Sequence[float], clock: Clock) -> str:
    """``star: 90 % in 3.1 min (4 of 5 seeds)``, where the time is the median over seeds."""
    if picture.goal.target is None:
        return name
    goal, count = f"{name}: {_level(picture)}", int(np.isfinite(reached).sum())
    typical_s = float(np.median(reached))
    some = f"{count} of {len(reached)} seeds"
    if count == 0:
        return f"{goal} not reached"
    if typical_s == np.inf:
        return f"{goal} only with {some}"
    return f"{goal} in {typical_s / clock.seconds:.3g} {clock.name}" + (f" ({some})" if count < len(reached) else "")


def _level(picture: Picture) -> str:
    target = picture.goal.target or 0.0
    return f"{target * 100:.3g} %" if picture.goal.is_share else f"{picture.metric} {target:.3g}"


def _mark(axes: Axes, time: float, level: float, colour: str) -> None:
    """A drop line to the axis of time, and a dot. On a logarithmic axis the line ends at the edge."""
    axes.plot([time, time], [0, level], color=colour, lw=0.8, ls=":", scaley=False)
    axes.plot([time], [level], "o", color=colour, ms=6, mec="white", mew=0.8, zorder=4)


def _draw_target(axes: Axes, level: float) -> None:
    axes.axhline(level, color=GREY, lw=0.8, zorder=1)
    where = ("axes fraction", "data")
    axes.annotate(
        "target",
        (1.01, level),
        xycoords=where,
        va="center",
        fontsize="small",
        color=GREY,
        annotation_clip=False,
    )


def _dress(axes: Axes, clock: Clock, picture: Picture, handles: Sequence[Line2D]) -> None:
    axes.set_xlim(0, 1.02 * picture.end_s / clock.seconds or 1)
    axes.set_xlabel(f"simulated time ({clock.name})")
    _scale_quality(axes, picture)
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


def _scale_quality(axes: Axes, picture: Picture) -> None:
    if picture.goal.is_share:
        axes.set_ylim(0, 100)
        axes.set_ylabel("test $R^2$ (%)" if picture.regression else "test accuracy (%)")
    else:
        axes.set_ylabel(picture.metric.replace("_", " "))
        values = np.concatenate([curve[picture.metric] for curves in picture.curves.values() for curve in curves])
        if picture.goal.falls and (values > 0).all():
            axes.set_yscale("log")
            return
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _columns(handles: Sequence[Line2D]) -> int:
    return 1 if len(handles) <= 4 else 2


def _reading(picture: Picture) -> str:
    """How to read the picture."""
    parts = [f"line: {_TEXT.get(picture.main, picture.main)}"]
    parts += [f"dashed: {_TEXT['worst_tenth']}"] if picture.goal.is_share else []
    if picture.seeds > 1:
        parts += [f"median and range of {picture.seeds} seeds"]
    return "   ·   ".join(parts)
