"""The answer in a sentence or two, worked out from the numbers."""

import math
from collections.abc import Iterator

from fedsim.report.human import about
from fedsim.report.page.outcome_section import interval_text
from fedsim.report.page.subject import Subject
from fedsim.report.tables import goal_text, metric_text
from fedsim.study.comparison import Comparison
from fedsim.study.outcome import MEASURES, Measure

_TIME, _ENERGY = (
    next(one for one in MEASURES if one.field == name) for name in ("time_to_target_s", "energy_to_target_j")
)


def answer(subject: Subject) -> tuple[str, ...]:
    """What a reader in a hurry should know."""
    comparison = subject.comparison
    if comparison.target is None:
        return tuple(_without_target(subject))
    if len(comparison.names) == 1:
        return tuple(_of_one(comparison))
    return tuple(_of_several(comparison))


def typical_text(comparison: Comparison, name: str, measure: Measure) -> str:
    """A figure of a scenario for a sentence."""
    return about(comparison.typical(name, measure), measure.unit)


def _of_one(comparison: Comparison) -> Iterator[str]:
    [name] = comparison.names
    goal, seeds, reached = goal_text(comparison.goal), len(comparison.results[name]), comparison.reached(name)
    if not reached:
        yield f"{goal[:1].upper()}{goal[1:]} was not reached within {about(comparison.horizon_s, 's')} of simulated time{_all(seeds)}."
        yield _best(comparison, name)
        return
    figures = {measure.field: measure for measure in MEASURES}
    spent = [
        typical_text(comparison, name, figures[key])
        for key in ("time_to_target_s", "rounds_to_target", "energy_to_target_j")
    ]
    if "never" in spent[0]:
        yield f"{goal[:1].upper()}{goal[1:]} was reached with only {reached} of {seeds} seeds within {about(comparison.horizon_s, 's')}."
        return
    up, down = (typical_text(comparison, name, figures[f"{way}_to_target_bytes"]) for way in ("up", "down"))
    took = f"{spent[0]} of simulated time: {spent[1]} rounds, {spent[2]}, {up} up and {down} down"
    if seeds == 1:
        yield f"It took {took}, to reach {goal}."
        return
    times = [one.time_to_target_s for one in comparison.outcomes(name) if one.time_to_target_s is not None]
    yield f"{goal[:1].upper()}{goal[1:]} was reached with {reached} of {seeds} seeds. It took {took} (medians)."
    yield f"From seed to seed the time went from {about(min(times), 's')} to {about(max(times), 's')}."


def _all(seeds: int) -> str:
    return "" if seeds == 1 else f", with none of {seeds} seeds"


def _best(comparison: Comparison, name: str) -> str:
    goal = comparison.goal
    values = [run.curve[goal.metric] for run in comparison.results[name]]
    best = (
        min(float(of_one.min()) for of_one in values) if goal.falls else max(float(of_one.max()) for of_one in values)
    )
    return f"The best {metric_text(goal.metric)} was {about(best, '1' if goal.is_share else '')}."


def _of_several(comparison: Comparison) -> Iterator[str]:
    goal, seeds, first = goal_text(comparison.goal), len(comparison.seeds), comparison.names[0]
    times = {name: comparison.typical(name, _TIME) for name in comparison.names}
    ranked = sorted(times, key=lambda name: times[name])
    best = ranked[0]
    if not math.isfinite(times[best]):
        yield f"None of {len(times)} scenarios reached {goal} within {about(comparison.horizon_s, 's')} with most seeds."
        return
    others = [name for name in ranked[1:] if math.isfinite(times[name])]
    never = [name for name in ranked if not math.isfinite(times[name])]
    median = f" (median of {seeds} seeds)" if seeds > 1 else ""
    text = f"{best} reached {goal} first, after {about(times[best], 's')}{median}"
    if others:
        text += "; " + ", ".join(f"{name} took {about(times[name], 's')}" for name in others)
    if never:
        text += f"; {', '.join(never)} did not within {about(comparison.horizon_s, 's')}"
    yield f"{text}."
    if seeds > 1 and any(comparison.reached(name) < seeds for name in comparison.names):
        counts = [f"{name} with {comparison.reached(name)}" for name in ranked]
        yield f"Of {seeds} seeds the target was reached by {', '.join(counts)}."
    other = best if best != first else (others[0] if others else None)
    if other is not None and seeds > 1:
        yield _sureness(comparison, other)
    thrifty = min(times, key=lambda name: comparison.typical(name, _ENERGY))
    if thrifty != best:
        yield f"The least energy to the target took {thrifty}: {typical_text(comparison, thrifty, _ENERGY)}, against {typical_text(comparison, best, _ENERGY)} of {best}."


def _sureness(comparison: Comparison, name: str) -> str:
    found, first = comparison.difference(name, _TIME), comparison.names[0]
    if found is None or found.low is None:
        return f"How sure the difference between {name} and {first} is, these seeds cannot tell."
    real = "more than luck" if found.excludes_zero else "no more than luck may explain"
    return f"The difference of {name} from {first}, {interval_text(found, 's')} (95 % interval over {found.pairs} seeds), is {real}."


def _without_target(subject: Subject) -> Iterator[str]:
    comparison = subject.comparison
    if not comparison.learned:
        yield "Timing runs: nothing was learned, and there is no quality to compare."
    for name in comparison.names[:4]:
        runs = subject.runs(name)
        seconds = sum(run.summary.simulated_s for run in runs) / len(runs)
        energy_j = sum(run.energy_j for run in runs) / len(runs)
        rounds = sum(run.summary.rounds for run in runs) / len(runs)
        yield f"{name}: {about(rounds, '')} rounds in {about(seconds, 's')} of simulated time, {about(energy_j, 'J')}."
