"""What every device and server did when, read from a run's record: slices of time, and moments."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fedsim.study.computing import computing_slices

ROWS: Final = ("rounds", "computing", "sending", "receiving", "waiting", "down")
"""What a slice is of, in the order in which they are shown."""

MOMENTS: Final = (
    *("lost", "corrupted", "failed", "resumed", "doubled", "fault", "refused", "wasted", "undone"),
    *("outage", "repaired", "handover"),
)
"""Kinds of events that take no time and that somebody looks for: mostly what failed."""

_SLICE: Final = ("subject", "row", "start_s", "end_s", "name", "round", "peer")
_NO_SLICES: Final = pd.DataFrame({name: [] for name in ("subject", "row", "start_s", "end_s", "name")})
_MOVED: Final = {"received": "receiving", "answered": "sending", "passed": "sending"}
_TO_AND_FRO: Final = {"sending": "receiving", "receiving": "sending"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """``slices``: subject, row (of ``ROWS``), start_s, end_s, name, and the round and the peer where there is one.

    ``moments``: subject, time_s, name, and the rest of the event. ``servers`` are the subjects that are no devices.
    A device's slices of one row may overlap where it sends or receives several messages at a time.
    """

    slices: pd.DataFrame
    moments: pd.DataFrame
    servers: tuple[str, ...]
    end_s: float


def timeline(events: pd.DataFrame, end_s: float) -> Timeline:
    """Read it from the record of a run that ended at ``end_s``.

    A message is known when it has arrived: what did not arrive is a moment. Absences are recorded when somebody
    depended on the device, and last until its reason may end. Servers send and receive where one server talks to all
    devices; of several the record does not say which.
    """
    servers = _servers(events)
    downs, messages = _downs(events, end_s), [*_messages(events), *_polls(events)]
    found = [*_rounds(events), *messages, *_waits(events), downs, computing_slices(events, downs)]
    if len(servers) == 1 and messages:
        found += _of_server(pd.concat(messages, ignore_index=True), servers[0])
    slices = pd.concat([part for part in found if len(part)] or [_NO_SLICES], ignore_index=True).reindex(columns=_SLICE)
    slices["start_s"] = slices["start_s"].astype(float).clip(lower=0.0)  # differences of times may miss 0 by a hair
    slices = slices[slices["end_s"] > slices["start_s"]]
    moments = events[events["kind"].isin(MOMENTS)]
    moments = moments.dropna(axis="columns", how="all") if len(moments) else moments[["time_s", "kind", "subject"]]
    return Timeline(
        slices=slices.sort_values(["start_s", "subject", "row", "end_s"], kind="stable", ignore_index=True),
        moments=moments.rename(columns={"kind": "name"}).reset_index(drop=True),
        servers=servers,
        end_s=end_s,
    )


def _slices(**columns: Any) -> pd.DataFrame:
    """Slices; what is not known of them is left out."""
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


def _servers(events: pd.DataFrame) -> tuple[str, ...]:
    """Whoever closed rounds, or handed states on."""
    rows = events[events["kind"].isin(["round", "merged", "handed", "undone"])]
    return tuple(dict.fromkeys(rows["subject"])) if len(rows) else ()


def _of(events: pd.DataFrame, *kinds: str) -> pd.DataFrame:
    """The events of these kinds."""
    return events[events["kind"].isin(kinds)]


def _rounds(events: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rounds of servers, and at their ends the combining of answers."""
    for kind, text in (("round", "round"), ("merged", "merge")):
        rows = _of(events, kind)
        if rows.empty:
            continue
        names = text + " " + rows["round"].astype(int).astype(str)
        end_s, subject = rows["time_s"], rows["subject"]
        yield _slices(
            subject=subject, row="rounds", start_s=end_s - rows["seconds"], end_s=end_s, name=names, round=rows["round"]
        )
        if kind == "round":
            yield _slices(
                subject=subject,
                row="computing",
                start_s=end_s - rows["server_s"],
                end_s=end_s,
                name="combining",
                round=rows["round"],
            )


def _messages(events: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Messages that arrived, from the end of waking the radios on; and that waking."""
    for kind, row in _MOVED.items():
        rows = _of(events, kind)
        if rows.empty:
            continue
        moved_s = rows["time_s"] - rows["move_s"]
        peer = rows["peer"] if kind == "passed" else None
        common = {"subject": rows["subject"], "round": rows["round"], "peer": peer}
        yield _slices(**common, row=row, start_s=moved_s, end_s=rows["time_s"], name="model")
        yield _slices(**common, row="waiting", start_s=moved_s - rows["wake_s"], end_s=moved_s, name="for the radio")
        if kind == "passed":
            both = {"subject": peer, "peer": rows["subject"], "round": rows["round"]}
            yield _slices(**both, row="receiving", start_s=moved_s, end_s=rows["time_s"], name="model")
    rows = _of(events, "handed")
    if len(rows):
        start_s, end_s = rows["time_s"] - rows["move_s"], rows["time_s"]
        for own, other, row in (("subject", "peer", "sending"), ("peer", "subject", "receiving")):
            yield _slices(subject=rows[own], peer=rows[other], row=row, start_s=start_s, end_s=end_s, name="state")


def _polls(events: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """What candidates did before they were chosen, or not."""
    rows = _of(events, "polled")
    if rows.empty or "down_s" not in rows:
        return
    sent_s = rows["time_s"] - rows["up_s"]
    computed_s = sent_s - rows["compute_s"]
    subject = rows["subject"]
    yield _slices(
        subject=subject, row="receiving", start_s=computed_s - rows["down_s"], end_s=computed_s, name="model, to judge"
    )
    yield _slices(subject=subject, row="sending", start_s=sent_s, end_s=rows["time_s"], name="loss")


def _waits(events: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Peers that wait for models of others."""
    rows = _of(events, "mixed")
    if len(rows):
        for_whom = rows["waited_for"].fillna("").to_numpy(object)
        names = np.where(for_whom == "", "for neighbours", "for " + for_whom)
        start_s = rows["time_s"] - rows["exchange_s"]
        yield _slices(
            subject=rows["subject"],
            row="waiting",
            start_s=start_s,
            end_s=rows["time_s"],
            name=pd.Series(names, index=rows.index),
            round=rows["round"],
        )


def _downs(events: pd.DataFrame, end_s: float) -> pd.DataFrame:
    """Absences, until somebody saw the device back, or else until their reason may end."""
    rows = _of(events, "down")
    if rows.empty:
        return _NO_SLICES
    until_s = rows["until_s"] if "until_s" in rows else rows["time_s"]  # of older records
    seen = _of(events, "down", "back")
    after = seen.groupby("subject")[["kind", "time_s"]].shift(-1).loc[rows.index]
    until_s = until_s.where(after["kind"] != "back", after["time_s"])
    return _slices(
        subject=rows["subject"],
        row="down",
        start_s=rows["time_s"],
        end_s=until_s.fillna(math.inf).clip(upper=end_s),
        name=rows["cause"],
    )


def _of_server(messages: pd.DataFrame, server: str) -> Iterator[pd.DataFrame]:
    """The other end of the devices' messages: stretches in which the server sends, or receives, at least one."""
    for row, other in _TO_AND_FRO.items():
        of_row = messages[(messages["row"] == row) & (messages["subject"] != server)].sort_values("start_s")
        if of_row.empty:
            continue
        starts, ends = of_row["start_s"].to_numpy(float), of_row["end_s"].to_numpy(float)
        latest = np.maximum.accumulate(ends)
        opens = np.flatnonzero(np.append([True], starts[1:] > latest[:-1]))
        counts = np.diff(np.append(opens, len(starts)))
        closes = latest[np.append(opens[1:], len(starts)) - 1]
        names = [f"{count} messages" if count > 1 else "1 message" for count in counts.tolist()]
        yield _slices(subject=server, row=other, start_s=starts[opens], end_s=closes, name=names)
