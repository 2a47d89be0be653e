"""Asynchronous gossip: from an average of two peers to what either waited for, and on through their earlier ones."""

from fedsim.study.path.happenings import Happenings, Row
from fedsim.study.path.message import FAILED, step_over
from fedsim.study.path.peers import EXCHANGE, Standing, began_because
from fedsim.study.path.waits import UNFINISHED
from fedsim.study.path.walk import Walk, Where, is_same

FOR_A_TURN = "waiting for a turn"


def follow_pairs(walk: Walk, record: Happenings) -> None:
    """From the last average by then to the start of the run; who only answers, and works alone, decides nothing.

    The reply came last, before it the model that it answers, before that the turn of both: it came with another
    average of either, which is followed next, or at once, and then it was the asking peer's computing.
    """
    row = record["mixed"].latest(walk.at_s, models=1) or record["mixed"].latest(walk.at_s)
    if row is None:
        walk.back_to(0.0, UNFINISHED, Where(round=1))
        return
    walk.back_to(row.time_s, UNFINISHED, Where(round=int(row.number("round")) + 1))
    while row is not None:
        row = _follow_average(walk, record, row)


def _follow_average(walk: Walk, record: Happenings, row: Row) -> Row | None:
    """One average, or round alone, back to the one that it waited for or began after."""
    peer, partner, number = row.text("subject"), row.text("waited_for"), int(row.number("round"))
    where = Where(round=number, device=peer)
    computed_s = row.time_s - row.number("exchange_s")
    if partner:
        turn_s = computed_s + row.number("turn_s")
        _message(walk, record, row, (partner, peer, row.text("waited_link")))
        _message(walk, record, row, (peer, partner, row.text("link")))
        walk.back_to(turn_s, FAILED, Where(round=number, device=peer, link=row.text("link")))
        if not is_same(turn_s, computed_s) and (other := _gave_way(walk, record, row)) is not None:
            return other
    walk.back_to(computed_s, FOR_A_TURN, where)
    walk.back_to(computed_s - row.number("compute_s"), "computing", where)
    return began_because(walk, record, Standing(peer, row.place))


def _message(walk: Walk, record: Happenings, row: Row, way: tuple[str, str, str]) -> None:
    """Back over the model that one of the two sent the other, if it arrived just then."""
    source, target, link = way
    message = record["passed"].at(walk.at_s, row.place, subject=source, peer=target)
    if message is not None:
        step_over(walk, message, EXCHANGE, Where(round=int(row.number("round")), device=source, link=link))


def _gave_way(walk: Walk, record: Happenings, row: Row) -> Row | None:
    """The average with which the turn of these two came."""
    ends = (row.text("subject"), row.text("waited_for"))
    averages = record["mixed"]
    found = [averages.at(walk.at_s, row.place, **{name: end}) for name in ("subject", "waited_for") for end in ends]
    return max((other for other in found if other is not None), key=lambda other: other.place, default=None)
