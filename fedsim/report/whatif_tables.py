"""What single changes of a scenario gain: a ranking, and what does not apply."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import Row, facts, grid, heading_line
from fedsim.report.human import NOTHING, about, gain
from fedsim.report.tables import goal_text
from fedsim.study.changes.change import Change
from fedsim.study.gains import AS_IT_IS, UNITS, Gain, WhatIf


def whatif_report(found: WhatIf) -> RenderableType:
    """The scenario as it is, then every change that was tried, most gain first; then those that do not apply."""
    count = len(found.seeds)
    header = ("", "reached", found.by, "gain", "low", "high", "times", "differs")
    parts: list[RenderableType] = [
        heading_line(f"{found.name}: what if? {'1 seed' if count == 1 else f'{count} seeds'}, the same luck for all"),
        Text(f"{found.by} to {_goal(found)}; most gain first"),
        Text(),
        grid(_rows(found), header=header),
    ]
    if found.refused:
        parts += [Text(), heading_line("Does not apply"), facts(sorted(found.refused.items()))]
    return Group(*parts, *(Text(line, style="dim") for line in _footnotes(found)))


def change_list(changes: Sequence[Change]) -> RenderableType:
    """Names, and what they do."""
    return facts([(change.name, change.text) for change in changes])


def _goal(found: WhatIf) -> str:
    return f"the end of {found.rounds} rounds" if found.goal.target is None else goal_text(found.goal)


def _rows(found: WhatIf) -> Iterable[Row]:
    unit, table = UNITS[found.by], found.table()
    base = table[table["change"] == AS_IT_IS].iloc[0]
    column = {"time": "time_s", "energy": "energy_j", "bytes": "bytes"}[found.by]
    yield AS_IT_IS, _reached(found, AS_IT_IS), about(float(base[column]), unit)
    for name, one in found.gains().items():
        yield (
            name,
            _reached(found, name),
            about(one.mean, unit),
            gain(one.interval.mean, unit),
            _signed(one.interval.low, unit),
            _signed(one.interval.high, unit),
            f"{one.ratio:.2f} x",
            _verdict(one),
        )


def _reached(found: WhatIf, name: str) -> str:
    return f"{found.reached(name)} of {len(found.seeds)}"


def _signed(value: float | None, unit: str) -> str:
    return NOTHING if value is None else gain(value, unit)


def _verdict(one: Gain) -> str:
    if one.interval.low == one.interval.high == 0:
        return "no"
    return {True: "yes", False: "cannot tell", None: NOTHING}[one.is_real]


def _footnotes(found: WhatIf) -> Iterable[str]:
    missed = any(found.reached(name) < len(found.seeds) for name in found.results)
    if missed:
        horizon = about(found.horizon_s, "s")
        yield f"a run that did not get there counts with the horizon, {horizon}, or what it took by then"
    if len(found.seeds) == 1:
        yield "one seed: no interval; give more seeds to tell a gain from luck"
    else:
        yield "gain: without less with the change; low, high: its 95 % interval, each by itself"
        yield "differs: at 5 % over all changes together (Holm)"
