"""How often each device took part, against its data, and which classes the training saw."""

import math
from collections.abc import Mapping
from typing import Final

import pandas as pd

from fedsim.report.page.axis import Axis
from fedsim.report.page.bars import bars, bars_table
from fedsim.report.page.figure import Control, Dots, Figure, View
from fedsim.report.page.fleet_facts import FleetFacts
from fedsim.report.page.table import COUNT, Column, Table, shortened

MOST_DOTS: Final = 600
"""Devices that are drawn one by one: of more, every second, third ... in the order of the fleet."""
_MOST_CLASSES: Final = 60


def data_figure(known: Mapping[str, FleetFacts]) -> Figure:
    """A dot for each device of each scenario."""
    views = []
    for facts in known.values():
        table = facts.devices
        step = max(1, math.ceil(len(table) / MOST_DOTS))
        drawn = table.iloc[::step]
        series = {
            str(group): tuple(
                zip(own["examples"].astype(float), own["parts"].astype(float), own["device"], strict=True)
            )
            for group, own in drawn.groupby("group", sort=False)
        }
        body = Dots(
            x=Axis.of("training examples of the device", "", table["examples"].astype(float)),
            y=Axis.of("parts in rounds that it did", "", table["parts"].astype(float)),
            series=series,
        )
        views.append(View(body=body, table=_device_table(table)))
    return Figure(
        name="participation-data",
        title="How often each device took part, against its data",
        alt="A dot for each device: training examples against how often it took part; the table has the numbers",
        note=f"First seed. With more than {MOST_DOTS} devices every second, third ... of the fleet is drawn.",
        views=tuple(views),
        controls=(Control(text="scenario", options=tuple(known)),) if len(known) > 1 else (),
    )


def _device_table(table: pd.DataFrame) -> Table:
    ranked = table.sort_values(["parts", "device"], ascending=[False, True], kind="stable")
    columns = (
        *(Column(text=text) for text in ("device", "group", "link")),
        *(Column(text=text, unit=COUNT) for text in ("examples", "parts")),
        Column(text="charge at the start", unit="1"),
    )
    rows = tuple(ranked[["device", "group", "link", "examples", "parts", "charge"]].itertuples(index=False, name=None))
    return shortened(Table(caption="Devices by how often they took part", columns=columns, rows=rows), 25)


def label_figure(known: Mapping[str, FleetFacts]) -> Figure | None:
    """Which share of the examples of each class the parts in rounds saw, against its share of all examples."""
    views = []
    for facts in known.values():
        if facts.labels is None or not facts.devices["parts"].sum():
            return None
        there = facts.labels.sum(axis=0)
        seen = facts.devices["parts"].to_numpy(float) @ facts.labels
        parts = {
            "of all examples": (there / there.sum()).tolist(),
            "of what was trained on": (seen / seen.sum()).tolist(),
        }
        names = [f"class {number}" for number in range(len(there))]
        body = bars("share of examples", "1", names, parts, stacked=False)
        views.append(View(body=body, table=bars_table(body, "class")))
    if not views or len(views[0].table.rows) > _MOST_CLASSES:
        return None
    return Figure(
        name="participation-labels",
        title="Which classes the training saw",
        alt="Pairs of bars for each class: its share of all examples, and of those of the devices that took part",
        note="First seed. Each part in a round counts all training examples of its device once: where the bars differ, "
        "who takes part pulls the model towards some classes.",
        views=tuple(views),
        controls=(Control(text="scenario", options=tuple(known)),) if len(known) > 1 else (),
    )
