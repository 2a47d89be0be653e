"""The topology with its load as SVG that stands in the page: its colours follow the page's, and texts are escaped.

Places and labels are those of the picture that ``draw_topology`` makes.
"""

from collections.abc import Iterator
from typing import Any, Final
from xml.etree import ElementTree as ET

from matplotlib.axes import Axes

from fedsim.report.human import about
from fedsim.report.page.figure import Drawing
from fedsim.report.topology_drawing import Scale, draw_topology
from fedsim.report.topology_layout import layout
from fedsim.report.topology_loads import NAMES, Loads
from fedsim.system.topology import KINDS, Topology

_MARGIN: Final = 26.0
_LEGEND_ROW: Final = 17.0
_ANCHORS: Final = {"left": "start", "center": "middle", "right": "end"}
_RISES: Final = {"top": 0.85, "center": 0.35, "bottom": -0.1}
"""How far below its anchor a text's base line is, in heights of the text."""
_RADIUS: Final = 5.0


def load_drawing(topology: Topology, loads: Loads) -> Drawing:
    """Nodes by kind, links by utilisation, with a legend below; what one points at says its numbers."""
    figure = draw_topology(topology, loads=loads)
    figure.set_dpi(72)
    axes = figure.axes[0]
    spots = layout(topology)
    height = float(figure.bbox.height)
    at = {
        node: (float(x), height - float(y))
        for node, (x, y) in zip(spots, axes.transData.transform(list(spots.values())), strict=True)
    }
    return Drawing(
        svg=_svg(topology, loads, at, list(_labels(axes, height))), figure=lambda: draw_topology(topology, loads=loads)
    )


def _labels(axes: Axes, height: float) -> Iterator[tuple[float, float, str, str, float]]:
    """Where the picture has its labels: x, y, anchor, text and size."""
    for text in axes.texts:
        spot: Any = text
        x, y = axes.transData.transform(spot.xy)
        dx, dy = spot.get_position()
        size = float(text.get_fontsize()) * 1.25
        rise = _RISES[str(text.get_verticalalignment())] * size
        anchor = _ANCHORS[str(text.get_horizontalalignment())]
        yield float(x + dx), height - float(y + dy) + rise, anchor, text.get_text(), size


def _svg(
    topology: Topology,
    loads: Loads,
    at: dict[str, tuple[float, float]],
    labels: list[tuple[float, float, str, str, float]],
) -> str:
    reach = [(x - width, y, x + width, y) for x, y, width in _extents(at, labels)]
    left, right = min(row[0] for row in reach) - _MARGIN, max(row[2] for row in reach) + _MARGIN
    top, bottom = min(row[1] for row in reach) - _MARGIN, max(row[3] for row in reach) + _MARGIN
    kinds = [kind for kind in KINDS if kind in {row["kind"] for _, row in topology.graph.nodes(data=True)}]
    below = 2 * _LEGEND_ROW + 6
    box = f"{left:.1f} {top:.1f} {right - left:.1f} {bottom - top + below:.1f}"
    svg = ET.Element("svg", {"viewBox": box, "class": "topology", "aria-hidden": "true"})
    _links(svg, topology, loads, at)
    _nodes(svg, topology, loads, at)
    for x, y, anchor, text, size in labels:
        _put(svg, "text", text, x=x, y=y, size=size, anchor=anchor)
    _legend(svg, left + 4, bottom + 12, kinds)
    return ET.tostring(svg, encoding="unicode", short_empty_elements=False)


def _extents(at: dict[str, tuple[float, float]], labels: list[Any]) -> Iterator[tuple[float, float, float]]:
    """x, y and half a width, generously, of everything."""
    for x, y in at.values():
        yield x, y, _RADIUS
    for x, y, anchor, text, size in labels:
        half = 0.31 * size * len(text)
        yield x + {"start": half, "middle": 0.0, "end": -half}[anchor], y, half


def _links(svg: ET.Element, topology: Topology, loads: Loads, at: dict[str, tuple[float, float]]) -> None:
    capacities_bps = {pair: float(topology.graph.edges[pair]["capacity_bps"]) for pair in topology.pairs()}
    scale = Scale.of(list(capacities_bps.values()), len(at))
    for (a, b), capacity_bps in sorted(capacities_bps.items(), key=lambda item: loads.of(*item[0])):
        (x1, y1), (x2, y2) = at[a], at[b]
        line = ET.SubElement(svg, "line", {
            "x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}",
            "class": f"load{loads.step(a, b)}", "stroke-width": f"{1.2 + scale.width(capacity_bps):.2f}",
        })  # fmt: skip
        told = f"{a}, {b}: {about(loads.of(a, b), '1')} of {about(capacity_bps, 'bit/s')}"
        ET.SubElement(line, "title").text = _clean(told)


def _nodes(svg: ET.Element, topology: Topology, loads: Loads, at: dict[str, tuple[float, float]]) -> None:
    for node, row in topology.graph.nodes(data=True):
        x, y = at[node]
        mark = _mark(svg, str(row["kind"]), x, y)
        count = loads.devices.get(node, 0)
        ET.SubElement(mark, "title").text = _clean(f"{node}: {row['kind']}" + (f", {count:,} devices" if count else ""))


def _mark(svg: ET.Element, kind: str, x: float, y: float) -> ET.Element:
    """A shape for each kind, so that colour is not all."""
    r = _RADIUS
    paths = {
        "server": f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z",
        "edge-server": f"M{x:.1f} {y - 1.3 * r:.1f}l{1.3 * r} {1.3 * r}l{-1.3 * r} {1.3 * r}l{-1.3 * r} {-1.3 * r}z",
        "cell": f"M{x:.1f} {y - 1.2 * r:.1f}l{1.2 * r} {2.1 * r}h{-2.4 * r}z",
        "access-point": f"M{x:.1f} {y + 1.2 * r:.1f}l{1.2 * r} {-2.1 * r}h{-2.4 * r}z",
    }
    if kind in paths:
        return ET.SubElement(svg, "path", {"d": paths[kind], "class": f"node {kind}"})
    return ET.SubElement(svg, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{r}", "class": f"node {kind}"})


def _legend(svg: ET.Element, left: float, top: float, kinds: list[str]) -> None:
    x = left
    for kind in kinds:
        _mark(svg, kind, x + 6, top)
        _put(svg, "text", kind, x=x + 16, y=top + 4, size=11.0, anchor="start")
        x += 34 + 6.2 * len(kind)
    x, y = left, top + _LEGEND_ROW
    for number, name in enumerate(NAMES):
        ET.SubElement(svg, "line", {
            "x1": f"{x:.1f}", "x2": f"{x + 14:.1f}", "y1": f"{y:.1f}", "y2": f"{y:.1f}",
            "class": f"load{number}", "stroke-width": "3.5",
        })  # fmt: skip
        _put(svg, "text", name, x=x + 19, y=y + 4, size=11.0, anchor="start")
        x += 36 + 6.2 * len(name)


def _put(svg: ET.Element, tag: str, text: str, *, x: float, y: float, size: float, anchor: str) -> None:
    given = {"x": f"{x:.1f}", "y": f"{y:.1f}", "font-size": f"{size:.1f}", "text-anchor": anchor}
    ET.SubElement(svg, tag, given).text = _clean(text)


def _clean(text: str) -> str:
    """Without signs that may not stand in XML."""
    return "".join(sign for sign in text if sign.isprintable())
