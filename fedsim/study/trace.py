"""A run as a file that Perfetto (https://ui.perfetto.dev) and chrome://tracing open: Chrome's trace-event JSON.

The format is that of "Trace Event Format" (Google, 2016): complete events (``X``) with ``ts`` and ``dur`` in
microseconds, instants (``i``), counters (``C``) and names (``M``). Simulated time is exact to the nanosecond.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from fedsim.study.counters import Counter, counters
from fedsim.study.lanes import lanes
from fedsim.study.result import Result
from fedsim.study.timeline import ROWS, Timeline, timeline

_RUN: Final = 1
_LANES: Final = 1000
_EVENTS: Final = len(ROWS) * _LANES

Event = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Slices and moments that begin from ``from_s`` on and before ``until_s`` are shown, at most ``most`` of them."""

    from_s: float = 0.0
    until_s: float = math.inf
    most: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Traced:
    """How many events a trace has, and if that was too many, until when it goes."""

    events: int
    until_s: float | None


def write_trace(result: Result, path: Path, window: Window | None = None) -> Traced:
    """Write the trace of a run; equal runs give equal bytes.

    A process for each device that took part and each server, with rows for what it does; where several messages
    overlap, further rows. Counters and outages belong to the run.
    """
    whole = timeline(result.events, result.summary.simulated_s)
    found, until_s = _seen(whole, window or Window())
    events = sorted(_events(result, whole, found), key=lambda event: event.get("ts", -1.0))
    notes = {
        "scenario": result.scenario.name,
        "seed": result.seed,
        "fedsim": result.summary.version,
        "simulated_s": result.summary.simulated_s,
        "complete": until_s is None,
    }
    with path.open("w", encoding="utf-8") as file:
        told = json.dumps(notes, ensure_ascii=False)
        file.write(f'{{"displayTimeUnit": "ms", "otherData": {told},\n"traceEvents": [\n')
        file.writelines(_lines(events))
        file.write("\n]}\n")
    return Traced(events=len(events), until_s=until_s)


def _lines(events: Iterable[Event]) -> Iterator[str]:
    write = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    for number, event in enumerate(events):
        yield f",\n{write(event)}" if number else write(event)


def _seen(whole: Timeline, window: Window) -> tuple[Timeline, float | None]:
    """What the window shows; and until when, if it would be too much."""
    starts_s = np.sort(np.concatenate([whole.slices["start_s"], whole.moments["time_s"]]).astype(float))
    inside = starts_s[(starts_s >= window.from_s) & (starts_s < window.until_s)]
    cut_s = float(inside[window.most]) if window.most is not None and len(inside) > window.most else None
    until_s = window.until_s if cut_s is None else cut_s
    slices, moments = whole.slices, whole.moments
    found = Timeline(
        slices=slices[(slices["start_s"] >= window.from_s) & (slices["start_s"] < until_s)],
        moments=moments[(moments["time_s"] >= window.from_s) & (moments["time_s"] < until_s)],
        servers=whole.servers,
        end_s=min(whole.end_s, until_s),
    )
    return found, cut_s


def _events(result: Result, whole: Timeline, found: Timeline) -> Iterator[Event]:
    shown = [counter for counter in counters(result, whole) if len(counter.times_s)]
    pids = _pids(found, shown)
    yield _name("process_name", _RUN, {"name": f"{result.scenario.name}, seed {result.seed}"})
    for subject, pid in pids.items():
        yield _name("process_name", pid, {"name": subject})
        yield _name("process_sort_index", pid, {"sort_index": pid})
    yield from _slices(found.slices, pids)
    yield from _moments(found.moments, pids)
    for counter in shown:
        yield from _counter(counter, pids.get(counter.subject, _RUN), found.end_s)


def _pids(found: Timeline, shown: Iterable[Counter]) -> Mapping[str, int]:
    """A process for each subject: servers first, then devices by name."""
    others = {*found.slices["subject"], *(counter.subject for counter in shown if counter.subject)}
    ordered = [*found.servers, *sorted(others - set(found.servers))]
    return {subject: pid for pid, subject in enumerate(ordered, start=_RUN + 1)}


def _name(what: str, pid: int, args: Mapping[str, Any], tid: int = 0) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": args}


def _slices(slices: pd.DataFrame, pids: Mapping[str, int]) -> Iterator[Event]:
    start, end = _ns(slices["start_s"]), _ns(slices["end_s"])
    pid = slices["subject"].map(pids).to_numpy(np.int64)
    row = slices["row"].map({name: i for i, name in enumerate(ROWS)}).to_numpy(np.int64)
    tid = row * _LANES + lanes(pid * len(ROWS) + row, start, end)
    for at_pid, at_tid in sorted(set(zip(pid.tolist(), tid.tolist(), strict=True))):
        name, lane = ROWS[at_tid // _LANES], at_tid % _LANES
        yield _name("thread_name", at_pid, {"name": f"{name} {lane + 1}" if lane else name}, at_tid)
        yield _name("thread_sort_index", at_pid, {"sort_index": at_tid}, at_tid)
    columns = (pid, tid, start, end - start, slices["name"], slices["row"], slices["round"], slices["peer"])
    for own, thread, begin, length, name, kind, number, peer in zip(*map(_plain, columns), strict=True):
        if length > 0:
            yield {
                "ph": "X",
                "name": name,
                "cat": kind,
                "pid": own,
                "tid": thread,
                "ts": begin / 1000,
                "dur": length / 1000,
                "args": _args(number, peer),
            }


def _args(number: float, peer: Any) -> dict[str, Any]:
    """What is known of the round and the peer; what is not is NaN."""
    args: dict[str, Any] = {} if math.isnan(number) else {"round": int(number)}
    return {**args, "peer": peer} if isinstance(peer, str) else args


def _plain(column: Any) -> list[Any]:
    """As Python's own values."""
    plain: list[Any] = np.asarray(column, dtype=object).tolist()
    return plain


def _moments(moments: pd.DataFrame, pids: Mapping[str, int]) -> Iterator[Event]:
    """On the device's or server's own row, or, of what is nobody's, on the run's."""
    named = set()
    for at, fields in zip(_ns(moments["time_s"]).tolist(), moments.to_dict("records"), strict=True):
        pid = pids.get(fields["subject"], _RUN)
        if pid not in named:
            named.add(pid)
            yield _name("thread_name", pid, {"name": "events"}, _EVENTS)
            yield _name("thread_sort_index", pid, {"sort_index": _EVENTS}, _EVENTS)
        rest = {str(name): value for name, value in fields.items() if name not in {"time_s", "name"}}
        args = {name: value for name, value in rest.items() if _is_known(value)}
        yield {
            "ph": "i",
            "name": fields["name"],
            "cat": "event",
            "pid": pid,
            "tid": _EVENTS,
            "ts": at / 1000,
            "s": "g" if pid == _RUN else "t",
            "args": args,
        }


def _is_known(value: Any) -> bool:
    """Whether a field of an event is there, and JSON has a word for it."""
    return not isinstance(value, float) or math.isfinite(value)


def _counter(counter: Counter, pid: int, end_s: float) -> Iterator[Event]:
    for at, value in zip(_ns(counter.times_s).tolist(), counter.levels.tolist(), strict=True):
        if at <= end_s * 1e9 and math.isfinite(value):
            yield {"ph": "C", "name": counter.name, "pid": pid, "tid": 0, "ts": at / 1000, "args": {"value": value}}


def _ns(seconds: Any) -> Any:
    """Whole nanoseconds: ends that meet still meet."""
    return np.rint(np.asarray(seconds, dtype=np.float64) * 1e9).astype(np.int64)
