"""Messages of half the size."""

from dataclasses import dataclass

from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, scenario_of, words_of


@dataclass(frozen=True, kw_only=True, slots=True)
class HalfMessage:
    """Numbers travel in half as many bytes: float64 as float32, and float32, to and from a server, as float16.

    Rounding is computed: it may cost rounds.
    """

    name: str = "half-message"
    text: str = "numbers travel in half as many bytes"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where messages are coded already, nor where 32 bits are the fewest that a learner knows."""
        words = words_of(scenario)
        learner, compression = words["learner"], words["compression"]
        if compression["up"] is not None or compression["down"] is not None:
            raise DoesNotApplyError("messages are coded already")
        if learner.get("precision") == "float64":
            learner["precision"] = "float32"
        elif scenario.learner.kind.family == "central":
            words["compression"] = {"up": "float16", "down": "float16"}
        else:
            raise DoesNotApplyError("32 bits are the fewest in which peers send a number")
        return scenario_of(words)
