"""Draws a topology: nodes by kind, links by capacity."""

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.report.human import about
from fedsim.report.overlay_drawing import DrawnOverlay, draw_overlay, drawn_overlay, overlay_handles
from fedsim.report.topology_labels import place_labels
from fedsim.report.topology_layout import Spots, layout
from fedsim.report.topology_loads import COLOURS, NAMES, Loads
from fedsim.system.topology import Topology

__all__ = ["DrawnOverlay", "draw_topology", "drawn_overlay", "save_drawing"]

SUFFIXES: Final = (".png", ".svg")

_LOOKS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "server": ("s", "#D55E00"),
    "edge-server": ("D", "#E69F00"),
    "router": ("o", "#666666"),
    "cell": ("^", "#0072B2"),
    "access-point": ("v", "#009E73"),
})  # fmt: skip
"""Marker and colour of each kind; the colours of Okabe and Ito, told apart by colour-blind readers, too."""

_CAPACITIES: Final = LinearSegmentedColormap.from_list("capacity", ["#b79fcc", "#8a5aa6", "#3b0f56"])
_ONLY: Final = 0.4  # where all have the same
_GREY: Final = "#666666"
_MOST_CAPACITIES: Final = 6
_LABEL_ALL: Final = 60


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Width and colour of a link by its capacity, between the least and the most there is, on a log scale."""

    least_bps: float
    most_bps: float
    thin: float

    @classmethod
    def of(cls, capacities_bps: Sequence[float], nodes: int) -> "Scale":
        """The scale for these capacities; where there are many links, or many at each node, all are thin."""
        finite = [value for value in capacities_bps if math.isfinite(value)] or [1.0]
        degree = 2 * len(capacities_bps) / max(nodes, 1)
        thin = min(1.0, math.sqrt(120 / max(len(capacities_bps), 1))) * max(0.2, min(1.0, 6 / max(degree, 1.0)))
        return cls(least_bps=min(finite), most_bps=max(finite), thin=thin)

    def share(self, capacity_bps: float) -> float:
        """Where a capacity stands between the least, 0, and the most, 1."""
        if not math.isfinite(capacity_bps):
            return 1.0
        if self.most_bps <= self.least_bps:
            return _ONLY
        return math.log(capacity_bps / self.least_bps) / math.log(self.most_bps / self.least_bps)

    def width(self, capacity_bps: float) -> float:
        """Line width in points."""
        return max(0.15, (1.1 + 2.6 * self.share(capacity_bps)) * self.thin)

    def colour(self, capacity_bps: float) -> str:
        """Line colour."""
        return to_hex(_CAPACITIES(self.share(capacity_bps)))


def save_drawing(topology: Topology, out: str | Path, overlay: DrawnOverlay | None = None) -> None:
    """Write a drawing as PNG or SVG, with an overlay over it if there is one.

    Raises:
        FedsimError: another suffix, or a file that cannot be written.
    """
    path = Path(out)
    if path.suffix.lower() not in SUFFIXES:
        raise FedsimError(f"{out}: {unknown(path.suffix, 'suffix of a picture', SUFFIXES)}")
    picture = io.BytesIO()
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": "fedsim", "svg.fonttype": "none"}):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box stands for it
        figure = draw_topology(topology, overlay)
        suffix = path.suffix.lower().removeprefix(".")
        figure.savefig(picture, dpi=150, format=suffix, metadata={"Date": None} if suffix == "svg" else None)
    try:
        path.write_bytes(picture.getvalue())
    except OSError as error:
        raise FedsimError(f"{out}: cannot be written: {error.strerror or error}") from None


def draw_topology(topology: Topology, overlay: DrawnOverlay | None = None, loads: Loads | None = None) -> Figure:
    """A picture with a legend; labels for all nodes up to 60, and beyond that where there is room.

    With ``loads`` the colour of a link says how busy it was, and no longer its capacity, as its width still does.
    """
    spots = layout(topology)
    figure = Figure(figsize=_size(spots))
    FigureCanvasAgg(figure)
    axes = figure.add_axes(_frame(figure))
    axes.set_axis_off()
    _set_limits(figure, axes, spots)
    pairs = topology.pairs()
    capacities_bps = [_capacity_bps(topology, pair) for pair in pairs]
    scale = Scale.of(capacities_bps, len(spots))
    _draw_links(axes, topology, spots, scale, loads)
    size = _marker_points(len(spots))
    for kind, (marker, colour) in _LOOKS.items():
        members = [spots[node] for node, row in topology.graph.nodes(data=True) if row["kind"] == kind]
        if members:
            x, y = zip(*members, strict=True)
            axes.scatter(x, y, s=size**2, marker=marker, c=colour, edgecolors="white", linewidths=0.6, zorder=3)
    if overlay is not None:
        draw_overlay(axes, overlay, spots, marker_points=size)
    place_labels(axes, topology.graph, spots, marker_points=size, must_all=len(spots) <= _LABEL_ALL)
    title = f"{topology.name}: {topology.about}" if topology.about else topology.name
    figure.text(0.02, 0.975, title, va="top", ha="left", fontsize=11, wrap=True)
    links = _capacity_handles(topology, scale, capacities_bps) if loads is None else _load_handles()
    _add_legend(figure, topology, "links" if loads is None else "utilisation", links, overlay)
    return figure


def _size(spots: Spots) -> tuple[float, float]:
    """Inches: wider for wide layouts, higher for high ones."""
    width, height = _spans(spots)
    if width >= height:
        return 11.0, min(8.5, max(4.2, 1.6 + 8.6 * height / width))
    return min(11.0, max(7.0, 3.4 + 7.2 * width / height)), 8.5


def _frame(figure: Figure) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the axes: room for a title above and a legend at the right."""
    width, height = figure.get_size_inches()
    return 0.02, 0.02, 1 - 0.04 - 1.85 / width, 1 - 0.02 - 0.5 / height


def _spans(spots: Spots) -> tuple[float, float]:
    xs, ys = zip(*spots.values(), strict=True)
    return max(max(xs) - min(xs), 1e-3), max(max(ys) - min(ys), 1e-3)


def _set_limits(figure: Figure, axes: Axes, spots: Spots) -> None:
    """Equal scales on both axes, the drawing in the middle, and a margin for labels."""
    xs, ys = zip(*spots.values(), strict=True)
    box = axes.get_position()
    inches = figure.get_size_inches()
    room = (max(1.0, box.width * inches[0] - 1.6), max(1.0, box.height * inches[1] - 0.7))
    per_inch = max(span / length for span, length in zip(_spans(spots), room, strict=True))
    for set_limits, values, share, length in (
        (axes.set_xlim, xs, box.width, inches[0]),
        (axes.set_ylim, ys, box.height, inches[1]),
    ):
        middle, half = (min(values) + max(values)) / 2, per_inch * share * length / 2
        set_limits(middle - half, middle + half)


def _marker_points(nodes: int) -> float:
    return max(3.0, min(11.0, 60 / math.sqrt(nodes)))


def _capacity_bps(topology: Topology, pair: tuple[str, str]) -> float:
    """The larger of a link's two directions."""
    arcs = (topology.graph.edges[pair], topology.graph.get_edge_data(*pair[::-1], default={}))
    return float(max(arc.get("capacity_bps", 0.0) for arc in arcs))


def _draw_links(axes: Axes, topology: Topology, spots: Spots, scale: Scale, loads: Loads | None) -> None:
    """Thin ones first; half-duplex links are dashed."""
    ranked = sorted(topology.pairs(), key=lambda pair: _capacity_bps(topology, pair))
    for duplex, style in (("full", "-"), ("half", (0, (2.2, 1.4)))):
        chosen = [pair for pair in ranked if topology.graph.edges[pair]["duplex"] == duplex]
        capacities_bps = [_capacity_bps(topology, pair) for pair in chosen]
        lines = LineCollection(
            [[spots[a], spots[b]] for a, b in chosen],
            linewidths=[scale.width(capacity_bps) for capacity_bps in capacities_bps],
            colors=[
                scale.colour(capacity_bps) if loads is None else COLOURS[loads.step(*pair)]
                for pair, capacity_bps in zip(chosen, capacities_bps, strict=True)
            ],
            linestyles=[style],
            alpha=max(0.25, scale.thin),
            zorder=1,
        )
        axes.add_collection(lines, autolim=False)


def _capacity_handles(topology: Topology, scale: Scale, capacities_bps: Sequence[float]) -> list[Line2D]:
    handles = [
        Line2D([], [], color=scale.colour(value), lw=max(0.8, scale.width(value)), label=about(value, "bit/s"))
        for value in _shown_capacities(capacities_bps)
    ]
    if any(arc["duplex"] == "half" for _, _, arc in topology.graph.edges(data=True)):
        handles.append(Line2D([], [], color=_GREY, lw=1.4, ls=(0, (2.2, 1.4)), label="half duplex"))
    return handles


def _load_handles() -> list[Line2D]:
    return [Line2D([], [], color=colour, lw=2.5, label=name) for colour, name in zip(COLOURS, NAMES, strict=True)]


def _add_legend(
    figure: Figure, topology: Topology, title_of_links: str, links: Sequence[Line2D], overlay: DrawnOverlay | None
) -> None:
    kinds = {row["kind"] for _, row in topology.graph.nodes(data=True)}
    nodes = [
        Line2D([], [], ls="", marker=marker, color=colour, mec="white", ms=8, label=kind)
        for kind, (marker, colour) in _LOOKS.items()
        if kind in kinds
    ]
    left, top = 1 - 1.75 / figure.get_size_inches()[0], 1 - 0.55 / figure.get_size_inches()[1]
    over = [] if overlay is None else overlay_handles(overlay)
    for handles, title in ((nodes, "nodes"), (links, title_of_links), (over, "overlay")):
        if handles:
            legend = figure.legend(
                handles=handles,
                title=title,
                loc="upper left",
                bbox_to_anchor=(left, top),
                frameon=False,
                fontsize="small",
                title_fontsize="small",
                alignment="left",
                borderaxespad=0,
            )
            figure.add_artist(legend)
            top -= (0.36 + 0.215 * len(handles)) / figure.get_size_inches()[1]


def _shown_capacities(capacities_bps: Sequence[float]) -> list[float]:
    """Every capacity there is, or, of many, some from the most to the least, evenly on a log scale."""
    distinct = sorted(set(capacities_bps), reverse=True)
    if len(distinct) <= _MOST_CAPACITIES:
        return distinct
    steps = [
        distinct[0] * (distinct[-1] / distinct[0]) ** (i / (_MOST_CAPACITIES - 1)) for i in range(_MOST_CAPACITIES)
    ]
    return sorted({min(distinct, key=lambda value: abs(math.log(value / step))) for step in steps}, reverse=True)
