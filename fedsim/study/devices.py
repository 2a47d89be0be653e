"""A row for every device that was ever worked with: what it spent and wasted, and how its radios passed their time."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import pandas as pd

from fedsim.system.device import Device
from fedsim.system.meter import CAUSES

Times = Mapping[str, Mapping[str, float]]
"""Seconds by technology and state."""


def device_table(devices: Iterable[Device]) -> pd.DataFrame:
    """Device by device, up to now.

    ``device``, ``group``, ``link`` and ``place`` (where it is attached, as far as anybody has looked);
    ``sent_bytes``, ``received_bytes``, ``compute_s``; joules by cause; of these all, what work that did not count
    cost; and ``radio_..._s``, seconds in each state, added over the ``radios`` that it has: together they are so many
    times the length of the run.
    """
    there = list(devices)
    times = [device.radio_times() for device in there]
    tails = {state for radios in times for of_one in radios.values() for state in of_one if state.startswith("tail")}
    states = ("idle", "paging", "promotion", "moving", "silent", *sorted(tails), "off")
    names = (*_NAMES, *(f"radio_{state.replace('-', '_')}_s" for state in states))
    rows = [_row(device, radios, states) for device, radios in zip(there, times, strict=True)]
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pd.DataFrame({name: list(column) for name, column in zip(names, columns, strict=True)})


def at_work(table: pd.DataFrame) -> Counter[str]:
    """How many devices of each group spent energy on work."""
    if table.empty:
        return Counter()
    works = table[[f"{cause}_j" for cause in CAUSES if cause != "sleep"]].sum(axis=1) > 0
    return Counter(table["group"][works])


_NAMES: Final = (
    *("device", "group", "link", "place", "sent_bytes", "received_bytes", "compute_s"),
    *(f"{cause}_j" for cause in CAUSES),
    *("wasted_sent_bytes", "wasted_received_bytes", "wasted_compute_s", "wasted_j", "radios"),
)


def _row(device: Device, times: Times, states: Sequence[str]) -> tuple[str | float, ...]:
    """What stands under ``_NAMES`` and the states; names in every row would take as long as all the rest."""
    spent, wasted = device.usage(), device.wasted
    energy_j = spent.energy_j
    return (
        device.name,
        device.spec.group,
        device.link,
        device.place,
        spent.sent_bytes,
        spent.received_bytes,
        spent.compute_s,
        *[energy_j[cause] for cause in CAUSES],
        wasted.sent_bytes,
        wasted.received_bytes,
        wasted.compute_s,
        wasted.work_j,
        len(times),
        *[sum(of_one.get(state, 0.0) for of_one in times.values()) for state in states],
    )
