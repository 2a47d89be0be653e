"""Batteries that never run down."""

from dataclasses import dataclass
from typing import Final

from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, kinds, scenario_of, words_of

_ENDLESS: Final = "1e12 J"
_FULL: Final = {
    "battery": _ENDLESS,
    "charge": "100 %",
    "charging": None,
    "floor": "0 %",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mains:
    """Batteries are full, and too large to run down; rules by which only charged devices take part are lifted."""

    name: str = "mains"
    text: str = "batteries are full, and never run down"

    @property
    def alters_rounds(self) -> bool:
        """No."""
        return False

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where all are on the mains."""
        words = words_of(scenario)
        powered = [kind for kind in kinds(words) if kind["battery"] is not None]
        if not powered:
            raise DoesNotApplyError("everybody is on the mains already")
        for kind in powered:
            kind.update(_FULL)
            kind["takes_part"] |= {"min_charge_share": "0 %", "only_charging": False}
        return scenario_of(words)
