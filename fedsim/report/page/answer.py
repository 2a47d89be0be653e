"""The answer in a sentence or two, worked out from the numbers."""

import math
from collections.abc import Iterator
from typing import Final

from fedsim.report.human import about
from fedsim.report.tables import goal_text, metric_text
from fedsim.study.comparison import Comparison
from fedsim.study.outcome import MEASURES, Measure
from fedsim.study.study import Study

_MOST: Final = 4
"""Scenarios that a sentence names."""
_BY_FIELD: Final = {measure.field: measure for measure in MEASURES}
_TOOK: Final = ("time_to_target_s", "rounds_to_target", "energy_to_target_j", "total_to_target_bytes")
_TIME, _ENERGY = _BY_FIELD["time_to_target_s"], _BY_FIELD["energy_to_target_j"]


def answer(comparison: Comparison) -> tuple[str, ...]:
    """What a reader in a hurry should know."""
    if comparison.target is None:
        return tuple(_without_target(comparison))
    if len(comparison.names) == 1:
        return tuple(_of_one(comparison))
    return tuple(_of_several(comparison))


def answer_of_study(study: Study) -> tuple[str, ...]:
    """The same of the best of many points, against the first one."""
    if study.goal.target is None or len(study.labels) < 2 or study.best() is None:
        return answer(study.curves(_MOST))
    best, first = str(study.best()), study.labels[0]
    alone = study.alone(best)
    seeds = f" (median of {len(alone.seeds)} seeds)" if len(alone.seeds) > 1 else ""
    after = about(alone.typical(best, _TIME), "s")
    found = [f"Of {len(study.labels)} points {best} is the first to {goal_words(alone)}, after {after}{seeds}."]
    if best != first and study.seeds_of(first):
        found += _sureness(study.comparison(first, best), best)
    return tuple(found)


def goal_words(comparison: Comparison) -> str:
    """What was to be reached."""
    return goal_text(comparison.goal, regression=comparison.regression)


def capital(text: str) -> str:
    """A text as a sentence begins."""
    return f"{text[:1].upper()}{text[1:]}"


def _typical(comparison: Comparison, name: str, measure: Measure) -> str:
    return about(comparison.typical(name, measure), measure.unit)


def _of_one(comparison: Comparison) -> Iterator[str]:
    [name] = comparison.names
    goal, seeds, reached = capital(goal_words(comparison)), len(comparison.results[name]), comparison.reached(name)
    within = f"within {about(comparison.horizon_s, 's')} of simulated time"
    if not reached:
        yield f"{goal} was not reached {within}{'' if seeds == 1 else f', with none of {seeds} seeds'}."
        yield _best(comparison, name)
        return
    if not math.isfinite(comparison.typical(name, _TIME)):
        yield f"{goal} was reached with only {reached} of {seeds} seeds {within}."
        return
    if seeds == 1:
        yield f"{goal} was reached after {_took(comparison, name)}."
        return
    times = [one.time_to_target_s for one in comparison.outcomes(name) if one.time_to_target_s is not None]
    yield f"{goal} was reached with {reached} of {seeds} seeds. It took {_took(comparison, name)} (medians)."
    yield f"From seed to seed the time went from {about(min(times), 's')} to {about(max(times), 's')}."


def _took(comparison: Comparison, name: str) -> str:
    time, rounds, energy, total = (_typical(comparison, name, _BY_FIELD[field]) for field in _TOOK)
    counted = f"{rounds} round" if rounds == "1" else f"{rounds} rounds"
    return f"{time} of simulated time: {counted}, {energy}, {total} sent and received"


def _best(comparison: Comparison, name: str) -> str:
    goal = comparison.goal
    best = max(float((goal.sign * goal.values(run.curve)).max()) for run in comparison.results[name]) * goal.sign
    text = metric_text(goal.metric, regression=comparison.regression)
    return f"The best {text} was {about(best, '1' if goal.is_share else '')}."


def _of_several(comparison: Comparison) -> Iterator[str]:
    goal, seeds = goal_words(comparison), len(comparison.seeds)
    times = {name: comparison.typical(name, _TIME) for name in comparison.names}
    ranked = sorted(times, key=lambda name: times[name])
    best, within = ranked[0], f"within {about(comparison.horizon_s, 's')}"
    if not math.isfinite(times[best]):
        yield f"None of {len(times)} scenarios reached {goal} {within} with most seeds."
        return
    others = [name for name in ranked[1:] if math.isfinite(times[name])][:_MOST]
    never = [name for name in ranked if not math.isfinite(times[name])]
    text = f"{best} reached {goal} first, after {about(times[best], 's')}"
    text += f" (median of {seeds} seeds)" if seeds > 1 else ""
    text += "".join(f"; {name} took {about(times[name], 's')}" for name in others)
    text += f"; {_listed(never)} did not {within}" if never else ""
    yield f"{text}{' with most seeds' if never and seeds > 1 else ''}."
    yield from _sureness(comparison, best if best != comparison.names[0] else ranked[1])
    yield from _thrift(comparison, best)


def _sureness(comparison: Comparison, other: str) -> Iterator[str]:
    """Whether the best differs from the first or, where that is the best, the next from it."""
    if len(comparison.seeds) > 1:
        yield f"Against {comparison.names[0]}, {comparison.verdict(other, _TIME).words}."
        yield f"{comparison.reaching(other).words(other, comparison.names[0])}."


def _thrift(comparison: Comparison, best: str) -> Iterator[str]:
    thrifty = min(comparison.names, key=lambda name: comparison.typical(name, _ENERGY))
    if thrifty != best:
        least, most = (_typical(comparison, name, _ENERGY) for name in (thrifty, best))
        yield f"The least energy to the target took {thrifty}: {least}, against {most} of {best}."


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} others" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _without_target(comparison: Comparison) -> Iterator[str]:
    if not comparison.learned:
        yield "Timing runs: nothing was learned, and there is no quality to compare."
    for name in comparison.names[:_MOST]:
        runs = comparison.results[name]
        seconds = sum(run.summary.simulated_s for run in runs) / len(runs)
        energy_j = sum(run.energy_j for run in runs) / len(runs)
        rounds = sum(run.summary.rounds for run in runs) / len(runs)
        yield f"{name}: {about(rounds, '')} rounds in {about(seconds, 's')} of simulated time, {about(energy_j, 'J')}."
