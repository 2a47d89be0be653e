"""Devices that have ended an exchange and have been let alone since: what they have spent, and who of them rests."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fedsim.system.device_spec import DeviceKind
from fedsim.system.meter import CAUSES, Joules
from fedsim.system.process import Array, Bools
from fedsim.system.tally import Tally

_RADIO: Final = CAUSES.index("radio")
_SLEEP: Final = CAUSES.index("sleep")


class Ending(NamedTuple):
    """How an exchange left a device of one radio: when, and what the device had spent by then, over all its time.

    ``seconds`` are those of its radio in each state. ``had_j`` is the charge with which it began, infinite on the
    mains; until ``sure_s`` nothing can happen to that.
    """

    ended_s: float
    spent_j: Joules
    sent_bytes: float
    received_bytes: float
    compute_s: float
    seconds: Mapping[str, float]
    had_j: float
    sure_s: float


ending = partial(tuple.__new__, Ending)  # as Ending does, in two thirds of the time


class Standing(NamedTuple):
    """How a device stands: what it has spent, the charge that it has left, infinite on the mains, and whether it rests.

    One that rests draws its standby power and nothing else.
    """

    spent: Tally
    left_j: float
    rests: bool


class Endings:
    """Endings of devices, by row. What follows one until the device is touched again is known: a tail, and standby.

    All is in the arithmetic of ``PowerMeter``, for all devices of a kind at once, to the last digit.
    """

    def __init__(self, kinds: Sequence[DeviceKind], kind: npt.NDArray[np.integer]) -> None:
        """``kind`` is the number of each row's kind, (n,)."""
        self._kinds = kinds
        self._kind = kind
        self._endings: dict[int, Ending] = {}
        self.put = self._endings.__setitem__
        """An exchange of the device of this row has ended so."""

    def drop(self, row: int) -> None:
        """Something else begins with it, or its accounts were brought up to date."""
        self._endings.pop(row, None)

    def is_sure(self, row: int, now_s: float) -> bool:
        """Whether it is certain how this device stands; it has charge then."""
        return row in self._endings and now_s < self._endings[row].sure_s

    def standings(self, rows: Iterable[int], now_s: float) -> dict[int, Standing]:
        """How those of these rows stand that have ended an exchange."""
        found: dict[int, Standing] = {}
        for kind, rows_of_kind, endings in self._ended(rows, now_s):
            found.update(zip(rows_of_kind, _standings(kind, endings, now_s), strict=True))
        return found

    def logs(
        self, rows: Iterable[int], states: Sequence[str], now_s: float
    ) -> Iterator[tuple[list[int], Array, Array]]:
        """What they have done, some at a time: who, what they have spent, and their seconds in these states.

        n rows, (n, 9) in the order of ``OF_TALLY``, (n, states); see ``Device.log``.
        """
        for kind, rows_of_kind, endings in self._ended(rows, now_s):
            spent_j, _ = _spent_j(kind, endings, now_s)
            moved = np.array([(one.sent_bytes, one.received_bytes, one.compute_s) for one in endings])
            yield rows_of_kind, np.column_stack([spent_j, moved]), _times_s(kind, endings, states, now_s)

    def _ended(self, rows: Iterable[int], now_s: float) -> Iterator[tuple[DeviceKind, list[int], list[Ending]]]:
        """Those of these rows of which it is certain how they stand, by kind."""
        known = self._endings
        ended = [row for row in rows if row in known and now_s < known[row].sure_s]
        of_kind: dict[int, list[int]] = {}
        for number, row in zip(self._kind[ended].tolist(), ended, strict=True):
            of_kind.setdefault(number, []).append(row)
        for number, chosen in of_kind.items():
            yield self._kinds[number], chosen, [known[row] for row in chosen]


class _Since(NamedTuple):
    """A state of a radio, its cause by number, its power, and how long each of many has been in it since then."""

    state: str
    cause: int
    power_w: float
    lasts_s: Array


def _since(kind: DeviceKind, endings: Sequence[Ending], now_s: float) -> tuple[list[_Since], Bools]:
    """What radios went through since these endings, and which of them only listen by now."""
    went, since_s = [], np.array([ending.ended_s for ending in endings])
    for state, duration_s, power_w in kind.radio.named_tails:
        until_s = since_s + duration_s
        went.append(_Since(state, _RADIO, power_w, np.maximum(np.minimum(now_s, until_s) - since_s, 0.0)))
        since_s = until_s
    went.append(_Since("idle", _SLEEP, kind.radio.idle_w, np.maximum(now_s - since_s, 0.0)))
    return went, since_s <= now_s


def _spent_j(kind: DeviceKind, endings: Sequence[Ending], now_s: float) -> tuple[Array, Bools]:
    """Joules by cause of devices of one kind, whose processors have slept, (n, 6), and whether they rest, (n,)."""
    went, rests = _since(kind, endings, now_s)
    spent_j = np.array([ending.spent_j for ending in endings])
    spent_j[:, _SLEEP] += kind.sleep_w * (now_s - np.array([ending.ended_s for ending in endings]))
    for _, cause, power_w, lasts_s in went:
        spent_j[:, cause] += power_w * lasts_s
    return spent_j, rests


def _standings(kind: DeviceKind, endings: Sequence[Ending], now_s: float) -> Iterator[Standing]:
    """Of devices of one kind."""
    spent_j, rests = _spent_j(kind, endings, now_s)
    for ending, joules, is_over in zip(endings, spent_j.tolist(), rests.tolist(), strict=True):
        left_j = ending.had_j - sum(joules)  # which is more exact than NumPy's from Python 3.12 on, as in the meter
        yield Standing((*joules, ending.sent_bytes, ending.received_bytes, ending.compute_s), left_j, is_over)


def _times_s(kind: DeviceKind, endings: Sequence[Ending], states: Sequence[str], now_s: float) -> Array:
    """Seconds of their radios in these states: (n, states)."""
    times_s = np.array([[ending.seconds.get(state, 0.0) for state in states] for ending in endings])
    for state, _, _, lasts_s in _since(kind, endings, now_s)[0]:
        if state in states:
            times_s[:, states.index(state)] += lasts_s
    return times_s
