"""The scenarios of a study's places, and all that is wrong with them."""

from pathlib import Path

from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes
from fedsim.scenario import Scenario
from fedsim.scenario.load import Draft, Setting
from fedsim.scenario.rebase import rebased
from fedsim.scenario.study_file import StudyFile, Variant
from fedsim.study.points import Place

_SHOWN_LABELS = 3


class Scenarios:
    """Makes the scenarios of places; what is wrong with several of them is said once, with their labels."""

    def __init__(self, study: StudyFile, folder: Path, source: str) -> None:
        self._study = study
        self._folder = folder
        self._source = source
        self._drafts: dict[str, Draft | ScenarioError] = {}
        self._broken: dict[str, list[str]] = {}
        self._made = 0

    def of(self, place: Place) -> Scenario | None:
        """The scenario, None where it has mistakes."""
        self._made += 1
        try:
            return self._draft(place.variant).scenario(self._settings(place))
        except ScenarioError as error:
            for line in str(error).splitlines():
                self._broken.setdefault(line, []).append(place.label)
            return None

    def raise_any(self) -> None:
        """Raise all mistakes as one error, if there are any."""
        mistakes = Mistakes()
        for line, labels in self._broken.items():
            mistakes.add("", "", f"{line} ({_spots(labels, self._made)})")
        mistakes.raise_any()

    def _draft(self, variant: Variant) -> Draft:
        file = str(self._folder / (variant.file or ""))
        if file not in self._drafts:
            try:
                self._drafts[file] = Draft(file)
            except ScenarioError as error:
                self._drafts[file] = error
        found = self._drafts[file]
        if isinstance(found, ScenarioError):
            raise found
        return found

    def _settings(self, place: Place) -> list[Setting]:
        """The study's, then the variant's, then those of the point."""
        at = f"scenarios.{place.variant.label}.set"
        layers = (("set", self._study.set_), (at, place.variant.set_), ("vary", place.values))
        return [
            Setting(path=path, value=rebased(path, value, self._folder), source=f"{self._source}: {where}.{path}")
            for where, settings in layers
            for path, value in settings.items()
        ]


def _spots(labels: list[str], points: int) -> str:
    if len(labels) == points > 1:
        return f"in all {points} points"
    more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
    return f"point{'s' if len(labels) > 1 else ''} {', '.join(labels[:_SHOWN_LABELS])}{more}"
