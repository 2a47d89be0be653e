"""Everybody on one technology."""

from dataclasses import dataclass

from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, Words, kinds, scenario_of, words_of

_OF_THE_LINK = ("radio", "up", "down", "rtt", "loss", "handover")


@dataclass(frozen=True, kw_only=True, slots=True)
class AllOn:
    """All devices have the access link and the radio of a profile, at the places where they are, and never leave it.

    Rates that go over time go as those of the new link do. Rules that devices take part only on some links are lifted.
    """

    name: str
    link: str
    text: str

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where they are on it already."""
        words = words_of(scenario)
        if all(kind["link"] == self.link and kind["handover"] is None for kind in kinds(words)):
            raise DoesNotApplyError(f"everybody is on {self.link} already")
        for kind in kinds(words):
            self._move(kind)
        return scenario_of(words)

    def _move(self, kind: Words) -> None:
        if kind["link"] == self.link and kind["handover"] is None:
            return
        if kind["link"] != self.link:
            for key in _OF_THE_LINK:
                kind.pop(key, None)
            kind["rate"] = "constant" if kind["rate"] == "constant" else "fading"
        kind["handover"] = None
        kind["link"] = self.link
        kind["takes_part"]["only_links"] = []
