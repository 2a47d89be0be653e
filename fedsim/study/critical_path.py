"""The critical path of a run: the one chain of events that decided when it was over."""

from dataclasses import dataclass, field
from html import escape
from typing import Final

import pandas as pd

from fedsim.study.path.edges import follow_merges
from fedsim.study.path.happenings import Happenings
from fedsim.study.path.pairs import follow_pairs
from fedsim.study.path.peers import follow_peers
from fedsim.study.path.rounds import follow_rounds
from fedsim.study.path.updates import follow_updates
from fedsim.study.path.walk import Walk
from fedsim.study.path.without import without

COLUMNS: Final = ("round", "device", "link", "phase", "part", "start_s", "end_s", "seconds")


@dataclass(frozen=True, kw_only=True, eq=False)
class CriticalPath:
    """``steps``: one after the other, from the start of a run to its end, without a gap.

    ``round`` (of the server or the peer; of asynchronous updates the one that the step led to), ``device`` (or
    server; empty where nobody was at work), ``link`` (of a message: the technology of the device, or ``a to b``
    between servers; empty for all else), ``phase``, ``part`` (of a message: where its time went), ``start_s``,
    ``end_s``, ``seconds``.
    """

    steps: pd.DataFrame
    record: Happenings = field(repr=False)

    def until(self, until_s: float | None) -> "CriticalPath":
        """The path that decided what there was at that instant: to the last round that had ended by then.

        Where there is a server it is the beginning of this path. Among peers it may be another one.
        """
        return self if until_s is None or until_s >= self.seconds_s else _path(self.record, until_s)

    @property
    def seconds_s(self) -> float:
        """How long it is: all of the time of the run."""
        return float(self.steps["end_s"].iloc[-1]) if len(self.steps) else 0.0

    def seconds(self, until_s: float | None = None) -> "pd.Series[float]":
        """Seconds by phase, most first."""
        return self._by("phase", self.until(until_s).steps)

    def by_device(self, until_s: float | None = None) -> "pd.Series[float]":
        """Seconds by device or server, most first; those of nobody are left out."""
        steps = self.until(until_s).steps
        return self._by("device", steps[steps["device"] != ""])

    def by_link(self, until_s: float | None = None) -> "pd.Series[float]":
        """Seconds of messages by link, most first."""
        steps = self.until(until_s).steps
        return self._by("link", steps[steps["link"] != ""])

    def by_part(self, until_s: float | None = None) -> "pd.Series[float]":
        """Seconds of messages by where their time went, most first."""
        steps = self.until(until_s).steps
        return self._by("part", steps[steps["part"] != ""])

    def late(self, until_s: float | None = None) -> "pd.Series[int]":
        """How often each device had not answered by a deadline, or when it was given up; most often first.

        Rounds that wait for their deadline wait for these.
        """
        path = self.until(until_s)
        events = path.record.events
        is_late = (events["kind"] == "wasted") & (events["time_s"] <= path.seconds_s)
        if not is_late.any():
            return pd.Series(dtype=int)
        missed = events.loc[is_late & (events["cause"] == "late"), "subject"]
        return missed.value_counts().sort_index().sort_values(ascending=False, kind="stable")

    def largest(self, until_s: float | None = None) -> pd.DataFrame:
        """The steps of the phase, on one link, that takes most of the time."""
        steps = self.until(until_s).steps
        if steps.empty:
            return steps
        phase, link = steps.groupby(["phase", "link"])["seconds"].sum().sort_values(kind="stable").index[-1]
        found: pd.DataFrame = steps[(steps["phase"] == phase) & (steps["link"] == link)]
        return found

    def without(self, devices: frozenset[str], until_s: float | None = None) -> float | None:
        """How long it would have taken without these devices, as far as the record tells; see ``path.without``.

        None where the record does not tell: where nobody waits for rounds of one server, or no other device answered.
        """
        path = self.until(until_s)
        return without(path.record, devices, path.seconds_s)

    def sentence(self, until_s: float | None = None) -> str:
        """What takes most of the time, whose it is, and how much faster it would be without them, for people.

        ``until_s``: when the run reached its target.
        """
        path = self.until(until_s)
        largest, total_s = path.largest(), path.seconds_s
        if largest.empty:
            return "no time passed"
        share = float(largest["seconds"].sum()) / total_s
        phase, link = largest["phase"].iloc[0], largest["link"].iloc[0]
        devices = frozenset(largest["device"]) - {""}
        what = f"{phase} over {link}" if link else phase
        whose = f" of {len(devices)} devices" if len(devices) > 1 else "".join(f" of {name}" for name in devices)
        time = "time" if until_s is None else "time to target"
        text = f"{100 * share:.0f} % of the {time} is {what}{whose}"
        return f"{text}; {_gain(path, devices, share)}"

    def _repr_html_(self) -> str:
        """For notebooks: the sentence, and the seconds by phase."""
        html: str = self.seconds().to_frame().to_html(float_format="{:.4g}".format)
        return f"<p>{escape(self.sentence())}</p>{html}"

    @staticmethod
    def _by(column: str, steps: pd.DataFrame) -> "pd.Series[float]":
        return steps.groupby(column)["seconds"].sum().sort_values(ascending=False, kind="stable")


def critical_path(events: pd.DataFrame, devices: pd.DataFrame | None = None) -> CriticalPath:
    """Follow it back through the record of a run, under whatever protocol, from the end to the start.

    ``devices``, the run's table of devices, tells the technology of those that closed no round.
    """
    record = Happenings(events, _links(devices))
    return _path(record, record.end_s)


def _links(devices: pd.DataFrame | None) -> dict[str, str]:
    """The technology of each device."""
    if devices is None or devices.empty:
        return {}
    return dict(zip(devices["device"].tolist(), devices["link"].tolist(), strict=True))


def _path(record: Happenings, until_s: float) -> CriticalPath:
    walk = Walk(at_s=until_s)
    if until_s > 0:
        _follow(walk, record)
    rows = [
        (step.where.round, step.where.device, step.where.link, step.phase, step.part, step.start_s, step.end_s)
        for step in reversed(walk.taken)
    ]
    steps = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    steps["seconds"] = (steps["end_s"] - steps["start_s"]).astype(float)
    return CriticalPath(steps=steps, record=record)


def _follow(walk: Walk, record: Happenings) -> None:
    """By the protocol, which the record gives away."""
    events = record.events
    if len(record["merged"]) or len(record["handed"]):
        follow_merges(walk, record)
    elif "turn_s" in events and events["turn_s"].notna().any():
        follow_pairs(walk, record)
    elif len(record["mixed"]):
        follow_peers(walk, record)
    elif "staleness" in events and events["staleness"].notna().any():
        follow_updates(walk, record)
    else:
        follow_rounds(walk, record)


def _gain(path: CriticalPath, devices: frozenset[str], share: float) -> str:
    """An estimate from the other answers, or what is certain: nothing gains more than what it takes."""
    estimate_s = path.without(devices) if devices else None
    if estimate_s is not None and estimate_s < path.seconds_s:
        whom = "them" if len(devices) > 1 else "it"
        return f"without {whom} about {path.seconds_s / estimate_s:.2g} x faster (estimated from the other answers)"
    return f"if it took no time, at most {1 / (1 - share):.2g} x faster" if share < 1 else "nothing else takes time"
