"""Quality against time, energy, bytes or rounds, as a picture."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fedsim.study.axis import axis
from fedsim.study.comparison import Comparison
from fedsim.study.picture import Picture
from fedsim.study.result import Result
from fedsim.study.seeds import Seeds

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito, "Color universal design", 2008: told apart by colour-blind readers, too."""

GREY: Final = "#666666"
_TEXT: Final = {
    "accuracy": "all test examples",
    "mean_accuracy": "mean over devices",
    "worst_tenth": "worst tenth of devices",
    "bottom_decile": "bottom decile of devices",
}


def plot_quality(what: Result | Comparison | Seeds, ax: Axes | None = None, *, over: str = "time") -> Axes:
    """Draw the metric against ``time``, ``energy``, ``bytes`` or ``rounds``, and where the target was reached.

    A line is the median over seeds, its band all of them from the lowest to the highest; where the metric is a share
    of examples, a dashed line is the worst tenth of devices. A falling metric that is always positive has a
    logarithmic axis. An evaluation holds until the next, and in time the last to the horizon, or to the end of the
    longest of a scenario's seeds; other lines end where the first of the seeds does. Without ``ax`` a figure of its
    own is made.

    Raises:
        FedsimError: if there is no such axis.
    """
    picture = Picture.of(what, axis(over))
    axes = Figure(figsize=(8, 4.8), layout="constrained").add_subplot() if ax is None else ax
    handles = [_draw(axes, picture, name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(picture.curves)]
    if picture.goal.target is not None:
        _draw_target(axes, picture.goal.target * picture.percent)
    _dress(axes, picture, handles)
    return axes


def _draw(axes: Axes, picture: Picture, name: str, colour: str) -> Line2D:
    """One scenario: band, line, worst tenth, and a mark where the target was reached. Returns its legend entry."""
    for metric, style in picture.styles:
        drawn = picture.bands(name, metric)
        width, alpha = (1.8, 1.0) if style == "-" else (1.2, 0.75)
        axes.step(drawn["place"], drawn["median"], style, where="post", color=colour, lw=width, alpha=alpha)
        if len(picture.curves[name]) > 1 and metric == picture.metric:
            axes.fill_between(drawn["place"], drawn["low"], drawn["high"], step="post", color=colour, alpha=0.18, lw=0)
    reached = picture.reached(name)
    typical = float(np.median(reached)) if reached else np.inf
    if typical <= picture.end and picture.goal.target is not None:
        _mark(axes, typical / picture.scale.size, picture.goal.target * picture.percent, colour)
    return Line2D([], [], color=colour, lw=1.8, label=_label(picture, name, reached))


def _label(picture: Picture, name: str, reached: Sequence[float]) -> str:
    """``star: 90 % in 3.1 min (4 of 5 seeds)``, where the time is the median over seeds."""
    if picture.goal.target is None:
        return name
    goal, count = f"{name}: {_level(picture)}", int(np.isfinite(reached).sum())
    typical = float(np.median(reached))
    some = f"{count} of {len(reached)} seeds"
    if count == 0:
        return f"{goal} not reached"
    if typical == np.inf:
        return f"{goal} only with {some}"
    return f"{goal} {picture.along.amount(typical, picture.scale)}" + (f" ({some})" if count < len(reached) else "")


def _level(picture: Picture) -> str:
    target = picture.goal.target or 0.0
    return f"{target * 100:.3g} %" if picture.goal.is_share else f"{picture.metric} {target:.3g}"


def _mark(axes: Axes, place: float, level: float, colour: str) -> None:
    """A drop line to the axis, and a dot. On a logarithmic axis the line ends at the edge."""
    axes.plot([place, place], [0, level], color=colour, lw=0.8, ls=":", scaley=False)
    axes.plot([place], [level], "o", color=colour, ms=6, mec="white", mew=0.8, zorder=4)


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


def _dress(axes: Axes, picture: Picture, handles: Sequence[Line2D]) -> None:
    axes.set_xlim(0, 1.02 * picture.end / picture.scale.size or 1)
    axes.set_xlabel(picture.along.label(picture.scale))
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
