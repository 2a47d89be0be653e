"""Many values as a box and a row of a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.report.page.axis import Axis
from fedsim.report.page.figure import Box, Boxes
from fedsim.report.page.table import COUNT, Column, Table

Values = npt.NDArray[np.float64]
_LOG_FROM = 30.0


def box(values: Values) -> Box | None:
    """None of nothing."""
    if not len(values):
        return None
    p5, p25, p50, p75, p95 = np.percentile(values, (5, 25, 50, 75, 95)).tolist()
    return Box(p5=p5, p25=p25, p50=p50, p75=p75, p95=p95, mean=float(values.mean()), count=len(values))


def boxes(text: str, unit: str, values: Mapping[str, Mapping[str, Values]]) -> Boxes:
    """A box for each series and category; on a log scale where the middles of these differ much."""
    categories = tuple(dict.fromkeys(category for of_one in values.values() for category in of_one))
    series = {
        name: tuple(box(of_one.get(category, np.empty(0))) for category in categories)
        for name, of_one in values.items()
    }
    there = [one for of_one in series.values() for one in of_one if one is not None]
    lows = [one.p5 for one in there]
    log = bool(there) and min(lows) > 0 and max(one.p95 for one in there) > _LOG_FROM * min(lows)
    axis = Axis.of(text, unit, [one.p75 if log else one.p95 for one in there], log=log)
    return Boxes(value=axis, categories=categories, series=series)


def boxes_table(body: Boxes, *, category: str, series: str, of: str) -> Table:
    """A row for each box; ``category`` and ``series`` say what these are, ``of`` what is counted."""
    unit = body.value.unit
    several = len(body.series) > 1
    heads = [Column(text=category), *([Column(text=series)] if several else []), Column(text=of, unit=COUNT)]
    numbers = [Column(text=text, unit=unit) for text in ("mean", "5 %", "25 %", "median", "75 %", "95 %")]
    rows: list[tuple[Any, ...]] = []
    for i, name in enumerate(body.categories):
        for line, of_one in body.series.items():
            one = of_one[i]
            if one is not None:
                figures = (one.mean, one.p5, one.p25, one.p50, one.p75, one.p95)
                rows.append((name, *([line] if several else []), one.count, *figures))
    return Table(caption=body.value.text, columns=(*heads, *numbers), rows=tuple(rows))


def pooled(parts: Sequence[Values]) -> Values:
    """All values together."""
    return np.concatenate(parts) if parts else np.empty(0)
