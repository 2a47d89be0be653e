"""A row for every device that was ever worked with: what it spent and wasted, and how its radios passed their time."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from fedsim.system.crew import Crew
from fedsim.system.device import Device
from fedsim.system.meter import CAUSES
from fedsim.system.process import Array
from fedsim.system.radio import STATES
from fedsim.system.tally import OF_TALLY
from fedsim.system.usage import NOTHING


def device_table(crew: Crew) -> pd.DataFrame:
    """Device by device with whom somebody has worked, up to now.

    ``device``, ``group``, ``link`` and ``place`` (where it is attached, as far as anybody has looked);
    ``sent_bytes``, ``received_bytes``, ``compute_s``; joules by cause; of these all, what work that did not count
    cost; and ``radio_..._s``, seconds in each state, added over the ``radios`` that it has: together they are so many
    times the length of the run.
    """
    there = crew.made
    radios = [device.spec.radios for device in there]
    ways = {id(of_one): of_one for of_one in radios}  # one for all devices of a kind that does not roam
    tails = {tail for of_one in ways.values() for radio in of_one.values() for tail in radio.names_of_tails}
    states = (*STATES, *sorted(tails), "off")
    spent_of_each, times_s = crew.logs(states)
    spent = _columns(OF_TALLY, spent_of_each)
    columns = {
        "device": [device.name for device in there],
        "group": [device.spec.group for device in there],
        "link": [device.link for device in there],
        "place": [device.place for device in there],
        **{name: spent[name] for name in ("sent_bytes", "received_bytes", "compute_s", *spent)},
        **_columns(_WASTED, np.array([_wasted(device) for device in there]).reshape(len(there), len(_WASTED))),
        "radios": [len(of_one) for of_one in radios],
        **_columns([f"radio_{state.replace('-', '_')}_s" for state in states], times_s),
    }
    return pd.DataFrame(columns)


def at_work(table: pd.DataFrame) -> Counter[str]:
    """How many devices of each group spent energy on work."""
    if table.empty:
        return Counter()
    works = table[[f"{cause}_j" for cause in CAUSES if cause != "sleep"]].sum(axis=1) > 0
    return Counter(table["group"].to_numpy()[works])


_WASTED: Final = ("wasted_sent_bytes", "wasted_received_bytes", "wasted_compute_s", "wasted_j")
_NO_WASTE: Final = (0.0,) * len(_WASTED)


def _columns(names: Sequence[str], table: Array) -> dict[str, Array]:
    """Those of a table of numbers, (n, names), by what they stand under."""
    return dict(zip(names, table.T, strict=True))


def _wasted(device: Device) -> Sequence[float]:
    wasted = device.wasted
    if wasted is NOTHING:
        return _NO_WASTE
    return wasted.sent_bytes, wasted.received_bytes, wasted.compute_s, wasted.work_j
