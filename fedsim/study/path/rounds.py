"""Rounds of one server: each is followed back along the device that closed it, or what was waited for."""

from fedsim.study.path.happenings import Happenings, Row
from fedsim.study.path.message import step_over
from fedsim.study.path.waits import FOR_DEVICES, UNFINISHED, wait
from fedsim.study.path.walk import Walk, Where, noise_s

SELECTION = "selection"
_WAITS = {"deadline": "waiting for the deadline", "failures": "waiting for devices that failed"}


def follow_rounds(walk: Walk, record: Happenings) -> None:
    """From the last round that has ended by then to the start of the run."""
    row = record["round"].latest(walk.at_s)
    if row is None:
        walk.back_to(0.0, UNFINISHED, Where(round=1))
        return
    server = row.text("subject")
    walk.back_to(row.time_s, UNFINISHED, Where(round=_number(row) + 1, device=server))
    play_back(walk, record, row, 0.0)


def play_back(walk: Walk, record: Happenings, last: Row, since_s: float) -> None:
    """One server's rounds from this one back to an instant; the walk stands at this round's end."""
    row: Row | None = last
    server = last.text("subject")
    while row is not None and row.time_s > since_s:
        number = _number(row)
        follow_round(walk, record, row)
        row = record["round"].latest(walk.at_s, row.place, subject=server)
        wait(walk, record, max(since_s, row.time_s if row is not None else 0.0), server, number)


def follow_round(walk: Walk, record: Happenings, row: Row) -> None:
    """One round, from its end to its beginning."""
    number, server = _number(row), row.text("subject")
    start_s, closed_s = row.time_s - row.number("seconds"), row.time_s - row.number("server_s")
    walk.back_to(closed_s, "server", Where(round=number, device=server))
    closer = row.text("closed_by")
    answer = record["answered"].latest(closed_s, row.place, subject=closer) if row.text("link") else None
    if answer is not None:
        follow_part(walk, record, answer, Where(round=number, device=closer, link=row.text("link")))
    elif not row.number("invited"):
        walk.back_to(start_s, FOR_DEVICES, Where(round=number))
    else:
        _overdue(walk, record, row)
    walk.back_to(start_s, SELECTION, Where(round=number))


def follow_part(walk: Walk, record: Happenings, answer: Row, where: Where) -> Row | None:
    """One device's part, from the arrival of its answer to when it was asked; the row of its download, if any."""
    asked, alone = answer.number("round"), Where(round=where.round, device=where.device)
    step_over(walk, answer, "upload", where)
    trained = record["trained"].latest(walk.at_s, answer.place, subject=where.device, round=asked)
    if trained is not None:
        walk.back_to(trained.time_s - trained.number("compute_s"), "computing", alone)
    received = record["received"].latest(walk.at_s, answer.place, subject=where.device, round=asked)
    if received is not None:
        step_over(walk, received, "download", where)
    return received


def _overdue(walk: Walk, record: Happenings, row: Row) -> None:
    """Nobody closed it: it waited for its deadline, for the last of those that failed, or went with its server."""
    number, why = _number(row), row.text("closed_by")
    start_s = row.time_s - row.number("seconds")
    phase, device = _WAITS.get(why, "lost with the server"), ""
    if why == "failures":
        failed = record["wasted"].at(walk.at_s, row.place)
        device = failed.text("subject") if failed is not None else ""
    elif why == "deadline" and row.has("grace_s"):
        walk.back_to(max(walk.at_s - row.number("grace_s"), start_s), "grace", Where(round=number))
    walk.back_to(_asked_s(record, row, start_s), phase, Where(round=number, device=device))


def _asked_s(record: Happenings, row: Row, start_s: float) -> float:
    """When the first devices were asked that received anything in this round; its beginning, if none did."""
    received = record["received"]
    own = received.of(round=row.number("round"))
    asked_s = (received.times_s - received.numbers("move_s") - received.numbers("wake_s"))[own]
    asked_s = asked_s[(asked_s >= start_s - noise_s(start_s)) & (received.places[own] < row.place)]
    return float(asked_s.min()) if len(asked_s) else start_s


def _number(row: Row) -> int:
    return int(row.number("round"))
