"""What a study will run: every point's scenario, checked, and every seed, before anything runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedsim import units
from fedsim.errors import FedsimError, ScenarioError
from fedsim.problems import Mistakes
from fedsim.scenario import Scenario, fingerprint
from fedsim.scenario.metric import is_share
from fedsim.scenario.named_files import refusal
from fedsim.scenario.rebase import strangers
from fedsim.scenario.study_file import StudyFile, check_study, read_study_file
from fedsim.study.goal import Goal
from fedsim.study.planned_scenarios import Scenarios
from fedsim.study.points import Place, places
from fedsim.study.terms import check_metric, goal_of, on_equal_terms, smallest_horizon_s, with_metric, with_seed


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One point of a study: what it is called, what it has of what varies, by key path, and its scenario.

    The scenario is on the study's terms, with seed 0, and the fingerprint is its.
    """

    label: str
    settings: Mapping[str, Any]
    scenario: Scenario
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRun:
    """A point with a seed."""

    point: Point
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return run_name(self.point.label, self.seed)

    @property
    def identity(self) -> tuple[str, int]:
        """What tells it from every other run, whatever it is called."""
        return self.point.fingerprint, self.seed

    @property
    def scenario(self) -> Scenario:
        """What is run."""
        return with_seed(self.point.scenario, self.seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A study with all its points, none of which is there twice; ``horizon_s`` is None on a scenario's own terms."""

    study: StudyFile
    goal: Goal
    horizon_s: float | None
    seeds: tuple[int, ...]
    points: tuple[Point, ...]

    @property
    def runs(self) -> Iterator[PlannedRun]:
        """Every point with the first seed, then with the second, and so on: early figures are of all points."""
        return (PlannedRun(point=point, seed=seed) for seed in self.seeds for point in self.points)

    @property
    def run_count(self) -> int:
        """How many runs that is."""
        return len(self.seeds) * len(self.points)

    def study_words(self) -> dict[str, Any]:
        """The study as plain values, with everything that was left to defaults."""
        study = self.study
        return {
            "name": study.name,
            "question": study.question,
            "shows": study.shows,
            "terms": study.terms,
            "horizon_s": self.horizon_s,
            "metric": self.goal.metric,
            "falls": self.goal.falls,
            "target": self.goal.target,
            "seeds": list(self.seeds),
            "sample": None if study.sample is None else study.sample.model_dump(exclude_none=True),
            "sample_seed": study.sample_seed,
            "set": dict(study.set_),
        }

    def point_words(self) -> list[dict[str, Any]]:
        """Every point as plain values."""
        return [
            {"label": point.label, "settings": dict(point.settings), "fingerprint": point.fingerprint}
            for point in self.points
        ]


def run_name(label: str, seed: int) -> str:
    """The folder of a run below ``runs``."""
    return f"{label}-seed-{seed}"


def read_plan(study: Mapping[str, Any] | str | Path) -> Plan:
    """The plan of a study file, or of the mapping that it would hold, with paths from the working folder.

    Raises:
        ScenarioError: one line for every mistake in the file, or in a scenario that it makes: with the point's name.
    """
    if isinstance(study, Mapping):
        return _plan(check_study(_plain(study), "study"), Path(), "study")
    words, folder = read_study_file(study), Path(study).parent
    _refuse_strangers(words, folder, str(study))
    return _plan(words, folder, str(study))


def _plan(study: StudyFile, folder: Path, source: str) -> Plan:
    scenarios = Scenarios(study, folder, source)
    made = [(place, scenarios.of(place)) for place in places(study)]
    scenarios.raise_any()
    found = [(place, scenario) for place, scenario in made if scenario is not None]
    first = found[0][1]
    try:
        goal, horizon_s = _goal(study, [scenario for _, scenario in found]), None
        if study.terms == "equal":
            horizon_s = smallest_horizon_s([scenario for _, scenario in found])
    except FedsimError as error:
        raise ScenarioError(f"{source}: {error}") from None
    fair = [_on_terms(scenario, goal, horizon_s) for _, scenario in found]
    points = tuple(_point(study, place, scenario) for (place, _), scenario in zip(found, fair, strict=True))
    _refuse_doubles(points, source)
    seeds = range(first.seed, first.seed + study.seeds) if isinstance(study.seeds, int) else study.seeds
    return Plan(study=study, goal=goal, horizon_s=horizon_s, seeds=tuple(seeds), points=points)


def _refuse_strangers(study: StudyFile, folder: Path, source: str) -> None:
    """A file may name scenarios, and files for them, only where a scenario may name files.

    Raises:
        ScenarioError: one line for each that it may not name.
    """
    mistakes = Mistakes()
    for variant in study.variants:
        rule = refusal(folder, variant.file or "")
        if rule:
            mistakes.add(source, "scenario", rule)
    settings = [*study.set_.items(), *(item for variant in study.variants for item in variant.set_.items())]
    settings += [(path, value) for path, one in study.vary.items() for value in getattr(one, "values", ())]
    for path, value in settings:
        for rule in strangers(path, value, folder):
            mistakes.add(source, path, rule)
    mistakes.raise_any()


def _on_terms(scenario: Scenario, goal: Goal, horizon_s: float | None) -> Scenario:
    if horizon_s is None:
        return with_seed(with_metric(scenario, goal.metric), 0)
    return on_equal_terms(scenario, goal.metric, horizon_s, 0)


def _point(study: StudyFile, place: Place, scenario: Scenario) -> Point:
    named = {"scenario": place.variant.label} if study.scenarios else {}
    settings = {**named, **place.values}
    return Point(label=place.label, settings=settings, scenario=scenario, fingerprint=fingerprint(scenario))


def _goal(study: StudyFile, scenarios: list[Scenario]) -> Goal:
    first = scenarios[0]
    metric = study.metric or first.stop.metric
    check_metric(scenarios, metric)
    target = None if study.target is None else units.parse(study.target, "1")
    if study.terms == "own" and target is None and first.stop.target is None:
        return Goal.of(first, metric, None)
    if isinstance(study.target, str) and not is_share(metric) and "%" in study.target:
        raise FedsimError(f"target: {metric} is no share, got {study.target!r}")
    return goal_of(scenarios, metric, target)


def _refuse_doubles(points: tuple[Point, ...], source: str) -> None:
    mistakes, seen = Mistakes(), dict[str, str]()
    for point in points:
        other = seen.setdefault(point.fingerprint, point.label)
        if other != point.label:
            mistakes.add(source, "", f"points {other!r} and {point.label!r} are the same scenario: leave one out")
    mistakes.raise_any()


def _plain(words: Any) -> Any:
    """Words as a file would give them, of values that may be arrays' or tuples."""
    if isinstance(words, Mapping):
        return {key: _plain(value) for key, value in words.items()}
    if isinstance(words, np.ndarray):
        return words.tolist()
    if isinstance(words, (list, tuple)):
        return [_plain(value) for value in words]
    return words.item() if isinstance(words, np.generic) else words
