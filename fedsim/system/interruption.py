"""What becomes of work that is under way when a device goes and comes back."""

from typing import Final, Literal

Interrupted = Literal["abort", "pause", "resume"]

INTERRUPTIONS: Final[tuple[Interrupted, ...]] = ("abort", "pause", "resume")
"""abort: all of it is lost.    pause: it goes on where it was, to the instant of computing and the byte of a message.
resume: it goes on after the last complete local epoch, and after the last complete chunk of a message."""
