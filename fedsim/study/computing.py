"""When devices computed, work that was cut off included."""

from typing import Final

import numpy as np
import pandas as pd

_ENDED: Final = ("trained", "mixed", "polled")
_STATES: Final = ("received", "answered", "refused", *_ENDED)
_COLUMNS: Final = ["subject", "start_s", "end_s", "name", "round"]


def computing_slices(events: pd.DataFrame, downs: pd.DataFrame) -> pd.DataFrame:
    """A slice for each piece of local work: subject, row, start_s, end_s, name, round.

    Work that came to its end is in the record with its seconds. Work that was cut off is what the stint wasted:
    with a server it began when the model was there; among peers, when the round before was mixed, or the device
    was back. Seconds in which the device was ``downs`` (subject, start_s, end_s), or paused before another attempt,
    are taken out. Together the slices are the seconds that the device's processor was busy.
    """
    done = _done(events)
    found = [part for part in (done, _cut_off(events, done)) if len(part)]
    if not found:
        return done
    slices = pd.concat(found, ignore_index=True).assign(row="computing")
    pauses = [part for part in (downs, _pauses(events)) if len(part)]
    return _without(slices, pd.concat(pauses, ignore_index=True)) if pauses else slices


def _done(events: pd.DataFrame) -> pd.DataFrame:
    """With the instant ``time_s`` of the event as well."""
    rows = events[events["kind"].isin(_ENDED)]
    if rows.empty or "compute_s" not in rows:
        return pd.DataFrame()
    after_s = np.zeros(len(rows))
    for kind, column in (("mixed", "exchange_s"), ("polled", "up_s")):
        if column in rows:
            after_s = np.where(rows["kind"] == kind, rows[column].fillna(0.0), after_s)
    end_s = rows["time_s"] - after_s
    names = np.where(rows["kind"] == "polled", "judging the model", "local work")
    start_s = end_s - rows["compute_s"].fillna(0.0)
    columns = (rows["subject"], start_s, end_s, pd.Series(names, index=rows.index), rows.get("round"))
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))


def _cut_off(events: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """Stints that were wasted before their work came to its end."""
    rows = events[events["kind"].isin(["wasted", "down", *_STATES])].copy()
    if not (rows["kind"] == "wasted").any():
        return pd.DataFrame()
    rows["next_start_s"] = done["start_s"] if len(done) else np.nan
    rows["back_s"] = _last_return(rows)
    rows["next_start_s"] = rows.groupby("subject")["next_start_s"].bfill()
    rows = rows[rows["kind"].isin(_STATES) | ((rows["kind"] == "wasted") & (rows["compute_s"] > 0))]
    rows[["before", "before_s"]] = rows.groupby("subject")[["kind", "time_s"]].shift(1)
    is_covered = rows["before"].isin(["trained", "answered", "refused", "polled"])
    is_covered |= rows["next_start_s"] < rows["time_s"]  # the work went on, and came to its end
    cut = rows[(rows["kind"] == "wasted") & ~is_covered]
    start_s = _starts(cut)
    end_s = np.minimum(start_s + cut["compute_s"], cut["time_s"])
    columns = (cut["subject"], start_s, end_s, "cut off: " + cut["cause"].astype(str), cut.get("round"))
    return pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True))).dropna(axis="columns", how="all")


def _starts(cut: pd.DataFrame) -> "pd.Series[float]":
    """When the work that was cut off began."""
    latest_s = cut["time_s"] - cut["compute_s"]
    begun_s = cut["before_s"].fillna(0.0)
    came_back = cut["back_s"] > begun_s
    begun_s = begun_s.where(~came_back, cut["back_s"])
    fits = (begun_s <= latest_s) & (came_back | (cut["before"] != "wasted"))
    return begun_s.where(fits, latest_s)


def _last_return(rows: pd.DataFrame) -> "pd.Series[float]":
    """When the device was last back: after the latest ``down`` that is no part of the same instant."""
    downs = rows[rows["kind"] == "down"]
    if downs.empty or "until_s" not in downs:
        return pd.Series(np.nan, index=rows.index)
    last = downs[["subject", "time_s", "until_s"]]
    last = last.assign(earlier_s=downs.groupby("subject")["until_s"].shift(1), gone_s=downs["time_s"])
    known = rows[["subject"]].join(last[["until_s", "earlier_s", "gone_s"]]).groupby(rows["subject"]).ffill()
    return known["until_s"].where(known["gone_s"] < rows["time_s"], known["earlier_s"])


def _pauses(events: pd.DataFrame) -> pd.DataFrame:
    """Between one attempt at a job and the next."""
    rows = events[events["kind"] == "fault"]
    if rows.empty or "again_s" not in rows:
        return pd.DataFrame()
    end_s = rows["time_s"] + rows["again_s"]
    return pd.DataFrame({"subject": rows["subject"], "start_s": rows["time_s"], "end_s": end_s})


def _without(slices: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """The slices without the gaps of their devices; what lies on both sides of one becomes two."""
    pieces = [slices[~slices["subject"].isin(gaps["subject"].unique())]]
    for subject, of_device in gaps.groupby("subject"):
        own = slices[slices["subject"] == subject]
        for start_s, end_s in of_device[["start_s", "end_s"]].itertuples(index=False):
            own = _split(own, start_s, end_s)
        pieces.append(own)
    return pd.concat([piece for piece in pieces if len(piece)] or [slices.iloc[:0]], ignore_index=True)


def _split(slices: pd.DataFrame, start_s: float, end_s: float) -> pd.DataFrame:
    hit = (slices["start_s"] < end_s) & (slices["end_s"] > start_s)
    if not hit.any():
        return slices
    before = slices[hit].assign(end_s=slices["end_s"].clip(upper=start_s))
    after = slices[hit].assign(start_s=slices["start_s"].clip(lower=end_s))
    parts = pd.concat([slices[~hit], before, after], ignore_index=True)
    return parts[parts["end_s"] > parts["start_s"]]
