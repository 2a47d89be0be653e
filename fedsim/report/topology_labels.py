"""Puts the names of nodes beside them, where they hide as little as possible."""

from collections.abc import Mapping
from typing import Any, Final

import networkx as nx
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke

Pixels = npt.NDArray[np.float64]
Spots = Mapping[str, tuple[float, float]]

_WAYS: Final = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Right, left, above, below, and the corners: the earlier the better."""

_LONGEST: Final = 28
_LATER: Final = 0.3
_ON_LABEL, _ON_NODE, _ON_LINE, _OUTSIDE = 40.0, 20.0, 1.0, 100.0
_FREE: Final = 15.0  # a label that must not be there costs no more than a crowd of lines
_DOT_PIXELS: Final = 4.0
_MOST_DOTS: Final = 40_000


def place_labels(axes: Axes, graph: "nx.DiGraph[str]", spots: Spots, *, marker_points: float, must_all: bool) -> None:
    """Label all nodes, or only those whose name finds a free spot; nodes with many links come first.

    The limits of the axes must be final.
    """
    labels = _Labels(axes, graph, spots, marker_points, font=8.0 if len(spots) <= 25 else 6.5)
    for node in sorted(graph, key=lambda node: (-graph.degree[node], node)):
        labels.put(node, must=must_all)


class _Labels:
    """Labels so far, and what else is in the way: nodes, links, the frame."""

    def __init__(
        self, axes: Axes, graph: "nx.DiGraph[str]", spots: Spots, marker_points: float, *, font: float
    ) -> None:
        figure: Any = axes.get_figure()
        self._axes, self._spots, self._font = axes, spots, FontProperties(size=font)
        self._renderer: Any = figure.canvas.get_renderer()
        self._per_point = figure.dpi / 72
        self._gap_points = 0.5 * marker_points + 2.0
        pixels = axes.transData.transform(np.array(list(spots.values())))
        self._at = dict(zip(spots, pixels, strict=True))
        half = 0.5 * marker_points * self._per_point
        self._nodes = np.hstack([pixels - half, pixels + half])
        self._dots = self._along(graph)
        self._labels = np.empty((0, 4))
        frame = axes.get_window_extent(self._renderer)
        self._frame = np.array([frame.x0, frame.y0, frame.x1, frame.y1])

    def put(self, node: str, *, must: bool) -> None:
        """Write a node's name at the best of eight spots around it, or, if it need not be there, at a free one."""
        text = node if len(node) <= _LONGEST else node[: _LONGEST - 1] + "…"
        width, height, _ = self._renderer.get_text_width_height_descent(text, self._font, False)
        boxes = [self._box(node, way, width, height) for way in _WAYS]
        costs = [self._cost(box) + _LATER * rank for rank, box in enumerate(boxes)]
        best = int(np.argmin(costs))
        if not must and costs[best] >= _FREE:
            return
        self._labels = np.vstack([self._labels, boxes[best]])
        x, y = _WAYS[best]
        self._axes.annotate(
            text,
            self._spots[node],
            xytext=(x * self._gap(x, y), y * self._gap(x, y)),
            textcoords="offset points",
            ha=("right", "center", "left")[x + 1],
            va=("top", "center", "bottom")[y + 1],
            fontproperties=self._font,
            parse_math=False,
            annotation_clip=False,
            path_effects=[withStroke(linewidth=2.0, foreground="white", alpha=0.8)],
            zorder=4,
        )

    def _gap(self, x: int, y: int) -> float:
        """Points from a node's middle to its label, along each axis; corners are nearer."""
        return self._gap_points * (0.75 if x and y else 1.0)

    def _box(self, node: str, way: tuple[int, int], width: float, height: float) -> Pixels:
        """Left, bottom, right, top of a label, in pixels."""
        x, y = way
        middle = self._at[node] + np.array(way) * self._gap(x, y) * self._per_point
        middle = middle + np.array([x * width, y * height]) / 2
        size = np.array([width, height]) / 2
        return np.concatenate([middle - size, middle + size])

    def _cost(self, box: Pixels) -> float:
        inside = (self._dots >= box[:2]).all(axis=1) & (self._dots <= box[2:]).all(axis=1)
        outside = (box[:2] < self._frame[:2]).any() or (box[2:] > self._frame[2:]).any()
        return float(
            _ON_LABEL * _overlaps(self._labels, box)
            + _ON_NODE * _overlaps(self._nodes, box)
            + _ON_LINE * inside.sum()
            + _OUTSIDE * outside
        )

    def _along(self, graph: "nx.DiGraph[str]") -> Pixels:
        """Dots along the links, (n, 2), some pixels apart."""
        ends = np.array([[self._at[a], self._at[b]] for a, b in graph.edges if a < b or not graph.has_edge(b, a)])
        if not len(ends):
            return np.empty((0, 2))
        most = max(2, _MOST_DOTS // len(ends))
        lengths = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
        counts = np.clip((lengths / _DOT_PIXELS).astype(int), 2, most)
        shares = [np.linspace(0.0, 1.0, count)[:, None] for count in counts.tolist()]
        return np.vstack([(1 - share) * a + share * b for share, (a, b) in zip(shares, ends, strict=True)])


def _overlaps(boxes: Pixels, box: Pixels) -> int:
    """How many of the boxes, (n, 4), this one meets."""
    return int(((boxes[:, :2] < box[2:]) & (boxes[:, 2:] > box[:2])).all(axis=1).sum())
