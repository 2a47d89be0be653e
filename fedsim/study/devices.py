"""A row for every device that was ever worked with: what it spent and wasted, and how its radios passed their time."""

from collections.abc import Iterable, Mapping

import pandas as pd

from fedsim.system.device import Device

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
    return pd.DataFrame([_row(device, radios, states) for device, radios in zip(there, times, strict=True)])


def _row(device: Device, times: Times, states: Iterable[str]) -> dict[str, str | float]:
    spent, wasted = device.usage(), device.wasted
    seconds = {state: sum(of_one.get(state, 0.0) for of_one in times.values()) for state in states}
    return {
        "device": device.name,
        "group": device.spec.group,
        "link": device.link,
        "place": device.place,
        "sent_bytes": spent.sent_bytes,
        "received_bytes": spent.received_bytes,
        "compute_s": spent.compute_s,
        **{f"{cause}_j": joules for cause, joules in spent.energy_j.items()},
        "wasted_sent_bytes": wasted.sent_bytes,
        "wasted_received_bytes": wasted.received_bytes,
        "wasted_compute_s": wasted.compute_s,
        "wasted_j": wasted.work_j,
        "radios": len(times),
        **{f"radio_{state.replace('-', '_')}_s": value for state, value in seconds.items()},
    }
