"""Which part of a round takes longest, and on whose links."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

PHASES = {
    "wake_s": "waking radios",
    "download_s": "download",
    "compute_s": "computing",
    "upload_s": "upload",
    "exchange_s": "waiting for neighbours",
    "server_s": "server",
}
MESSAGES = {
    "message_wake_s": "waking radios",
    "message_setup_s": "setting up connections",
    "message_delay_s": "delay of the way",
    "message_slow_start_s": "slow start",
    "message_bytes_s": "moving bytes, as if alone",
    "message_sharing_s": "sharing links with others",
    "message_outage_s": "links that were down",
    "message_resend_s": "sending again what failed",
}
WAITS = {"deadline": "waiting for the deadline", "failures": "waiting for devices that failed"}


@dataclass(frozen=True, kw_only=True)
class Slowest:
    """Where the time of the rounds went, followed along the device that closed each round.

    ``seconds`` by phase, and by link within the slowest phase: of the closing device or, where peers wait for each
    other, of the neighbour whose model came last. A round that nobody closed in time counts as a wait for its
    deadline or, where there is none, for the devices that failed. Among peers every peer's every round counts.
    ``messages`` is where the time of these devices' messages went: of the answer that closed a round, down and up, or
    of the model that a peer waited for last.
    """

    rounds: int
    seconds: Mapping[str, float]
    phase: str
    share: float
    seconds_by_link: Mapping[str, float]
    closers: Mapping[str, int]
    messages: Mapping[str, float] = field(default_factory=dict)

    def sentence(self) -> str:
        """The slowest part and why, for people."""
        if not self.rounds or not self.phase:
            return "no round ended"
        link, seconds = max(self.seconds_by_link.items(), key=lambda item: item[1], default=("", 0.0))
        total = sum(self.seconds_by_link.values())
        text = f"{self.phase}: {100 * self.share:.0f} % of the time of rounds"
        return f"{text}, {100 * seconds / total:.0f} % of it on {link}" if link and total else text


def slowest(events: pd.DataFrame) -> Slowest:
    """Read it from the record: ``round`` events of a server, or ``mixed`` events of peers."""
    rounds = events[events["kind"].isin(["round", "mixed"])]
    if rounds.empty:  # the columns that there are then belong to messages of a round that was not to end
        return Slowest(rounds=0, seconds={}, phase="", share=0.0, seconds_by_link={}, closers={})
    parts = {name: rounds[name].fillna(0.0) for name in PHASES if name in rounds}
    seconds = {PHASES[name]: float(values.sum()) for name, values in parts.items()}
    if "closed_by" in rounds:
        for closer, text in WAITS.items():
            overdue = rounds[rounds["closed_by"] == closer]
            seconds[text] = float((overdue["seconds"] - overdue["server_s"]).sum())
    phase = max(seconds, key=lambda name: seconds[name], default="")
    column = {text: name for name, text in PHASES.items()}.get(phase)
    links: dict[str, float] = {}
    if column:
        by_link = parts[column].groupby(rounds["waited_link" if column == "exchange_s" else "link"]).sum()
        links = {str(link): float(value) for link, value in by_link.items()}
    closers = rounds["closed_by"].value_counts().sort_index() if "closed_by" in rounds else pd.Series(dtype=int)
    total = sum(seconds.values())
    return Slowest(
        rounds=len(rounds),
        seconds=seconds,
        phase=phase,
        share=seconds[phase] / total if total else 0.0,
        seconds_by_link=links,
        closers={str(name): int(count) for name, count in closers.items()},
        messages={text: float(rounds[name].fillna(0.0).sum()) for name, text in MESSAGES.items() if name in rounds},
    )
