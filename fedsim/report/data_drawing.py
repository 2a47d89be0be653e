"""Draws how the data of a scenario lie over its devices."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fedsim.errors import FedsimError
from fedsim.report.data_summary import class_counts, label_skew
from fedsim.study.plot import COLOURS, GREY
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Outline, Problem

_FEW: Final = 40
"""Devices that are drawn one by one; with more, they are sorted."""
_MOST_COLUMNS: Final = 600
"""Columns in a picture of many devices: of more, neighbours share one, in the map of classes as their mean."""


def draw_data(problem: Problem) -> Figure:
    """Examples of each device, by class; with many devices their law, and which devices have which classes."""
    labelled = bool(problem.model.classes) and not isinstance(problem, Outline)
    figure = Figure(figsize=(9, 6.2 if labelled else 3.6), layout="constrained")
    if not labelled:
        _draw_sizes(figure.add_subplot(), problem.sizes)
        return figure
    counts = class_counts(problem.train, problem.model.classes)
    upper, lower = figure.subplots(2, 1, height_ratios=(1, 1.35))
    _draw_sizes(upper, problem.sizes)
    (_draw_bubbles if problem.devices <= _FEW else _draw_shares)(lower, counts)
    return figure


def save_data_drawing(problem: Problem, out: str | Path) -> None:
    """Write the drawing into a new file; its ending says the format.

    Raises:
        FedsimError: if the file is there, or cannot be written.
    """
    path = Path(out)
    if path.exists():
        raise FedsimError(f"{path} is there already: nothing is written over")
    try:
        draw_data(problem).savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise FedsimError(f"{path} cannot be written: {error}") from None


def _draw_sizes(axes: Axes, sizes: IntArray) -> None:
    if len(sizes) > _FEW:
        _draw_ranked(axes, sizes)
        return
    axes.bar(np.arange(len(sizes)), sizes, width=0.8, color=COLOURS[0])
    axes.set_xlim(-0.7, len(sizes) - 0.3)
    axes.set_xlabel("device")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _dress(axes, "training examples", _title(sizes))


def _draw_ranked(axes: Axes, sizes: IntArray) -> None:
    """Examples of the devices from most to least, on a logarithmic axis where they differ by much."""
    ranked = np.sort(sizes)[::-1]
    starts = _starts(len(ranked))
    edges = np.append(starts, len(ranked))
    axes.stairs(ranked[starts], edges, fill=True, color=COLOURS[0], alpha=0.35, lw=0)
    axes.stairs(ranked[starts], edges, color=COLOURS[0], lw=1.2)
    axes.set_xlim(0, len(ranked))
    axes.set_xlabel("devices, from most examples to fewest")
    if ranked[0] > 20 * ranked[-1]:
        axes.set_yscale("log")
    _dress(axes, "training examples", _title(ranked))


def _draw_bubbles(axes: Axes, counts: Array) -> None:
    """A disc for each device and class, its area in proportion to the examples."""
    device, label = np.nonzero(counts)
    values = counts[device, label]
    room = 72 * min(8.0 / max(counts.shape[0], 1), 2.6 / max(counts.shape[1], 1))  # points between neighbours
    areas = (0.92 * room) ** 2 * values / counts.max()
    axes.scatter(device, label, s=areas, color=COLOURS[0], alpha=0.75, lw=0)
    axes.set_xlim(-0.7, counts.shape[0] - 0.3)
    axes.set_ylim(-0.7, counts.shape[1] - 0.3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.set_xlabel("device")
    _dress(axes, "class", f"{_skew(counts)}   ·   the largest disc is {counts.max():,.0f} examples")


def _draw_shares(axes: Axes, counts: Array) -> None:
    """Which share of each device's examples each class is, devices sorted by their commonest class and its share."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    order = np.lexsort((-shares.max(axis=1), shares.argmax(axis=1)))
    starts = _starts(len(shares))
    columns = np.add.reduceat(shares[order], starts) / np.diff(np.append(starts, len(shares)))[:, None]
    extent = (0.0, float(len(shares)), -0.5, counts.shape[1] - 0.5)
    picture = axes.imshow(
        columns.T,
        aspect="auto",
        origin="lower",
        extent=extent,
        cmap="cividis",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    axes.figure.colorbar(picture, ax=axes, label="share of the device's examples", pad=0.01)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    axes.set_xlabel("devices, by their commonest class and its share")
    _dress(axes, "class", _skew(counts), lined=False)


def _starts(devices: int) -> IntArray:
    """The first device of each column, where neighbours share one if there are too many."""
    return np.linspace(0, devices, min(devices, _MOST_COLUMNS), endpoint=False).astype(np.int64)


def _skew(counts: Array) -> str:
    return f"label skew: mean total variation {label_skew(counts).mean():.3f}"


def _title(sizes: IntArray) -> str:
    return f"{len(sizes):,} devices, {int(sizes.sum()):,} training examples"


def _dress(axes: Axes, what: str, title: str, *, lined: bool = True) -> None:
    axes.set_ylabel(what)
    axes.set_title(title, loc="left", fontsize="small", color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    if lined:
        axes.grid(visible=True, axis="y", color="#dddddd", lw=0.6)
        axes.set_axisbelow(True)
