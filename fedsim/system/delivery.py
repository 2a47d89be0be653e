"""Where the time of one message went."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_NOISE: Final = 1e-14
"""Times are differences of the clock's: below this share of it they are rounding."""


@dataclass(kw_only=True, slots=True)
class Delivery:
    """Seconds of a message by cause; together they are the time from its sending to its arrival.

    wake_s: waiting for the radios of both ends, paging and promotion    setup_s: of the connection
    delay_s: of the way    slow_start_s: for acknowledgements, before the rate is reached    bytes_s: moving the
    bytes, had nobody else been there    sharing_s: what others on the links cost    outage_s: a link was down and
    there was no other way    resend_s: attempts that failed or broke off, back-off, and waiting for an end to come back

    ``size_bytes`` is what the sender had to say, ``wire_bytes`` what was moved over the links for that, in all
    attempts and with headers; ``wasted`` are those of them that were moved in vain, by cause.
    """

    wake_s: float = 0.0
    setup_s: float = 0.0
    delay_s: float = 0.0
    slow_start_s: float = 0.0
    bytes_s: float = 0.0
    sharing_s: float = 0.0
    outage_s: float = 0.0
    resend_s: float = 0.0
    size_bytes: float = 0.0
    wire_bytes: float = 0.0
    wasted: Mapping[str, float] = field(default_factory=dict)

    @property
    def wasted_bytes(self) -> float:
        """Bytes that were moved in vain."""
        return sum(self.wasted.values())

    @property
    def parts(self) -> Mapping[str, float]:
        """The seconds, by cause."""
        return {
            "wake_s": self.wake_s,
            "setup_s": self.setup_s,
            "delay_s": self.delay_s,
            "slow_start_s": self.slow_start_s,
            "bytes_s": self.bytes_s,
            "sharing_s": self.sharing_s,
            "outage_s": self.outage_s,
            "resend_s": self.resend_s,
        }

    @property
    def total_s(self) -> float:
        """From sending to arrival."""
        return self.wake_s + self.move_s

    @property
    def move_s(self) -> float:
        """All but waking the radios."""
        slow_s = self.setup_s + self.delay_s + self.slow_start_s
        return slow_s + self.bytes_s + self.sharing_s + self.outage_s + self.resend_s


CAUSES: Final = tuple(Delivery().parts)
"""Of the seconds of a message, in the order of its parts."""


def held_up_s(by_s: float, ends_s: float) -> float:
    """By how much a message was held up that ended then and took so much longer than alone: 0, if that is rounding."""
    return by_s if by_s > _NOISE * ends_s else 0.0
