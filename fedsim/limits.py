"""How much of this computer a run may take, whatever a file asks for: a small file must not fill a large memory.

The limits are far above what the studies of the field need. Whoever needs more says so at the machine, not in a file:
``FEDSIM_LIMITS=10`` allows ten times as much of everything.
"""

import os
from dataclasses import dataclass
from typing import Final

from fedsim.errors import FedsimError

VARIABLE: Final = "FEDSIM_LIMITS"
"""The environment variable with the factor on all limits."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that there may be of something; a message says ``where`` and ``what``."""

    what: str
    most: float

    def check(self, amount: float, where: str) -> None:
        """Refuse too much.

        Raises:
            FedsimError: with the amount, the limit, and how it is raised.
        """
        most = self.most * _factor()
        if not amount <= most:
            raise FedsimError(
                f"{where} would make {_shown(amount)} {self.what}, and at most {most:,.0f} are allowed "
                f"(the environment variable {VARIABLE}=10 allows ten times as much)"
            )


DEVICES: Final = Limit("devices in all", 1e7)
EVALUATIONS: Final = Limit("evaluations", 1e6)
RECORD: Final = Limit("rows in the record of events", 5e7)
CHUNKS: Final = Limit("chunks of one message", 1e5)
STEPS: Final = Limit("steps of a device in a round", 1e7)
MODEL: Final = Limit("bytes in one message", 4e9)
WIDTH: Final = Limit("numbers in one table", 1e8)
INSTANT: Final = Limit("rounds in no time", 1e5)

LIMITS: Final = (DEVICES, EVALUATIONS, RECORD, CHUNKS, STEPS, MODEL, WIDTH, INSTANT)
"""All of them."""

SHORTEST_CYCLE_S: Final = 1e-3
"""The least mean time from one coming, crash, outage or charge to the next: each is an event, or a draw."""


def _shown(amount: float) -> str:
    return f"{amount:,.0f}" if amount < 1e15 else f"{amount:.3g}"


def _factor() -> float:
    text = os.environ.get(VARIABLE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not factor > 0:
        raise FedsimError(f"{VARIABLE} must be a number > 0, got {text!r}")
    return factor
