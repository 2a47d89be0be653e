"""The steps of one message."""

from collections.abc import Sequence
from typing import Final

from fedsim.study.path.happenings import Row
from fedsim.study.path.walk import Walk, Where

FAILED: Final = "failed attempts"
QUEUEING: Final = "queueing"
WAKING: Final = "waking radios"

PARTS: Final[Sequence[tuple[str, str, str]]] = (
    ("resend_s", FAILED, "sending again what failed"),
    ("wake_s", WAKING, "waking radios"),
    ("setup_s", "", "setting up connections"),
    ("delay_s", "", "delay of the way"),
    ("slow_start_s", "", "slow start"),
    ("outage_s", "link down", "links that were down"),
    ("sharing_s", QUEUEING, "sharing links with others"),
    ("bytes_s", "", "moving bytes, as if alone"),
)
"""In order of time: field of the record, phase where that is not the message's own, and name for people."""


def length_s(row: Row) -> float:
    """From its sending to its arrival."""
    return row.number("move_s") + row.number("wake_s")


def sent_s(row: Row) -> float:
    """When it was sent."""
    return row.time_s - length_s(row)


def step_over(walk: Walk, row: Row, phase: str, where: Where) -> None:
    """Back over the message of a row, from its arrival, part by part, to its sending."""
    start_s = sent_s(row)
    for name, own, part in reversed(PARTS):
        seconds = row.number(name)
        if seconds > 0:
            walk.back_to(max(walk.at_s - seconds, start_s), own or phase, where, part)
    walk.back_to(start_s, phase, where)
