"""Who took part, and who never did."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from fedsim.report.page.bars import bars
from fedsim.report.page.figure import Control, Figure, View
from fedsim.report.page.fleet_facts import FleetFacts, fleet_facts
from fedsim.report.page.participation_data import data_figure, label_figure
from fedsim.report.page.section import Section
from fedsim.report.page.table import COUNT, TEXT, Column, Table, shortened
from fedsim.study.comparison import Comparison
from fedsim.study.result import Result

_MOST_ROWS: Final = 60
_COUNTED: Final = ("answered", "mixed")
"""Kinds of events that say that a device's part of a round was done: an answer arrived, or a peer mixed models."""


def participation_section(comparison: Comparison) -> Section:
    """Shares of groups, links and charges that took part; how often each device did, against its data."""
    names = comparison.names
    facts = {name: _joined(comparison.results[name][0]) for name in names}
    figures = [_share_figure(comparison, names, facts)]
    known = {name: found for name, found in facts.items() if found is not None}
    figures += [data_figure(known)] if _have(known, "examples") else []
    labels = label_figure(known)
    figures += [labels] if labels is not None else []
    return Section(
        name="participation", title="Who took part", tables=(_counts(comparison, facts),), figures=tuple(figures)
    )


def answers(run: Result) -> "pd.Series[int]":
    """How often each device did its part of a round, by name; who never did is not there."""
    return run.events.loc[run.events["kind"].isin(_COUNTED), "subject"].value_counts()


def _joined(run: Result) -> FleetFacts | None:
    """Devices at the start of a run, with how often they took part."""
    facts = fleet_facts(run.scenario.model_copy(update={"seed": run.seed}))
    if facts is None:
        return None
    table = facts.devices.copy()
    table["parts"] = table["device"].map(answers(run)).fillna(0).astype(int)
    return FleetFacts(devices=table, labels=facts.labels)


def _counts(comparison: Comparison, facts: Mapping[str, FleetFacts | None]) -> Table:
    """How many took part, how unevenly, and whether with the data; the latter two of the first seed."""
    columns = (
        Column(text="scenario"),
        Column(text="devices", unit=COUNT),
        *(Column(text=text, unit="") for text in ("took part", "never did")),
        Column(text="half of all parts done by", unit=TEXT),
        Column(text="rank correlation with examples", unit=TEXT),
    )
    rows = []
    for name, known in facts.items():
        runs = comparison.results[name]
        devices, worked = runs[0].summary.devices, fmean(run.summary.devices_at_work for run in runs)
        rows.append((name, devices, worked, devices - worked, *_spread(known)))
    notes = ("A part is an answer that arrived, or a round of a peer. The last two columns are of the first seed.",)
    return Table(caption="Devices that took part", columns=columns, rows=tuple(rows), notes=notes)


def _spread(facts: FleetFacts | None) -> tuple[str | None, str | None]:
    """How many devices did half of all parts in rounds, and how far who has more examples took part more often."""
    if facts is None or not facts.devices["parts"].sum():
        return None, None
    table = facts.devices
    parts = np.sort(table["parts"].to_numpy(float))[::-1]
    half = int(np.searchsorted(np.cumsum(parts), parts.sum() / 2)) + 1
    if "examples" not in table or table["examples"].nunique() < 2 or table["parts"].nunique() < 2:
        return f"{half:,} devices", None
    return f"{half:,} devices", f"{float(spearmanr(table['examples'], table['parts']).statistic):+.2f}"


def _share_figure(comparison: Comparison, names: tuple[str, ...], facts: Mapping[str, FleetFacts | None]) -> Figure:
    views, options = [_by_group(comparison, names)], ["kind of device"]
    if all(found is not None for found in facts.values()):
        tables = {name: found.devices for name, found in facts.items() if found is not None}
        views.append(_by(tables, "link"))
        options.append("link")
        if all(table["charge"].notna().any() for table in tables.values()):
            charged = {name: table.assign(charge=_quarters(table["charge"])) for name, table in tables.items()}
            views.append(_by(charged, "charge"))
            options.append("charge at the start")
    return Figure(
        name="participation-shares",
        title="Share of devices that ever took part",
        alt="Bars of the share of devices that took part, for each kind of device; the table has the counts",
        note="By kind of device: who spent energy on work, mean over seeds. By link and charge: whose part of a round "
        "was done at least once, in the first seed.",
        views=tuple(views),
        controls=(Control(text="by", options=tuple(options)),) if len(options) > 1 else (),
    )


def _by_group(comparison: Comparison, names: tuple[str, ...]) -> View:
    groups = list(dict.fromkeys(group for name in names for group in comparison.results[name][0].summary.groups))
    shares: dict[str, list[float]] = {}
    rows: list[tuple[Any, ...]] = []
    for name in names:
        of_one = []
        for group in groups:
            attended = [run.summary.groups.get(group) for run in comparison.results[name]]
            there = [found for found in attended if found is not None]
            devices = there[0].devices if there else 0
            worked = fmean(found.at_work for found in there) if there else 0.0
            of_one.append(worked / devices if devices else 0.0)
            rows.append((group, name, devices, worked, devices - worked, of_one[-1]))
        shares[name] = of_one
    return _view("kind of device", groups, shares, rows)


def _by(tables: Mapping[str, pd.DataFrame], column: str) -> View:
    values = sorted({str(value) for table in tables.values() for value in table[column].dropna()})
    shares: dict[str, list[float]] = {}
    rows: list[tuple[Any, ...]] = []
    for name, table in tables.items():
        of_one = []
        for value in values:
            own = table[table[column].astype(str) == value]
            worked = int((own["parts"] > 0).sum())
            of_one.append(worked / len(own) if len(own) else 0.0)
            rows.append((value, name, len(own), worked, len(own) - worked, of_one[-1]))
        shares[name] = of_one
    return _view(column, values, shares, rows)


def _view(what: str, values: Sequence[str], shares: Mapping[str, list[float]], rows: list[tuple[Any, ...]]) -> View:
    body = bars("share of devices that took part", "1", values, shares, stacked=len(shares) == 1)
    columns = (
        *(Column(text=text) for text in (what, "scenario")),
        Column(text="devices", unit=COUNT),
        *(Column(text=text, unit="") for text in ("took part", "never did")),
        Column(text="share", unit="1"),
    )
    table = Table(caption=f"Who took part, by {what}", columns=columns, rows=tuple(rows))
    return View(body=body, table=shortened(table, _MOST_ROWS))


def _quarters(charge: "pd.Series[float]") -> "pd.Series[str]":
    """In which quarter of a full battery a charge is; nothing on the mains."""
    names = {0: "0 to 25 %", 1: "25 to 50 %", 2: "50 to 75 %", 3: "75 to 100 %"}
    return (charge * 4).clip(0, 3.999).map(lambda share: None if math.isnan(share) else names[int(share)])


def _have(known: Mapping[str, FleetFacts], column: str) -> bool:
    return bool(known) and all(column in facts.devices for facts in known.values())
