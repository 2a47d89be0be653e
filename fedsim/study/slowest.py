"""What took longest: the critical path of a run in a few numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from fedsim.study.critical_path import CriticalPath, critical_path


@dataclass(frozen=True, kw_only=True)
class Slowest:
    """Where the time of a run went, to its target or else its end, along its critical path.

    ``seconds`` by phase; together they are all of that time. ``phase`` and ``share`` are those of the longest, and
    ``seconds_by_link`` is it by link. ``messages`` is where the time of the messages on the path went. ``why`` says
    the longest phase on one link, whose it is, and what would be gained without them. ``rounds`` is how many had ended
    by then (among peers: of all peers), and ``closers`` what closed how many of them.
    """

    rounds: int
    seconds: Mapping[str, float]
    phase: str
    share: float
    seconds_by_link: Mapping[str, float]
    closers: Mapping[str, int]
    messages: Mapping[str, float] = field(default_factory=dict)
    why: str = ""

    def sentence(self) -> str:
        """The slowest part and why, for people. Older results have no ``why``."""
        if not self.rounds or not self.phase:
            return "no round ended"
        if self.why:
            return self.why
        link, seconds = max(self.seconds_by_link.items(), key=lambda item: item[1], default=("", 0.0))
        total = sum(self.seconds_by_link.values())
        text = f"{self.phase}: {100 * self.share:.0f} % of the time of rounds"
        return f"{text}, {100 * seconds / total:.0f} % of it on {link}" if link and total else text


def slowest(events: pd.DataFrame, devices: pd.DataFrame | None = None, until_s: float | None = None) -> Slowest:
    """Read it from the record of a run, up to an instant or its end; see ``critical_path``."""
    path = critical_path(events, devices)
    why = path.sentence(until_s)
    return _in_numbers(path.until(until_s), why)


def _in_numbers(path: CriticalPath, why: str) -> Slowest:
    events, until_s = path.record.events, path.seconds_s
    rounds = events[events["kind"].isin(["round", "mixed"]) & (events["time_s"] <= until_s)]
    seconds = _plain(path.seconds())
    phase = next(iter(seconds), "")
    of_phase = path.steps[(path.steps["phase"] == phase) & (path.steps["link"] != "")]
    closers = rounds["closed_by"].value_counts().sort_index() if "closed_by" in rounds else pd.Series(dtype=int)
    return Slowest(
        rounds=len(rounds),
        seconds=seconds,
        phase=phase,
        share=seconds[phase] / until_s if phase else 0.0,
        seconds_by_link=_plain(of_phase.groupby("link")["seconds"].sum()),
        closers={str(name): int(count) for name, count in closers.items()},
        messages=_plain(path.by_part()),
        why=why,
    )


def _plain(series: "pd.Series[float]") -> dict[str, float]:
    return {str(name): float(value) for name, value in series.items()}
