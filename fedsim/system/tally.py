"""What work costs, as rows of numbers: for adding up many."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from fedsim.system.meter import CAUSES
from fedsim.system.usage import Usage

Tally = tuple[float, ...]
"""Joules by cause, in the order of ``CAUSES``; bytes sent and received; seconds of computing."""

OF_TALLY: Final = (*(f"{cause}_j" for cause in CAUSES), "sent_bytes", "received_bytes", "compute_s")
"""What its numbers are."""


class Log(NamedTuple):
    """What a device has spent up to now, and its seconds in some states, added over its radios."""

    spent: Tally
    times_s: Sequence[float]


NOTHING: Final[Tally] = (0.0,) * len(OF_TALLY)


def of_tally(tally: Tally) -> Usage:
    """As usage."""
    *energy_j, sent_bytes, received_bytes, compute_s = tally
    return Usage(
        energy_j=dict(zip(CAUSES, energy_j, strict=True)),
        sent_bytes=sent_bytes,
        received_bytes=received_bytes,
        compute_s=compute_s,
    )


def summed(tallies: Sequence[Tally], *, less: Sequence[Tally] = ()) -> Tally:
    """All of these, without those that are in the first of them.

    One after the other, in order, as adding up usages would: NumPy's own sum goes in pairs, and ends in other digits.
    Of 1,000 devices 3.3 ms -> 0.6 ms.
    """
    first, *others = tallies or [NOTHING]
    rows = np.array([first, *less, *others])
    rows[1 : len(less) + 1] *= -1
    return tuple(np.cumsum(rows, axis=0)[-1].tolist())
