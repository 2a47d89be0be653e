"""What single changes gain, as a picture."""

from typing import TYPE_CHECKING, Final

from matplotlib.axes import Axes

from fedsim.study.gains import UNITS

if TYPE_CHECKING:
    from fedsim.study.gains import WhatIf

_REAL: Final = "#0072B2"
_NOT_TOLD: Final = "#BBBBBB"
"""Blue and grey: told apart by colour-blind readers, too."""


def plot_gains(found: "WhatIf", ax: Axes) -> Axes:
    """A bar for every change that was tried, most gain on top, with its 95 % interval; grey where luck may be all."""
    gains = found.gains()
    names = list(gains)
    means = [gain.interval.mean for gain in gains.values()]
    ax.barh(names, means, color=[_REAL if gain.is_real else _NOT_TOLD for gain in gains.values()])
    for rank, gain in enumerate(gains.values()):
        if gain.interval.low is not None and gain.interval.high is not None:
            ax.plot([gain.interval.low, gain.interval.high], [rank, rank], color="black", linewidth=1)
    ax.invert_yaxis()
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_xlabel(f"{found.by} to the target: gain [{UNITS[found.by]}]")
    ax.set_title(f"{found.name}: what if?")
    return ax
