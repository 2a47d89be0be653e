"""The charge of a battery over its life, with the bend of its taper: points that lie on the model, not between them."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from fedsim.study.life import Life, LifeBattery
from fedsim.system.meter import CAUSES

Array = npt.NDArray[np.float64]

_STEP: Final = 0.01
_HALVINGS: Final = 6
"""In a stretch on the charger there is a point for every hundredth of the capacity; and before its end, where a taper
takes longest, half as far, a quarter, and so on."""


def charge_curve(of: Life) -> tuple[Array, Array]:
    """Instants in seconds and the share of the capacity at each, (n,) both.

    Straight lines between them miss the model by less than 0.1 % of the capacity. At the ends of stretches the charge
    is the recorded one. In between it is straight without a charger; on the charger it is
    ``E(t) = E* + (E(0) - E*) exp(-t / tau)`` above the knee (``fedsim.system.charger``).

    Raises:
        ValueError: a life on the mains.
    """
    if of.battery is None:
        raise ValueError(f"{of.name} is on the mains and has no charge")
    watts = of.power[[f"{cause}_w" for cause in CAUSES]].to_numpy(float).sum(axis=1)
    columns = of.power[["from_s", "to_s", "plugged", "charge_share"]]
    times_s, shares = [float(of.power["from_s"].iloc[0])], [of.battery.charge_share]
    for (from_s, to_s, plugged, share), load_w in zip(columns.itertuples(index=False), watts, strict=True):
        for after_s, level in _bend(of.battery, shares[-1], share, float(load_w)) if plugged else ():
            if times_s[-1] < from_s + after_s < to_s:
                times_s.append(from_s + after_s)
                shares.append(level)
        times_s.append(to_s)
        shares.append(share)
    return np.array(times_s), np.array(shares)


def _bend(battery: LifeBattery, start: float, end: float, load_w: float) -> list[tuple[float, float]]:
    """When, from the start of a stretch on the charger, its charge is at levels between its ends."""
    filling = battery.filling(load_w)
    if filling is None or start == end:
        return []
    levels = np.linspace(start, end, math.ceil(abs(end - start) / _STEP) + 1)
    tail = end - (end - levels[-2]) * 0.5 ** np.arange(1, _HALVINGS + 1)
    start_j, capacity_j = start * battery.capacity_j, battery.capacity_j
    return [(filling.seconds_to(start_j, level * capacity_j), level) for level in [*levels[1:-1], *tail]]
