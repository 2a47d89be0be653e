"""Figures of the page as matplotlib draws them, for papers and slides."""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from fedsim.report.page.axis import Axis
from fedsim.report.page.figure import Bars, Body, Boxes, Dots, Drawing, Lines
from fedsim.study.plot import COLOURS, GREY

_MARKERS: Final = "osDPX^v"
_DASHES: Final = ("-", "--", ":", "-.")
_LONGEST: Final = 30
_COLUMNS: Final = 3
_LEGEND_ROW: Final = 0.25


def picture(body: Body, title: str) -> Picture:
    """A figure of one view."""
    if isinstance(body, Drawing):
        return body.figure()
    figure = Picture(figsize=(8, _height(body)), layout="constrained")
    axes = figure.add_subplot()
    _draw(body, axes)
    axes.set_title(title, loc="left", fontsize="medium", parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        figure.set_figheight(figure.get_figheight() + _LEGEND_ROW * -(-len(labels) // _COLUMNS))
        legend = figure.legend(handles, labels, loc="outside lower left", ncols=_COLUMNS, frameon=False)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure


def _height(body: Body) -> float:
    if isinstance(body, (Bars, Boxes)):
        parts = (
            1 if isinstance(body, Bars) and body.stacked else len(body.parts if isinstance(body, Bars) else body.series)
        )
        return 1.8 + 0.28 * max(2, len(body.categories)) * max(1.0, 0.7 * parts)
    return 4.8


@singledispatch
def _draw(body: Any, axes: Axes) -> None:
    raise TypeError(f"no picture of {type(body).__name__} in {axes}")


@_draw.register
def _lines(body: Lines, axes: Axes) -> None:
    x, y = body.x.factor, body.y.factor
    for line in body.lines:
        colour = COLOURS[line.colour % len(COLOURS)]
        style = _DASHES[line.colour // len(COLOURS) % len(_DASHES)]
        places = np.array(line.x) / x
        kind: Any = "steps-post" if body.steps else "default"
        axes.plot(places, np.array(line.y) / y, style, color=colour, lw=1.8, drawstyle=kind, label=_label(line.name))
        if line.low:
            step: Any = "post" if body.steps else None
            low, high = np.array(line.low) / y, np.array(line.high) / y
            axes.fill_between(places, low, high, step=step, color=colour, alpha=0.18, lw=0)
    for mark in body.marks:
        colour = COLOURS[mark.colour % len(COLOURS)]
        axes.plot([mark.x / x], [mark.y / y], "o", color=colour, ms=6, mec="white", mew=0.8, zorder=4)
    if body.level is not None:
        axes.axhline(body.level / y, color=GREY, lw=0.8, ls="--", zorder=1)
    axes.set_xlim(left=0 if not body.x.log else None)
    _scale(axes, body.x, body.y)
    axes.grid(visible=True, color="#dddddd", lw=0.6)


@_draw.register
def _bars(body: Bars, axes: Axes) -> None:
    spots = np.arange(len(body.categories))
    left = np.zeros(len(spots))
    width = 0.7 if body.stacked else 0.8 / len(body.parts)
    for number, (name, values) in enumerate(body.parts.items()):
        lengths = np.array(values) / body.value.factor
        at = spots if body.stacked else spots + (number - (len(body.parts) - 1) / 2) * width
        axes.barh(at, lengths, width, left=left, color=COLOURS[number % len(COLOURS)], label=_label(name))
        if body.stacked:
            left = left + lengths
    for spot, span in zip(spots.tolist(), body.spans, strict=False):
        if span is not None:
            low, high = (end / body.value.factor for end in span)
            axes.plot([low, high], [spot, spot], color="black", lw=1.5)
    _categories(axes, body.categories, body.value)


@_draw.register
def _boxes(body: Boxes, axes: Axes) -> None:
    width = 0.8 / len(body.series)
    for number, (name, boxes) in enumerate(body.series.items()):
        there = [(spot, box) for spot, box in enumerate(boxes) if box is not None]
        shift = (number - (len(body.series) - 1) / 2) * width
        given = [
            {"whislo": box.p5, "q1": box.p25, "med": box.p50, "q3": box.p75, "whishi": box.p95, "mean": box.mean}
            for _, box in there
        ]
        scaled = [{key: value / body.value.factor for key, value in one.items()} for one in given]
        colour = COLOURS[number % len(COLOURS)]
        axes.bxp(
            scaled,
            positions=[spot + shift for spot, _ in there],
            widths=0.8 * width,
            orientation="horizontal",
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": colour, "alpha": 0.5},
            medianprops={"color": "black"},
        )
        axes.plot([], [], "s", color=colour, alpha=0.5, label=_label(name))
    _categories(axes, body.categories, body.value)


@_draw.register
def _dots(body: Dots, axes: Axes) -> None:
    for number, (name, points) in enumerate(body.series.items()):
        x, y = ([point[axis] for point in points] for axis in (0, 1))
        marker = _MARKERS[number % len(_MARKERS)]
        given: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "alpha": 0.75, "label": _label(name)}
        axes.plot(np.array(x) / body.x.factor, np.array(y) / body.y.factor, marker, ms=5, **given)
    axes.set_ylim(bottom=0 if not body.y.log else None)
    _scale(axes, body.x, body.y)
    axes.grid(visible=True, color="#dddddd", lw=0.6)


def _label(name: str) -> str:
    """A name in a legend; one that begins with an underscore would be left out."""
    return f" {name}" if name.startswith("_") else name


def _scale(axes: Axes, x: Axis, y: Axis) -> None:
    axes.set_xlabel(x.title, parse_math=False)
    axes.set_ylabel(y.title, parse_math=False)
    if x.log:
        axes.set_xscale("log")
    if y.log:
        axes.set_yscale("log")


def _categories(axes: Axes, names: Sequence[str], value: Axis) -> None:
    short = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    axes.set_yticks(range(len(names)))
    axes.set_yticks(range(len(names)), short)
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel(value.title, parse_math=False)
    if value.log:
        axes.set_xscale("log")
    axes.grid(visible=True, axis="x", color="#dddddd", lw=0.6)
