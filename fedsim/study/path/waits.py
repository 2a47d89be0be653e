"""Stretches in which nobody was at work."""

from typing import Final

from fedsim.study.path.happenings import Happenings
from fedsim.study.path.walk import Walk, Where

FOR_DEVICES: Final = "waiting for devices"
SERVER_DOWN: Final = "server down"
UNFINISHED: Final = "unfinished round"


def wait(walk: Walk, record: Happenings, since_s: float, server: str, number: int) -> None:
    """A server waited until then: for devices to come, or while it was down itself, to be repaired."""
    down = record["down"].latest(walk.at_s, subject=server)
    if down is not None and since_s <= down.time_s < walk.at_s:
        walk.back_to(down.time_s, SERVER_DOWN, Where(round=number, device=server))
    walk.back_to(since_s, FOR_DEVICES, Where(round=number))
