"""How busy the links were, and where."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from fedsim.report.page.bars import bars
from fedsim.report.page.figure import Control, Figure, View
from fedsim.report.page.load_drawing import load_drawing
from fedsim.report.page.section import Section
from fedsim.report.page.table import Column, Table, shortened
from fedsim.report.topology_loads import Loads
from fedsim.study.comparison import Comparison

_BUSIEST: Final = 12
_MOST_ROWS: Final = 30
_MOST_NODES: Final = 400
"""A larger topology is not drawn: nothing could be made out."""
_NUMBERS: Final = {
    "utilisation": "1",
    "busy": "1",
    "capacity_bps": "bit/s",
    "carried_bytes": "bytes",
    "wasted_bytes": "bytes",
}
_NONE: Final = pd.DataFrame(columns=["source", "target", *_NUMBERS])
_TEXTS: Final = ("utilisation", "busy", "capacity", "carried", "wasted")


def network_section(comparison: Comparison) -> Section | None:
    """The busiest links of each scenario, and the topology with its load, as far as there is any."""
    tables = {name: _links(comparison, name) for name in comparison.names}
    used = {name: table for name, table in tables.items() if len(table)}
    figures = [_busiest_links(used)] if used else []
    figures += _drawings(comparison, used or tables)
    text = () if used else ("What links carried is not in the record: messages took the time of a model of delays.",)
    return Section(name="network", title="The network", text=text, figures=tuple(figures)) if figures else None


def _busiest_links(tables: Mapping[str, pd.DataFrame]) -> Figure:
    return Figure(
        name="busiest-links",
        title="The busiest links",
        alt="Bars of the mean utilisation of the busiest links; the table has their bytes and capacities",
        note="Utilisation: mean over the run of load over capacity, each direction of a link apart, mean over seeds. "
        "Busy: the share of the time in which somebody had bytes for the link.",
        views=tuple(_busiest(table) for table in tables.values()),
        controls=_choice(tables),
    )


def _choice(tables: Mapping[str, pd.DataFrame]) -> tuple[Control, ...]:
    return (Control(text="scenario", options=tuple(tables)),) if len(tables) > 1 else ()


def _links(comparison: Comparison, name: str) -> pd.DataFrame:
    """A row for each direction of each link that carried anything, means over seeds, the busiest first."""
    found = []
    for run in comparison.results[name]:
        if not {"utilisation", "busy_s"} <= set(run.links):
            return _NONE
        seconds = run.summary.simulated_s
        found.append(run.links.assign(busy=run.links["busy_s"] / seconds if seconds else 0.0))
    columns = list(_NUMBERS)
    together = pd.concat(found).groupby(["source", "target"], sort=False)[columns].sum()
    together[columns] /= len(found)
    capacity_bps = pd.concat(found).groupby(["source", "target"], sort=False)["capacity_bps"].mean()
    together["capacity_bps"] = capacity_bps  # a link that only some runs needed is there all the same
    used = together[together["carried_bytes"] > 0].reset_index()
    return used.sort_values(["utilisation", "carried_bytes"], ascending=False, kind="stable")


def _busiest(table: pd.DataFrame) -> View:
    head = table.head(_BUSIEST)
    names = [f"{source} → {target}" for source, target in zip(head["source"], head["target"], strict=True)]
    body = bars("utilisation", "1", names, {"utilisation": head["utilisation"].tolist()})
    columns = (
        *(Column(text=text) for text in ("from", "to")),
        *(Column(text=text, unit=unit) for text, unit in zip(_TEXTS, _NUMBERS.values(), strict=True)),
    )
    rows: tuple[tuple[Any, ...], ...] = tuple(table[["source", "target", *_NUMBERS]].itertuples(index=False, name=None))
    whole = Table(caption="Links that carried something, the busiest first", columns=columns, rows=rows)
    return View(body=body, table=shortened(whole, _MOST_ROWS))


def _drawings(comparison: Comparison, tables: Mapping[str, pd.DataFrame]) -> list[Figure]:
    views = []
    for name, table in tables.items():
        run = comparison.results[name][0]
        topology = run.scenario.topology
        if len(topology.graph) > _MOST_NODES:
            return []
        loads = _loads(table, run.devices)
        known = _of_topology(table, topology.graph)
        views.append(View(body=load_drawing(topology, loads), table=known))
    return [
        Figure(
            name="topology",
            title="The topology with its load",
            alt="A drawing of the network: nodes by kind, links coloured by utilisation; the table has the numbers",
            note="Colour: utilisation of the busier direction of a link; width: its capacity. Access links of devices "
            "are not drawn.",
            views=tuple(views),
            controls=_choice(tables),
        )
    ]


def _loads(table: pd.DataFrame, devices: pd.DataFrame) -> Loads:
    pairs = zip(table["source"], table["target"], table["utilisation"], strict=True)
    there = devices["place"].value_counts() if "place" in devices else pd.Series(dtype=int)
    return Loads(
        utilisation={(source, target): float(value) for source, target, value in pairs},
        devices={str(place): int(count) for place, count in there.items()},
    )


def _of_topology(table: pd.DataFrame, graph: Any) -> Table:
    """The links between nodes, without those of devices."""
    inside = [graph.has_edge(source, target) for source, target in zip(table["source"], table["target"], strict=True)]
    own = table.loc[np.array(inside, dtype=np.bool_)]
    columns = (
        *(Column(text=text) for text in ("from", "to")),
        Column(text="utilisation", unit="1"),
        Column(text="carried", unit="bytes"),
    )
    rows = tuple(own[["source", "target", "utilisation", "carried_bytes"]].itertuples(index=False, name=None))
    return shortened(Table(caption="Links between nodes", columns=columns, rows=rows), _MOST_ROWS)
