"""On which links of the topology the messages of a critical path queued."""

from typing import Final

import pandas as pd

from fedsim.errors import MessageFailedError
from fedsim.study.critical_path import CriticalPath
from fedsim.study.path.message import QUEUEING
from fedsim.study.result import Result
from fedsim.system.routing import Router

_WAYS: Final = ("download", "upload")


def queues(result: Result, path: CriticalPath) -> "pd.Series[float]":
    """Seconds of queueing by link, ``a to b``, most first; empty where nobody queued.

    The record says how long a message shared links, and not which. It is put down to the busiest link of its way, by
    the load over the whole run: the device's own link, and those of the route between its place (at the end of the
    run) and the server. Only for devices and their one server.
    """
    if result.scenario.server is None or result.scenario.edges is not None or result.devices.empty:
        return pd.Series(dtype=float)
    busiest = _Busiest(result)
    found: dict[str, float] = {}
    steps = path.steps
    after = steps["phase"].shift(-1)
    queued = (steps["phase"] == QUEUEING) & after.isin(_WAYS)
    for device, way, seconds in zip(steps["device"][queued], after[queued], steps["seconds"][queued], strict=True):
        if link := busiest.of(device, way):
            found[link] = found.get(link, 0.0) + float(seconds)
    return pd.Series(found, dtype=float).sort_values(ascending=False, kind="stable")


class _Busiest:
    """The busiest link of each device's way, either way."""

    def __init__(self, result: Result) -> None:
        scenario, links = result.scenario, result.links
        self._router = Router(scenario.topology, scenario.network.routes)
        self._server = scenario.server.at if scenario.server is not None else ""
        self._place = dict(zip(result.devices["device"], result.devices["place"], strict=True))
        self._load = {
            (str(source), str(target)): float(load)
            for source, target, load in zip(links["source"], links["target"], links["utilisation"], strict=True)
        }

    def of(self, device: str, way: str) -> str:
        """Its name, empty if nothing is known of any."""
        place = self._place.get(device)
        if place is None:
            return ""
        try:
            inner = self._router.route(place, self._server).arcs
        except MessageFailedError:
            return ""
        arcs = [(device, place), *inner]
        if way == "download":
            arcs = [(target, source) for source, target in arcs]
        link = max(arcs, key=lambda arc: self._load.get(arc, 0.0))
        return f"{link[0]} to {link[1]}" if link in self._load else ""
