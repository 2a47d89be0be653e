"""Hierarchical rounds: from a merge of the cloud to the edge server that came last, through its rounds, and back."""

from fedsim.study.path.happenings import Happenings, Row
from fedsim.study.path.message import step_over
from fedsim.study.path.rounds import play_back
from fedsim.study.path.waits import UNFINISHED, wait
from fedsim.study.path.walk import Walk, Where

BETWEEN_SERVERS = "between servers"
_WAITS = {"deadline": "waiting for the deadline", "failures": "waiting for edge servers that failed"}


def follow_merges(walk: Walk, record: Happenings) -> None:
    """From the last merge by then to the start of the run."""
    row = record["merged"].latest(walk.at_s)
    if row is None:
        walk.back_to(0.0, UNFINISHED, Where(round=1))
        return
    cloud = row.text("subject")
    walk.back_to(row.time_s, UNFINISHED, Where(round=int(row.number("round")) + 1, device=cloud))
    while row is not None:
        number = int(row.number("round"))
        _follow_merge(walk, record, row)
        row = record["merged"].latest(walk.at_s, row.place)
        wait(walk, record, row.time_s if row is not None else 0.0, cloud, number)


def _follow_merge(walk: Walk, record: Happenings, row: Row) -> None:
    number, cloud, edge = int(row.number("round")), row.text("subject"), row.text("waited_for")
    start_s = row.time_s - row.number("seconds")
    walk.back_to(row.time_s - row.number("server_s"), "server", Where(round=number, device=cloud))
    why = row.text("closed_by") or edge
    if why != edge or not edge:
        walk.back_to(start_s, _WAITS.get(why, "lost with the server"), Where(round=number))
        return
    _handed(walk, record, row, (edge, cloud))
    last = record["round"].latest(walk.at_s, row.place, subject=edge)
    arrived = record["handed"].latest(walk.at_s, row.place, subject=cloud, peer=edge)
    since_s = max(start_s, arrived.time_s if arrived is not None else start_s)
    if last is not None and last.time_s > since_s:
        wait(walk, record, last.time_s, edge, number)
        play_back(walk, record, last, since_s)
    wait(walk, record, since_s, edge, number)
    _handed(walk, record, row, (cloud, edge))
    wait(walk, record, start_s, edge, number)


def _handed(walk: Walk, record: Happenings, row: Row, ends: tuple[str, str]) -> None:
    """Back over a state's way from one server to another, if it arrived just then."""
    source, target = ends
    message = record["handed"].at(walk.at_s, row.place, subject=source, peer=target)
    if message is not None:
        where = Where(round=int(row.number("round")), device=source, link=f"{source} to {target}")
        step_over(walk, message, BETWEEN_SERVERS, where)
