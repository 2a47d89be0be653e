"""With how many seeds each of two scenarios reached the target."""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsim.study.paired_tests import sign_test
from fedsim.study.share import Share
from fedsim.study.verdict import FEWEST_SEEDS, LEVEL, State


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaching:
    """How many seeds reached the target in a scenario and in the first one; and how many in one of them only.

    ``p_holm`` is ``p``, corrected for all scenarios that are compared with the first one.
    """

    own: Share
    first: Share
    only_own: int
    only_first: int
    p_holm: float = 1.0

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

    @property
    def state(self) -> State:
        """Whether one reaches the target more often than the other."""
        if self.own.of < FEWEST_SEEDS:
            return "too few seeds"
        if self.p_holm < LEVEL:
            return "real"
        return "cannot tell" if self.only_own or self.only_first else "the same"

    def words(self, name: str, first: str) -> str:
        """``ring reaches the target with 2 of 3 seeds, star with 3 of 3: cannot tell``."""
        return f"{name} reaches the target with {self.own} seeds, {first} with {self.first}: {self.state}"
