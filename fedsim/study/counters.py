"""Numbers that change in the course of a run: quality, who is at work, messages under way, charge."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from fedsim.study.charge_curve import charge_curve
from fedsim.study.life import life
from fedsim.study.result import Result
from fedsim.study.timeline import Timeline

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Counter:
    """A number and the instants (n,) from which on it has the levels (n,). ``subject`` is empty for the whole run."""

    name: str
    times_s: Array
    levels: Array
    subject: str = ""


def counters(result: Result, found: Timeline) -> Iterator[Counter]:
    """All counters of a run.

    Quality at each evaluation; devices at work, which are those that do anything or wait for something; messages
    under way by the technology of the device's link, as far as they arrived; and the charge of those whose lives are
    recorded, drawn on the model in between.
    """
    curve = result.curve
    if result.summary.learned:
        for name in dict.fromkeys(("accuracy", "mean_accuracy", result.summary.metric)):
            yield Counter(name=name, times_s=curve["time_s"].to_numpy(float), levels=curve[name].to_numpy(float))
    slices = found.slices[~found.slices["subject"].isin(found.servers) & (found.slices["row"] != "down")]
    yield _level("devices at work", _together(slices))
    links = dict(zip(result.devices.get("device", []), result.devices.get("link", []), strict=True))
    for row, text in (("receiving", "messages down"), ("sending", "messages up")):
        moved = slices[slices["row"] == row]
        for link, rows in moved.groupby(moved["subject"].map(links)):
            yield _level(f"{text}, {link}", rows)
    lives = result.events.loc[result.events["kind"] == "life", "subject"].unique()
    for name in sorted(lives):
        of = life(result.events, name)
        if of.battery is not None:
            times_s, shares = charge_curve(of)
            yield Counter(name="charge", times_s=times_s, levels=shares, subject=name)


def _level(name: str, slices: pd.DataFrame) -> Counter:
    """How many slices there are at a time."""
    changes_s = np.concatenate([slices["start_s"], slices["end_s"]]).astype(float)
    steps = np.concatenate([np.ones(len(slices)), -np.ones(len(slices))])
    times_s, at = np.unique(changes_s, return_inverse=True)
    values = np.cumsum(np.bincount(at, weights=steps, minlength=len(times_s)))
    changed = np.append([True], np.diff(values) != 0)[: len(values)]
    return Counter(name=name, times_s=times_s[changed], levels=values[changed])


def _together(slices: pd.DataFrame) -> pd.DataFrame:
    """Each device's slices that touch or overlap as one, whatever they are of."""
    if slices.empty:
        return slices
    rows = slices.sort_values(["subject", "start_s"], kind="stable")
    latest = rows.groupby("subject")["end_s"].cummax()
    before = latest.groupby(rows["subject"]).shift(1)
    opens = ~(rows["start_s"] <= before)
    parts = rows.groupby(opens.cumsum()).agg(start_s=("start_s", "first"), end_s=("end_s", "max"))
    return parts.reset_index(drop=True)
