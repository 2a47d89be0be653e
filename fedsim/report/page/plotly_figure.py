"""Figures as plotly.js draws them: plain data and layout, so that nothing of plotly need be imported for them.

Texts that come from a scenario go through ``plain``: plotly reads some HTML in texts. Black stands for the page's own
colour of text, which differs at night.
"""

from collections.abc import Sequence
from functools import singledispatch
from typing import Any, Final

from fedsim.report.page.figure import Bars, Boxes, Dots, Line, Lines
from fedsim.report.page.plotly_axis import category_axis, colour, drawn_axis, plain
from fedsim.study.plot import COLOURS

Spec = dict[str, Any]

_DASHES: Final = ("solid", "dash", "dot", "dashdot")
_ROW_PIXELS: Final = 26


@singledispatch
def plotly_figure(body: Any) -> Spec:
    """``{"data": ..., "layout": ...}``."""
    raise TypeError(f"plotly draws no {type(body).__name__}")


@plotly_figure.register
def _lines(body: Lines) -> Spec:
    data = [trace for line in body.lines for trace in _line(body, line)]
    if body.marks:
        data.append(_marks(body))
    layout: Spec = {"xaxis": {**drawn_axis(body.x), "rangemode": "tozero"}, "yaxis": drawn_axis(body.y), "height": 400}
    layout["showlegend"] = len(body.lines) > 1
    if body.level is not None:
        level = body.y.drawn(body.level)
        layout["shapes"] = [{
            "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level, "y1": level,
            "line": {"color": "#888888", "width": 1, "dash": "dash"}, "layer": "below",
        }]  # fmt: skip
        layout["annotations"] = [{
            "text": "target", "xref": "paper", "x": 0, "xanchor": "left", "y": level, "yanchor": "bottom",
            "showarrow": False, "font": {"size": 12, "color": "#888888"},
        }]  # fmt: skip
    return {"data": data, "layout": layout}


def _line(body: Lines, line: Line) -> list[Spec]:
    x = [body.x.drawn(value) for value in line.x]
    shape = "hv" if body.steps else "linear"
    common: Spec = {"type": "scatter", "mode": "lines", "x": x, "name": plain(line.name), "legendgroup": line.name}
    traces: list[Spec] = []
    if line.low:
        hidden = {"width": 0, "shape": shape}
        rest = {"hoverinfo": "skip", "showlegend": False}
        for values, fill in ((line.low, "none"), (line.high, "tonexty")):
            y = [body.y.drawn(value) for value in values]
            traces.append({**common, **rest, "y": y, "line": hidden, "fill": fill})
        traces[-1]["fillcolor"] = _faint(line.colour)
    dash = _DASHES[line.colour // len(COLOURS) % len(_DASHES)]
    traces.append({
        **common,
        "y": [body.y.drawn(value) for value in line.y],
        "line": {"color": colour(line.colour), "width": 2.2, "shape": shape, "dash": dash},
        "hovertemplate": f"%{{y:.4~g}}{body.y.shown and ' ' + body.y.shown} at %{{x:.4~g}} {body.x.shown}",
    })  # fmt: skip
    return traces


def _faint(index: int) -> str:
    red, green, blue = (int(colour(index)[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.17)"


def _marks(body: Lines) -> Spec:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [body.x.drawn(mark.x) for mark in body.marks],
        "y": [body.y.drawn(mark.y) for mark in body.marks],
        "text": [plain(mark.text) for mark in body.marks],
        "marker": {"size": 9, "color": [colour(mark.colour) for mark in body.marks], "line": {"width": 1}},
        "hovertemplate": "%{text}<extra></extra>",
        "name": "target reached (median)",
        "showlegend": False,
    }


@plotly_figure.register
def _bars(body: Bars) -> Spec:
    spots = list(range(len(body.categories)))
    data: list[Spec] = []
    for number, (name, values) in enumerate(body.parts.items()):
        bar: Spec = {
            "type": "bar",
            "orientation": "h",
            "y": spots,
            "x": [body.value.drawn(value) for value in values],
            "name": plain(name),
            "marker": {"color": colour(number)},
            "customdata": [plain(category) for category in body.categories],
            "hovertemplate": f"%{{customdata}}: %{{x:.4~g}} {body.value.shown}<extra>{_template(name)}</extra>",
        }
        if body.spans:
            bar["error_x"] = _spans(body, values)
        data.append(bar)
    many = len(body.parts) if not body.stacked else 1
    layout = {
        "barmode": "stack" if body.stacked else "group",
        "bargap": 0.3,
        "xaxis": {**drawn_axis(body.value), "rangemode": "tozero"},
        "yaxis": category_axis(body.categories),
        "height": 110 + _ROW_PIXELS * max(2, len(spots)) * max(1, round(0.7 * many)),
        "showlegend": len(body.parts) > 1,
    }
    return {"data": data, "layout": layout}


def _template(text: str) -> str:
    """A text inside a template of plotly's."""
    return plain(text).replace("%", "%%") if "%{" not in text else ""


def _spans(body: Bars, values: Sequence[float]) -> Spec:
    pairs = [
        (span[1] - value, value - span[0]) if span else (0.0, 0.0)
        for span, value in zip(body.spans, values, strict=True)
    ]
    up, down = ([body.value.drawn(pair[side]) for pair in pairs] for side in (0, 1))
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.5, "color": "#000000"}


@plotly_figure.register
def _boxes(body: Boxes) -> Spec:
    data: list[Spec] = []
    drawn = body.value.drawn
    for number, (name, boxes) in enumerate(body.series.items()):
        there = [(spot, box) for spot, box in enumerate(boxes) if box is not None]
        data.append({
            "type": "box",
            "orientation": "h",
            "y": [spot for spot, _ in there],
            "q1": [drawn(box.p25) for _, box in there],
            "median": [drawn(box.p50) for _, box in there],
            "q3": [drawn(box.p75) for _, box in there],
            "lowerfence": [drawn(box.p5) for _, box in there],
            "upperfence": [drawn(box.p95) for _, box in there],
            "mean": [drawn(box.mean) for _, box in there],
            "name": plain(name),
            "marker": {"color": colour(number)},
            "line": {"width": 1.5},
        })  # fmt: skip
    layout = {
        "boxmode": "group",
        "xaxis": drawn_axis(body.value),
        "yaxis": category_axis(body.categories),
        "height": 120 + _ROW_PIXELS * max(2, len(body.categories)) * max(1, round(0.8 * len(body.series))),
        "showlegend": len(body.series) > 1,
    }
    return {"data": data, "layout": layout}


@plotly_figure.register
def _dots(body: Dots) -> Spec:
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [body.x.drawn(x) for x, _, _ in points],
            "y": [body.y.drawn(y) for _, y, _ in points],
            "text": [plain(text) for _, _, text in points],
            "cliponaxis": False,
            "name": plain(name),
            "marker": {"color": colour(number), "size": 7, "opacity": 0.75, "symbol": number % 7},
            "hovertemplate": "%{text}: %{y:.4~g} at %{x:.4~g}<extra></extra>",
        }
        for number, (name, points) in enumerate(body.series.items())
    ]
    layout = {
        "xaxis": drawn_axis(body.x),
        "yaxis": {**drawn_axis(body.y), "rangemode": "tozero"},
        "height": 400,
        "hovermode": "closest",
        "showlegend": len(data) > 1,
    }
    return {"data": data, "layout": layout}
