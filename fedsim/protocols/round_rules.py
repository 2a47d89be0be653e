"""What rounds of one server go by."""

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from fedsim.protocols.effort import Effort, WholeEffort
from fedsim.protocols.selection import Selection, Uniform

Late = Literal["drop", "keep", "keep-anyway"]
"""What becomes of answers that come when their round is over: they count in the next, "anyway" whatever the learner."""


@dataclass(frozen=True, kw_only=True)
class RoundRules:
    """Rounds of ``cohort`` answers from ``cohort * over_selection`` invited devices, by ``selection``.

    A round that has fewer than ``quorum`` answers at its deadline is abandoned. Devices that fail do so silently:
    the server notices at the deadline, or at once where there is no deadline. ``effort`` says how much of its work a
    device is asked for, and ``work_time_s`` is the longest that it may compute in a round: slower devices do fewer
    steps. With ``grace_s`` devices that still compute at the deadline stop and send what they have, and the server
    waits so much longer. All three need a learner that takes partial work. A selection that finds nobody costs the
    server ``pause_s``, and the round.
    """

    cohort: int
    """Answers that make a round; at most the devices that there are."""
    over_selection: float = 1.0
    """Devices invited for each answer wanted; >= 1."""
    deadline_s: float | None = None
    """How long a round may take; null waits for all that have not failed."""
    quorum: int = 1
    """Answers without which a round is abandoned at its deadline; from 1 to cohort."""
    work_time_s: float | None = None
    """The longest that a device may compute in a round: slower ones do fewer steps; null asks for all."""
    effort: Effort = field(default_factory=WholeEffort)
    """How much of its work each device is asked for."""
    grace_s: float | None = None
    """How long after the deadline the server waits for devices to send what they have done until then; null not at
    all."""
    late: Late = "drop"
    """What becomes of answers after the round: dropped, or kept for the next."""
    selection: Selection = field(default_factory=Uniform)
    """Which devices are invited."""
    pause_s: float = 60.0
    """What a selection that finds nobody costs the server."""

    def __post_init__(self) -> None:
        if not self.cohort >= 1:
            raise ValueError(f"cohort must be >= 1, got {self.cohort!r}")
        if not 1 <= self.over_selection < math.inf:
            raise ValueError(f"over_selection must be >= 1 and finite, got {self.over_selection!r}")
        candidates = getattr(self.selection, "candidates", math.inf)
        if not candidates >= self.invited:
            raise ValueError(f"selection.candidates must be >= the {self.invited} invited, got {candidates!r}")
        if not 1 <= self.quorum <= self.cohort:
            raise ValueError(f"quorum must be between 1 and cohort ({self.cohort}), got {self.quorum!r}")
        if self.late not in get_args(Late):
            raise ValueError(f"late must be one of {', '.join(get_args(Late))}, got {self.late!r}")
        times = {"deadline": self.deadline_s, "work_time": self.work_time_s, "grace": self.grace_s}
        for name, value in {**times, "pause": self.pause_s}.items():
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be > 0 and finite, got {value!r}")
        if self.grace_s is not None and self.deadline_s is None:
            raise ValueError("grace begins at a deadline, and there is none")

    @property
    def invited(self) -> int:
        """How many devices are asked in a round."""
        return math.ceil(round(self.cohort * self.over_selection, 9))  # 10 * 1.1 is 11 devices, not 12

    @property
    def closes_s(self) -> float | None:
        """Seconds after its beginning at which a round closes at the latest."""
        return None if self.deadline_s is None else self.deadline_s + (self.grace_s or 0.0)
