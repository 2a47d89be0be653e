"""Which share of a fleet is there, as a picture."""

from pathlib import Path
from typing import Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsim.study.plot import COLOURS, GREY

_MOST_GROUPS: Final = len(COLOURS) - 1


def plot_presence(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a ``presence_table``: black is the whole fleet, colours its groups, as far as there are colours."""
    axes = Figure(figsize=(8, 4.2), layout="constrained").add_subplot() if ax is None else ax
    hours = table["time_s"] / 3600
    groups = [name for name in table.columns if name not in {"time_s", "all"}]
    if 1 < len(groups) <= _MOST_GROUPS:
        for name, colour in zip(groups, COLOURS, strict=False):
            axes.plot(hours, 100 * table[name], color=colour, lw=1.2, label=name)
    axes.plot(hours, 100 * table["all"], color="black", lw=1.8, label="all")
    axes.set_xlim(0, hours.iloc[-1])
    axes.set_ylim(0, None)
    axes.set_xticks(range(0, int(hours.iloc[-1]) + 1, 3 if hours.iloc[-1] <= 24 else 12))
    axes.set_xlabel("simulated time (h)")
    axes.set_ylabel("devices that are there (%)")
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    low, high = 100 * table["all"].min(), 100 * table["all"].max()
    axes.set_title(f"all: {low:.3g} % to {high:.3g} %", loc="left", fontsize="small", color=GREY)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return axes


def write_presence(table: pd.DataFrame, path: Path) -> None:
    """Draw it into a file; its ending says the format."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    plot_presence(table, figure.add_subplot())
    figure.savefig(path, dpi=150)
