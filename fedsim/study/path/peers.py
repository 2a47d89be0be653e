"""Synchronous gossip: from a peer that has mixed to the neighbour whose model came last, and on through the rounds."""

from dataclasses import dataclass

from fedsim.study.path.happenings import Happenings, Row
from fedsim.study.path.message import FAILED, sent_s, step_over
from fedsim.study.path.waits import UNFINISHED
from fedsim.study.path.walk import Walk, Where, is_same, noise_s

EXCHANGE = "exchange"
FOR_NEIGHBOURS = "waiting for neighbours"
AWAY = "away"


@dataclass(frozen=True, slots=True)
class Standing:
    """A peer that is about to begin a round; what led to that comes before this place in the record."""

    peer: str
    before: int


def follow_peers(walk: Walk, record: Happenings) -> None:
    """From the last round that any peer has ended by then to the start of the run.

    A round ended with the peer's own computing if all models were there by then, else with the model that came last:
    that left when its sender had computed (or began to, if it sends first), and that began when the sender had mixed.
    """
    row = record["mixed"].latest(walk.at_s)
    if row is None:
        walk.back_to(0.0, UNFINISHED, Where(round=1))
        return
    walk.back_to(row.time_s, UNFINISHED, Where(round=int(row.number("round")) + 1))
    while row is not None:
        row = began_because(walk, record, _follow_round(walk, record, row))


def began_because(walk: Walk, record: Happenings, standing: Standing) -> Row | None:
    """The round that a peer ended when it began the next; before that it was away, if there is a gap."""
    row = record["mixed"].latest(walk.at_s, standing.before, subject=standing.peer)
    walk.back_to(row.time_s if row is not None else 0.0, AWAY, Where(device=standing.peer))
    return row


def _follow_round(walk: Walk, record: Happenings, row: Row) -> Standing:
    """One round of one peer; whose beginning led to its end."""
    peer, number = row.text("subject"), int(row.number("round"))
    where = Where(round=number, device=peer)
    computed_s = row.time_s - row.number("exchange_s")
    if not is_same(computed_s, row.time_s):
        last = record["passed"].at(row.time_s, row.place, peer=peer)
        if last is not None:
            return _follow_message(walk, record, last, number)
        walk.back_to(computed_s, FOR_NEIGHBOURS, where)
    walk.back_to(computed_s - row.number("compute_s"), "computing", where)
    return Standing(peer, row.place)


def _follow_message(walk: Walk, record: Happenings, message: Row, number: int) -> Standing:
    """Back over a model's way, and over what its sender did before that."""
    sender = message.text("subject")
    where = Where(round=number, device=sender, link=_link(record, sender))
    step_over(walk, message, EXCHANGE, where)
    began_s, computed_s = _round_of(record, message)
    while not is_same(walk.at_s, computed_s) and not is_same(walk.at_s, began_s):
        earlier = record["passed"].at(walk.at_s, message.place, subject=sender, peer=message.text("peer"))
        if earlier is None:
            break
        message = earlier  # the courier was on its way with that one
        step_over(walk, message, EXCHANGE, where)
        began_s, computed_s = _round_of(record, message)
    offered_s = computed_s if walk.at_s > computed_s - noise_s(computed_s) else began_s
    walk.back_to(offered_s, FAILED, where)
    if not is_same(walk.at_s, began_s):
        walk.back_to(began_s, "computing", Where(round=number, device=sender))
    return Standing(sender, message.place)


def _round_of(record: Happenings, message: Row) -> tuple[float, float]:
    """When the round of a message's sender began, and when it had computed.

    Where that round has not ended yet, the message was sent at its beginning, or when it had computed: whichever it is,
    computing is what lies between.
    """
    sender, number = message.text("subject"), message.number("round")
    own = next(
        (row for row in record["mixed"].rows(subject=sender, round=number) if row.time_s >= sent_s(message)), None
    )
    if own is not None:
        computed_s = own.time_s - own.number("exchange_s")
        return computed_s - own.number("compute_s"), computed_s
    before = record["mixed"].latest(sent_s(message), message.place, subject=sender)
    began_s = before.time_s if before is not None else 0.0
    return began_s, sent_s(message)


def _link(record: Happenings, peer: str) -> str:
    """The technology of a peer, as its rounds tell."""
    mixed = record["mixed"].latest(record.end_s, subject=peer)
    return record.link(mixed, peer) if mixed is not None else record.links.get(peer, "")
