"""What a study will run, and what its runs came to, for people."""

import math
from collections.abc import Iterable

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import facts, grid, heading_line
from fedsim.report.human import NOTHING, about
from fedsim.report.tables import goal_text
from fedsim.study.axis_values import axis_values
from fedsim.study.parcel import Failure, Parcel
from fedsim.study.plan import Plan
from fedsim.study.study import Study
from fedsim.study.study_folder import Standing
from fedsim.study.sweep import Step

_MOST_SHOWN = 6  # values of a key, or names in a list
_COLUMNS = (
    ("time", "time_to_target_s", "s"),
    ("energy", "energy_to_target_j", "J"),
    ("bytes", "total_to_target_bytes", "bytes"),
)
_AT_END = (("mean accuracy", "mean_accuracy", "1"), ("rounds", "rounds", ""), ("energy", "energy_j", "J"))


def plan_report(plan: Plan) -> RenderableType:
    """What is asked, what varies, and how many runs that makes."""
    study = plan.study
    parts: list[RenderableType] = [heading_line(f"{study.name}: {_runs_text(plan)}")]
    parts += [Text(study.question)] if study.question else []
    parts.append(facts([*_axes(plan), *_terms(plan)]))
    return Group(*parts)


def points_report(plan: Plan) -> RenderableType:
    """Every point by name."""
    return grid([(point.label,) for point in plan.points], title="points")


def standing_lines(standing: Standing) -> list[str]:
    """What was found in the study's folder, in lines."""
    lines = []
    if standing.stale:
        names = _some(standing.stale)
        lines.append(f"{_count(len(standing.stale), 'run')} of an earlier version of the study, kept in stale: {names}")
    if standing.damaged:
        lines.append(f"{_count(len(standing.damaged), 'damaged folder')}, kept in stale: {_some(standing.damaged)}")
    return lines


def step_line(step: Step, left: str = "") -> str:
    """``3 of 15 runs  cohort-5-seed-2: 42 rounds in 30 min, 91.2 %  about 2 min left``."""
    if step.run is None or step.answer is None:
        return f"{step.done} of {step.total} runs are finished"
    if isinstance(step.answer, Failure):
        found = f"failed: {step.answer.error.splitlines()[0]}"
    else:
        found = _found_text(step.answer)
    return "  ".join([f"{step.done} of {step.total} runs", f"{step.run.name}: {found}", *([left] if left else [])])


def study_report(study: Study) -> RenderableType:
    """Every point with what it took, the best one marked, and what failed."""
    table = study.table()
    parts: list[RenderableType] = [heading_line(f"{study.name}: {_finished_text(study)}")]
    parts += [Text(text) for text in (study.question, _goal(study)) if text]
    if not table.empty:
        header, rows = _rows(study, table)
        parts += [Text(), grid(rows, header=header), Text(_note(study), style="dim")]
    if len(study.computed_by) > 1:
        versions = ", ".join(f"{version} ({runs})" for version, runs in study.computed_by.items())
        parts.append(Text(f"runs were computed by different versions of fedsim: {versions}"))
    return Group(*parts)


def failure_lines(study: Study) -> str:
    """What failed and why; runs that failed alike are named together."""
    alike: dict[str, list[str]] = {}
    for one in study.failed:
        alike.setdefault(one.error, []).append(f"{one.label}, seed {one.seed}")
    lines = [f"{_some(names, '; ')}: {error}" for error, names in alike.items()]
    return "\n".join([f"{_count(len(study.failed), 'run')} failed; the same command tries them again", *lines])


def _found_text(parcel: Parcel) -> str:
    text = f"{about(parcel.rounds, '')} rounds in {about(parcel.simulated_s, 's')}"
    if parcel.quality is None:
        return text
    return f"{text}, {about(parcel.quality, '1') if parcel.is_share else format(parcel.quality, '.3g')}"


def _runs_text(plan: Plan) -> str:
    points, seeds = _count(len(plan.points), "point"), _count(len(plan.seeds), "seed")
    return f"{points} x {seeds} = {_count(plan.run_count, 'run')}"


def _axes(plan: Plan) -> Iterable[tuple[str, str]]:
    """What varies, with its values, or the range of many numbers."""
    keys = dict.fromkeys(key for point in plan.points for key in point.settings)
    for key in keys:
        values = list({repr(point.settings[key]): point.settings[key] for point in plan.points}.values())
        yield key, _values_text(values)


def _values_text(values: list[object]) -> str:
    if len(values) <= _MOST_SHOWN:
        return ", ".join(_value_text(value) for value in values)
    places = axis_values(values)
    if places.is_numeric:
        ranked = [value for _, value in sorted(zip(places.at, values, strict=True), key=lambda pair: pair[0])]
        return f"{len(values)} values from {ranked[0]} to {ranked[-1]}"
    return f"{len(values)} values: {_some([_value_text(value) for value in values])}"


def _value_text(value: object) -> str:
    return str(value.get("name", value)) if isinstance(value, dict) and len(value) == 1 else str(value)


def _terms(plan: Plan) -> Iterable[tuple[str, str]]:
    if plan.goal.target is not None:
        yield "target", goal_text(plan.goal)
    if plan.horizon_s is None:
        yield "terms", "every run stops as its scenario says"
    else:
        yield "terms", f"every run goes on for {about(plan.horizon_s, 's')}, the smallest stop.time"


def _finished_text(study: Study) -> str:
    finished = sum(len(study.seeds_of(label)) for label in study.labels)
    return f"{finished} of {_count(len(study.labels) * len(study.seeds), 'run')}"


def _goal(study: Study) -> str:
    return "" if study.goal.target is None or not study.learned else f"target: {goal_text(study.goal)}"


def _rows(study: Study, table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    aims = study.goal.target is not None and study.learned
    columns = _COLUMNS if aims else _AT_END
    best = study.best() if aims else None
    header = ["", *(["reached"] if aims else []), *(title for title, _, _ in columns), ""]
    rows = []
    for _, row in table.iterrows():
        reached = [f"{row['reached']} of {row['seeds']}"] if aims else []
        figures = [_cell(float(row[field]), unit) for _, field, unit in columns]
        rows.append([str(row["point"]), *reached, *figures, "best" if row["point"] == best else ""])
    return header, rows


def _cell(value: float, unit: str) -> str:
    return about(value, unit) if math.isfinite(value) else NOTHING


def _note(study: Study) -> str:
    if study.goal.target is None or not study.learned:
        return "mean over seeds, at the end"
    return "to the target: median over seeds; - where half of them or more did not reach it"


def _some(names: Iterable[str], between: str = ", ") -> str:
    listed = list(names)
    more = f" and {len(listed) - _MOST_SHOWN} more" if len(listed) > _MOST_SHOWN else ""
    return between.join(listed[:_MOST_SHOWN]) + more


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
