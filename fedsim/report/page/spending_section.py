"""Where devices' time and energy went."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Final

import numpy as np
import pandas as pd

from fedsim.report.page.bars import bars, bars_table
from fedsim.report.page.boxes import Values, boxes, boxes_table, pooled
from fedsim.report.page.figure import Control, Figure, View
from fedsim.report.page.section import Section
from fedsim.study.comparison import Comparison
from fedsim.study.result import Result
from fedsim.system.meter import CAUSES

_TIMES: Final = (
    ("received", "move_s", "download"),
    ("trained", "compute_s", "computing"),
    ("answered", "move_s", "upload"),
    ("mixed", "compute_s", "computing"),
    ("passed", "move_s", "sending to a peer"),
    ("mixed", "exchange_s", "waiting for peers"),
)
"""Kinds of events, their fields, and what these are."""
_CAUSES: Final = {
    "compute": "computing",
    "send": "sending",
    "receive": "receiving",
    "radio": "radio awake",
    "idle": "device idle",
}
_BY: Final = ("group", "link")
_WORK: Final = tuple(f"{cause}_j" for cause in CAUSES if cause != "sleep")


def spending_section(comparison: Comparison) -> Section | None:
    """Times of parts of rounds, joules of devices, and joules by cause."""
    names = comparison.names
    times, energies = list(_time_views(comparison, names)), list(_energy_views(comparison, names))
    figures = []
    by = Control(text="by", options=("kind of device", "link"))
    if times:
        phases = list(dict.fromkeys(phase for _, phase, _ in times))
        figures.append(Figure(
            name="device-times",
            title="How long one part of a round takes a device",
            alt=f"Boxes of seconds for each group of devices: {', '.join(phases)}; the table has the percentiles",
            note="Box: the middle half; whiskers: 5 % to 95 %; dashed: mean. All seeds together.",
            views=tuple(view for _, _, view in times),
            controls=(by, Control(text="part", options=tuple(phases))),
        ))  # fmt: skip
    if energies:
        figures.append(Figure(
            name="device-energy",
            title="Energy of one device over the whole run",
            alt="Boxes of joules that devices spent for the learner, for each group; the table has the percentiles",
            note="Of devices that ever worked, without standby. Box: the middle half; whiskers: 5 % to 95 %.",
            views=tuple(energies),
            controls=(by,),
        ))  # fmt: skip
    figures.append(_causes(comparison, names))
    return Section(name="spending", title="Time and energy of devices", figures=tuple(figures))


def _time_views(comparison: Comparison, names: Sequence[str]) -> Iterator[tuple[str, str, View]]:
    """In the order of the controls: for each way to sort devices every part."""
    tables = {name: [_times(run) for run in comparison.results[name]] for name in names}
    every = [table for of_one in tables.values() for table in of_one]
    parts = list(dict.fromkeys(text for _, _, text in _TIMES if any((table["part"] == text).any() for table in every)))
    for by in _BY:
        for part in parts:
            values = {
                name: _sorted([table[table["part"] == part] for table in of_one], by, "seconds")
                for name, of_one in tables.items()
            }
            body = boxes(f"time of {part}", "s", {name: of_one for name, of_one in values.items() if of_one})
            yield by, part, View(body=body, table=boxes_table(body, category=by, series="scenario", of="parts"))


def _energy_views(comparison: Comparison, names: Sequence[str]) -> Iterator[View]:
    tables = {name: [_energies(run) for run in comparison.results[name]] for name in names}
    if any(table.empty for of_one in tables.values() for table in of_one):
        return
    for by in _BY:
        values = {name: _sorted(of_one, by, "joules") for name, of_one in tables.items()}
        body = boxes("energy of one device", "J", values)
        yield View(body=body, table=boxes_table(body, category=by, series="scenario", of="devices"))


def _sorted(tables: Sequence[pd.DataFrame], by: str, column: str) -> dict[str, Values]:
    names = sorted({str(name) for table in tables for name in table[by].unique()})
    return {name: pooled([table.loc[table[by] == name, column].to_numpy(float) for table in tables]) for name in names}


def _times(run: Result) -> pd.DataFrame:
    """A row for each part of a round of each device: ``group``, ``link``, ``part``, ``seconds``."""
    found = []
    for kind, field, part in _TIMES:
        if field in run.events:
            rows = run.events.loc[run.events["kind"] == kind, ["subject", field]].dropna()
            found.append(
                pd.DataFrame({"device": rows["subject"], "part": part, "seconds": rows[field].to_numpy(float)})
            )
    columns = ["device", "part", "seconds"]
    table = pd.concat(found) if found else pd.DataFrame(columns=columns)
    own = run.devices.reindex(columns=["device", *_BY])
    return table.merge(own, on="device", how="inner")


def _energies(run: Result) -> pd.DataFrame:
    if not {*_BY, *_WORK} <= set(run.devices):
        return pd.DataFrame()
    table = run.devices[list(_BY)].copy()
    table["joules"] = run.devices[list(_WORK)].sum(axis=1)
    return table[table["joules"] > 0]


def _causes(comparison: Comparison, names: tuple[str, ...]) -> Figure:
    parts = {
        text: [fmean(run.summary.spent.energy_j[cause] for run in comparison.results[name]) for name in names]
        for cause, text in _CAUSES.items()
    }
    body = bars("energy of all devices", "J", names, parts)
    largest = max(parts, key=lambda text: float(np.sum(parts[text])))
    return Figure(
        name="energy-causes",
        title="What the energy of all devices went into",
        alt=f"Stacked bars of joules by cause for each scenario; the largest part is {largest}",
        note="Mean over seeds. Standby, which is drawn anyway, and servers are not in it.",
        views=(View(body=body, table=bars_table(body, "scenario")),),
    )
