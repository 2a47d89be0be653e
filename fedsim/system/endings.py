"""Devices that have ended an exchange and have been let alone since: what they have spent, and who of them rests."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fedsim.system.device_spec import DeviceKind
from fedsim.system.meter import CAUSES, Joules
from fedsim.system.tally import Tally

_RADIO: Final = CAUSES.index("radio")
_SLEEP: Final = CAUSES.index("sleep")


class Ending(NamedTuple):
    """How an exchange left a device of one radio: when, and what the device had spent by then, over all its time.

    ``had_j`` is the charge with which it began, infinite on the mains; until ``sure_s`` nothing can happen to that.
    """

    ended_s: float
    spent_j: Joules
    sent_bytes: float
    received_bytes: float
    compute_s: float
    had_j: float
    sure_s: float


class Standing(NamedTuple):
    """How a device stands: what it has spent, the charge that it has left, infinite on the mains, and whether it rests.

    One that rests draws its standby power and nothing else.
    """

    spent: Tally
    left_j: float
    rests: bool


class Endings:
    """Endings of devices, by row. What follows one until the device is touched again is known: a tail, and standby."""

    def __init__(self, kinds: Sequence[DeviceKind], kind: npt.NDArray[np.integer]) -> None:
        """``kind`` is the number of each row's kind, (n,)."""
        self._kinds = kinds
        self._kind = kind
        self._endings: dict[int, Ending] = {}
        self.put = self._endings.__setitem__
        """An exchange of the device of this row has ended so."""

    def drop(self, row: int) -> None:
        """Something else begins with it."""
        self._endings.pop(row, None)

    def drop_all(self) -> None:
        """The meters of all of them are settled by somebody."""
        self._endings.clear()

    def standings(self, rows: Iterable[int], now_s: float) -> dict[int, Standing]:
        """How those of these rows stand that have ended an exchange.

        In the arithmetic of ``PowerMeter.peek``, for all devices of a kind at once, to the last digit.
        """
        ended = [(row, ending) for row in rows if (ending := self._endings.get(row)) and now_s < ending.sure_s]
        of_kind: dict[int, list[tuple[int, Ending]]] = {}
        for number, one in zip(self._kind[[row for row, _ in ended]].tolist(), ended, strict=True):
            of_kind.setdefault(number, []).append(one)
        found: dict[int, Standing] = {}
        for number, chosen in of_kind.items():
            rows_of_kind, endings = zip(*chosen, strict=True)
            found.update(zip(rows_of_kind, _standings(self._kinds[number], endings, now_s), strict=True))
        return found


def _standings(kind: DeviceKind, endings: Sequence[Ending], now_s: float) -> Iterator[Standing]:
    """Of devices of one kind."""
    ended_s, spent_by_then_j, sent_bytes, received_bytes, compute_s, had_j, _ = zip(*endings, strict=True)
    since_s, spent_j = np.array(ended_s), np.array(spent_by_then_j)
    spent_j[:, _SLEEP] += kind.sleep_w * (now_s - since_s)
    for _, duration_s, power_w in kind.radio.named_tails:
        until_s = since_s + duration_s
        spent_j[:, _RADIO] += power_w * np.maximum(np.minimum(now_s, until_s) - since_s, 0.0)
        since_s = until_s
    spent_j[:, _SLEEP] += kind.radio.idle_w * np.maximum(now_s - since_s, 0.0)
    left_j = np.array(had_j) - np.cumsum(spent_j, axis=1)[:, -1]
    tallies = zip(*spent_j.T.tolist(), sent_bytes, received_bytes, compute_s, strict=True)
    return map(Standing, tallies, left_j.tolist(), (since_s <= now_s).tolist())
