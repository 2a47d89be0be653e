"""Asynchronous updates: from the answer that filled a buffer to why that device was asked then."""

from fedsim.study.path.happenings import Happenings, Row
from fedsim.study.path.message import length_s
from fedsim.study.path.rounds import follow_part
from fedsim.study.path.waits import UNFINISHED, wait
from fedsim.study.path.walk import Walk, Where, is_same

_FAILED = "waiting for devices that failed"


def follow_updates(walk: Walk, record: Happenings) -> None:
    """From the last update by then to the start of the run.

    A device was asked when an update was made, when another device's answer or failure gave its place free (with a
    timeout: when that failure was noticed), or when it came itself while a place was free; that is followed next.
    """
    row = record["round"].latest(walk.at_s)
    if row is None:
        walk.back_to(0.0, UNFINISHED, Where(round=1))
        return
    walk.back_to(row.time_s, UNFINISHED, Where(round=int(row.number("round")) + 1, device=row.text("subject")))
    while row is not None:
        row = _follow_update(walk, record, row)


def _follow_update(walk: Walk, record: Happenings, row: Row) -> Row | None:
    """One update, back to the one on which its answer was based; None at the start of the run."""
    number, server, closer = int(row.number("round")), row.text("subject"), row.text("closed_by")
    walk.back_to(row.time_s - row.number("server_s"), "server", Where(round=number, device=server))
    answer = record["answered"].latest(walk.at_s, row.place, subject=closer)
    earlier = record["round"].latest(walk.at_s, row.place, subject=server)
    if earlier is not None and is_same(earlier.time_s, walk.at_s) and (answer is None or answer.place < earlier.place):
        return earlier  # the answer was there already: the server was at that update
    if answer is None:
        wait(walk, record, 0.0, server, number)
        return None
    wait(walk, record, answer.time_s, server, number)
    before = _follow_answer(walk, record, answer, number)
    return _asked_because(walk, record, before, number)


def _asked_because(walk: Walk, record: Happenings, before: int, number: int) -> Row | None:
    """Back from the instant in which a device was asked to the update that was made then, or to the start."""
    while walk.at_s > 0:
        update = record["round"].at(walk.at_s, before)
        if update is not None:
            return update
        answer, failure = record["answered"].at(walk.at_s, before), record["wasted"].at(walk.at_s, before)
        missed = record["missed"].at(walk.at_s, before)
        if answer is not None:
            before = _follow_answer(walk, record, answer, number)
        elif missed is not None:
            before = missed.place
            where = Where(round=number, device=missed.text("subject"))
            walk.back_to(missed.time_s - missed.number("seconds"), _FAILED, where)
        elif failure is not None:
            before = failure.place
            where = Where(round=number, device=failure.text("subject"))
            walk.back_to(_began_s(record, failure), _FAILED, where)
        else:
            latest = _latest(record, walk.at_s, before)
            server = record["round"].latest(walk.at_s)
            name = server.text("subject") if server is not None else ""
            wait(walk, record, latest.time_s if latest is not None else 0.0, name, number)
            before = latest.place + 1 if latest is not None else 0
    return None


def _follow_answer(walk: Walk, record: Happenings, answer: Row, number: int) -> int:
    """Back to when it was asked; everything that led to that comes before this place in the record."""
    device = answer.text("subject")
    closed = record["round"].latest(answer.time_s, closed_by=device) or record["round"].latest(
        record.end_s, closed_by=device
    )
    link = record.link(closed, device) if closed is not None else record.links.get(device, "")
    received = follow_part(walk, record, answer, Where(round=number, device=device, link=link))
    return (received or answer).place


def _began_s(record: Happenings, failure: Row) -> float:
    """When the part of a device that failed began; if it never received anything, when anybody last got a place."""
    device = failure.text("subject")
    received = record["received"].latest(failure.time_s, failure.place, subject=device)
    ends = [record[kind].latest(failure.time_s, failure.place, subject=device) for kind in ("answered", "wasted")]
    if received is not None and all(end is None or end.place < received.place for end in ends):
        return received.time_s - length_s(received)
    latest = _latest(record, failure.time_s, failure.place)
    return latest.time_s if latest is not None else 0.0


def _latest(record: Happenings, time_s: float, before: int) -> Row | None:
    """The last update, answer or failure before this instant."""
    found = [record[kind].latest(time_s, before) for kind in ("round", "answered", "wasted")]
    rows = [row for row in found if row is not None]
    return max(rows, key=lambda row: row.place, default=None)
