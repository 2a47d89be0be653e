"""A row for every device: what it spent, what of that was in vain, and how its radios passed their time."""

from collections.abc import Iterable

import pandas as pd

from fedsim.system.device import Device

_STATES = ("idle", "paging", "promotion", "moving", "silent", "off")


def device_table(devices: Iterable[Device]) -> pd.DataFrame:
    """Device by device, up to now.

    ``device``, ``group``, ``link`` and ``place`` (where it is attached, as far as anybody has looked);
    ``sent_bytes``, ``received_bytes``, ``compute_s``; joules by cause; of these all, what work that did not count
    cost; and ``radio_..._s``, seconds in each state, added over the ``radios`` that it has: together they are so many
    times the length of the run.
    """
    frame = pd.DataFrame([_row(device) for device in devices])
    states = [name for name in frame if str(name).startswith("radio_")]
    frame[states] = frame[states].fillna(0.0)  # a radio without a second tail was never in it
    return frame


def _row(device: Device) -> dict[str, str | float]:
    spent, wasted = device.usage(), device.wasted
    times = device.radio_times()
    seconds = {state: sum(of_one.get(state, 0.0) for of_one in times.values()) for state in _STATES}
    for of_one in times.values():
        for state in of_one:
            if state not in _STATES:
                seconds[state] = seconds.get(state, 0.0) + of_one[state]
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
