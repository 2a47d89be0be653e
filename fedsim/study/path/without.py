"""How long rounds would have taken without some devices: an estimate from the answers of the others."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from fedsim.study.path.happenings import Happenings, Row


def without(record: Happenings, devices: Collection[str], until_s: float) -> float | None:
    """Seconds that the rounds of one server by then would have taken; None where that cannot be told.

    Rounds and their invitations stay as they were. A round that one of these devices closed would have ended with the
    last answer of another; one in which nobody else answered takes as long as such rounds do on average. What a round
    waited for beside answers stays: its selection, its server, its deadline. It is an estimate: nobody takes the
    places of the devices that are left out, links are as full as they were, and the learner needs as many rounds.
    """
    rounds = [row for row in record["round"].rows() if row.time_s <= until_s]
    if not rounds or rounds[0].has("staleness") or len(record["handed"]):
        return None
    of_others = np.array([name not in devices for name in record["answered"].texts("subject").tolist()], dtype=np.bool_)
    saved_s = 0.0
    alone_s: list[float] = []
    for row in rounds:
        if row.text("closed_by") not in devices or not row.text("link"):
            continue
        last_s = _last_other_s(record, row, of_others)
        if last_s is None:
            alone_s.append(row.number("seconds"))
        else:
            saved_s += row.time_s - row.number("server_s") - last_s
    kept = len(rounds) - len(alone_s)
    if not kept:
        return None
    others_s = until_s - sum(alone_s) - saved_s
    return others_s * len(rounds) / kept if alone_s else others_s


def _last_other_s(record: Happenings, row: Row, of_others: npt.NDArray[np.bool_]) -> float | None:
    """When the last answer of another device came to a round; ``of_others`` tells which are theirs, of all answers."""
    start_s, closed_s = row.time_s - row.number("seconds"), row.time_s - row.number("server_s")
    answers = record["answered"]
    own = answers.of(round=row.number("round"))
    times_s, places = answers.times_s[own], answers.places[own]
    counted = (times_s >= start_s) & (times_s <= closed_s) & (places < row.place) & of_others[own]
    return float(times_s[counted].max()) if counted.any() else None
