"""With how many seeds each of two scenarios reached the target."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsim.study.paired_tests import sign_test
from fedsim.study.share import Share


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaching:
    """How many seeds reached the target in a scenario and in the first one; and how many in one of them only."""

    own: Share
    first: Share
    only_own: int
    only_first: int

    @classmethod
    def of(cls, own: Sequence[bool], first: Sequence[bool]) -> "Reaching":
        """From whether each seed's run reached it."""
        return cls(
            own=Share(count=sum(own), of=len(own)),
            first=Share(count=sum(first), of=len(first)),
            only_own=sum(a and not b for a, b in zip(own, first, strict=True)),
            only_first=sum(b and not a for a, b in zip(own, first, strict=True)),
        )

    @property
    def p(self) -> float:
        """McNemar's exact test: only seeds that one of them reached alone tell them apart."""
        return sign_test(self.only_own, self.only_first)
