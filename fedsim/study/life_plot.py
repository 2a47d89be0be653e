"""The life of one device as a picture: its charge, its states, its work, and its power."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fedsim.study.axis import TIME, Scale
from fedsim.study.charge_curve import charge_curve
from fedsim.study.life import Life

_GREY: Final = "#666666"
_OFF: Final = "#d9d9d9"
_COLOURS: Final[Mapping[str, str]] = {
    "compute": "#D55E00",
    "send": "#0072B2",
    "receive": "#56B4E9",
    "radio": "#CC79A7",
    "idle": "#E69F00",
    "sleep": "#bbbbbb",
}
"""Okabe and Ito's colours, one for each cause of power."""

_TEXT: Final = {
    "compute": "computing",
    "send": "sending",
    "receive": "receiving",
    "radio": "radio awake",
    "idle": "waiting awake",
    "sleep": "asleep",
}
_LANES: Final = (("processor", ("idle", "compute")), ("radio", ("radio", "receive", "send")))
_ENDS: Final = (
    ("answered", "o", "#009E73"),
    ("mixed", "o", "#009E73"),
    ("wasted", "X", "#D55E00"),
    ("refused", "v", "#000000"),
)


def plot_life(of: Life, figure: Figure | None = None) -> Figure:
    """Draw a device's life against simulated time.

    From above: charge, with the times on its charger in green; what processor and radio did, with the times without
    charge in grey; what became of its work; power by cause, stacked.
    """
    drawn = Figure(figsize=(10, 6.4), layout="constrained") if figure is None else figure
    heights = [2.2, 1.5, 2.2] if of.battery is not None else [1.5, 2.2]
    axes: list[Axes] = list(np.atleast_1d(drawn.subplots(len(heights), 1, sharex=True, height_ratios=heights)))
    clock = TIME.scale(of.end_s)
    if of.battery is not None:
        _draw_charge(axes[0], of, clock)
    _draw_lanes(axes[-2], of, clock)
    _draw_power(axes[-1], of, clock)
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.set_axisbelow(True)
    axes[-1].set_xlim(0, of.end_s / clock.size or 1)
    axes[-1].set_xlabel(TIME.label(clock))
    axes[0].set_title(f"The life of {of.name}", loc="left")
    return drawn


def _spans(of: Life, chosen: pd.Series, clock: Scale) -> list[tuple[float, float]]:
    """(start, length) of the stretches that are chosen, neighbours joined, in the unit of the clock."""
    spans: list[tuple[float, float]] = []
    for from_s, to_s in of.power.loc[chosen, ["from_s", "to_s"]].to_numpy(float).tolist():
        if spans and from_s - sum(spans[-1]) < 1e-9:
            spans[-1] = (spans[-1][0], to_s - spans[-1][0])
        else:
            spans.append((from_s, to_s - from_s))
    return [(start_s / clock.size, lasts_s / clock.size) for start_s, lasts_s in spans]


def _draw_charge(axes: Axes, of: Life, clock: Scale) -> None:
    plugged = of.power["plugged"].fillna(value=False).astype(bool)
    for start, length in _spans(of, plugged, clock):
        axes.axvspan(start, start + length, color="#009E73", alpha=0.12, lw=0)
    for start, length in _spans(of, ~of.power["on"].astype(bool), clock):
        axes.axvspan(start, start + length, color=_OFF, lw=0)
    times_s, shares = charge_curve(of)
    axes.plot(times_s / clock.size, shares * 100, color="#0072B2", lw=1.8, clip_on=False, zorder=3)
    axes.set_ylabel("charge (%)")
    axes.set_ylim(0, 100)
    axes.grid(visible=True, color="#e5e5e5", lw=0.6)
    handles = [Patch(color="#009E73", alpha=0.25, label="on its charger")] if plugged.any() else []
    handles += [Patch(color=_OFF, label="shut down")] if not of.power["on"].all() else []
    _legend(axes, handles)


def _draw_lanes(axes: Axes, of: Life, clock: Scale) -> None:
    off = ~of.power["on"].astype(bool)
    for place, (_, causes) in enumerate(_LANES):
        level = 1.7 - place
        axes.broken_barh(_spans(of, off, clock), (level, 0.7), color=_OFF, lw=0)
        for cause in causes:
            busy = of.power[f"{cause}_w"] > 0
            axes.broken_barh(_spans(of, busy, clock), (level, 0.7), color=_COLOURS[cause], lw=0.5)
    seen = [_draw_ends(axes, of, clock, end) for end in _ENDS]
    axes.set_yticks([2.05, 1.05, 0.2], labels=["processor", "radio", "work"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.2, 2.6)
    axes.spines["left"].set_visible(False)
    _legend(axes, [handle for handle in seen if handle is not None])


def _draw_ends(axes: Axes, of: Life, clock: Scale, end: tuple[str, str, str]) -> object:
    """Marks where pieces of work ended in one way; their legend entry, None where there are none."""
    kind, marker, colour = end
    times = of.events.loc[of.events["kind"] == kind, "time_s"].to_numpy(float) / clock.size
    if not len(times):
        return None
    [marks] = axes.plot(
        times, np.full(len(times), 0.2), marker, color=colour, ms=6, mec="white", mew=0.6, ls="none", label=kind
    )
    return marks


def _draw_power(axes: Axes, of: Life, clock: Scale) -> None:
    edges = np.append(of.power["from_s"], of.power["to_s"].iloc[-1]) / clock.size
    layers = {cause: of.power[f"{cause}_w"].to_numpy(float) for cause in _COLOURS}
    shown = [cause for cause in _COLOURS if layers[cause].any()]
    top = np.sum([layers[cause] for cause in shown], axis=0) if shown else np.zeros(len(of.power))
    axes.set_ylim(0, 1.08 * float(top.max()) or 1)
    for cause in shown:  # from the top down, so that thin edges of what is 0 are drawn over
        bottom = np.maximum(top - layers[cause], 0.0)
        colour = _COLOURS[cause]
        axes.stairs(top, edges, baseline=bottom, fill=True, color=colour, ec=colour, lw=0.4)
        top = bottom
    axes.set_ylabel("power (W)")
    axes.grid(visible=True, color="#e5e5e5", lw=0.6)
    _legend(axes, [Patch(color=_COLOURS[cause], label=_TEXT[cause]) for cause in shown])


def _legend(axes: Axes, handles: Sequence[object]) -> None:
    """Beside the picture."""
    if handles:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.005, 1.0), frameon=False, fontsize="small")
