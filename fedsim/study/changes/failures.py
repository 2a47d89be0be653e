"""Nothing fails, or nobody is away."""

from collections.abc import Iterator
from dataclasses import dataclass

from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, Words, kinds, scenario_of, set_all, words_of

_MISHAPS = {"message_loss": "0 %", "message_corruption": "0 %", "message_duplication": "0 %", "message_delay": None}


@dataclass(frozen=True, kw_only=True, slots=True)
class NoFailures:
    """No crashes, of devices or servers, no failed jobs, no outages; no message is lost, spoilt, doubled or held up.

    Packets are lost as before, which makes links slower and loses no message; batteries run down, and devices leave.
    """

    name: str = "no-failures"
    text: str = "nothing crashes, no message is lost, nothing is cut off"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where nothing can fail."""
        words = words_of(scenario)
        found = [
            set_all(iter(words["fleet"]), "crashes", None),
            set_all(kinds(words), "faults", None),
            set_all(_servers(words), "crashes", None),
            bool(words["outages"]),
            *[set_all(iter([words["network"]]), key, value) for key, value in _MISHAPS.items()],
        ]
        if not any(found):
            raise DoesNotApplyError("nothing fails")
        words["outages"] = []
        return scenario_of(words)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoAbsences:
    """Devices are there from the start on, all of them, and stay."""

    name: str = "no-absences"
    text: str = "devices never leave, and are there from the start on"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where they are there anyway."""
        words = words_of(scenario)
        found = [set_all(iter(words["fleet"]), key, None) for key in ("availability", "churn")]
        if not any(found):
            raise DoesNotApplyError("devices are always there")
        return scenario_of(words)


def _servers(words: Words) -> Iterator[Words]:
    return (words[key] for key in ("server", "edges") if words[key] is not None)
