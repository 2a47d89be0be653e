"""Bars and their table."""

from collections.abc import Mapping, Sequence

from fedsim.report.page.axis import Axis
from fedsim.report.page.figure import Bars
from fedsim.report.page.table import Column, Table
from fedsim.study.plot import COLOURS


def bars(
    text: str, unit: str, categories: Sequence[str], parts: Mapping[str, Sequence[float]], *, stacked: bool = True
) -> Bars:
    """A bar for each category."""
    together = [sum(column) if stacked else max(column) for column in zip(*parts.values(), strict=True)]
    return Bars(
        value=Axis.of(text, unit, together),
        categories=tuple(categories),
        parts={name: tuple(float(value) for value in values) for name, values in parts.items()},
        stacked=stacked,
    )


def folded(parts: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    """As many parts as there are colours: the largest, and all others as one."""
    ranked = sorted(parts, key=lambda name: -sum(parts[name]))
    if len(ranked) <= len(COLOURS):
        return {name: parts[name] for name in ranked}
    kept, rest = ranked[: len(COLOURS) - 1], ranked[len(COLOURS) - 1 :]
    others = [sum(values) for values in zip(*(parts[name] for name in rest), strict=True)]
    return {**{name: parts[name] for name in kept}, f"{len(rest)} others": others}


def bars_table(body: Bars, category: str, caption: str = "") -> Table:
    """A row for each bar, a column for each part, and what they add up to."""
    total = body.stacked and len(body.parts) > 1
    columns = [Column(text=category), *(Column(text=name, unit=body.value.unit) for name in body.parts)]
    rows = []
    for i, name in enumerate(body.categories):
        values = [of_one[i] for of_one in body.parts.values()]
        rows.append((name, *values, *([sum(values)] if total else [])))
    if total:
        columns.append(Column(text="all", unit=body.value.unit))
    return Table(caption=caption or body.value.text, columns=tuple(columns), rows=tuple(rows))
