"""What a topology file says about one link."""

import math
from dataclasses import dataclass
from typing import Any

import networkx as nx

from fedsim.problems import shown
from fedsim.system.delay_rule import MEDIA, DelayRule
from fedsim.system.place import distance_m
from fedsim.system.topology import DUPLEX
from fedsim.system.words import Words

_REQUIRED = ("from", "to", "capacity")
_OPTIONAL = ("delay", "length", "loss", "medium", "duplex")


@dataclass(frozen=True, slots=True)
class LinkReader:
    """Adds links to a graph that has its nodes already."""

    words: Words
    graph: "nx.DiGraph[str]"
    rule: DelayRule

    def add(self, path: str, value: Any) -> None:
        """Add both arcs of a link; what is wrong with it is refused."""
        link = self.words.mapping(path, value, required=_REQUIRED, optional=_OPTIONAL)
        medium = self.words.one_of(f"{path}.medium", link.get("medium", MEDIA[0]), "medium", MEDIA)
        duplex = self.words.one_of(f"{path}.duplex", link.get("duplex", DUPLEX[0]), "duplex", DUPLEX)
        capacities_bps = self.words.both_ways(f"{path}.capacity", link.get("capacity", 1), self._capacity)
        losses = self.words.both_ways(f"{path}.loss", link.get("loss", 0), self._loss)
        has_good_ends = self._has_good_ends(path, link)
        delays_s = self._delays(path, link, medium, has_good_ends=has_good_ends)
        if has_good_ends:
            ways = ((link["from"], link["to"]), (link["to"], link["from"]))
            for way, capacity_bps, delay_s, loss in zip(ways, capacities_bps, delays_s, losses, strict=True):
                self.graph.add_edge(
                    *way, capacity_bps=capacity_bps, delay_s=delay_s, duplex=duplex, loss=loss, medium=medium
                )

    def _has_good_ends(self, path: str, link: dict[str, Any]) -> bool:
        if not {"from", "to"} <= link.keys():
            return False
        ends = (link["from"], link["to"])
        unknown = [end for end in ends if not isinstance(end, str) or end not in self.graph]
        for end in dict.fromkeys(map(shown, unknown)):
            self.words.refuse_unknown(path, end.strip("'"), "node", self.graph.nodes)
        if unknown:
            return False
        if ends[0] == ends[1]:
            self.words.refuse(path, f"must join two different nodes, got {ends[0]!r} twice")
        elif self.graph.has_edge(*ends):
            self.words.refuse(path, f"{ends[0]!r} and {ends[1]!r} have a link already")
        return ends[0] != ends[1] and not self.graph.has_edge(*ends)

    def _delays(self, path: str, link: dict[str, Any], medium: str, *, has_good_ends: bool) -> tuple[float, float]:
        """Seconds there and back: as given, or by the rule from the length as given, or from the places' distance."""
        if "delay" in link and "length" in link:
            self.words.refuse(path, "must have a delay or a length, not both")
        if "delay" in link:
            return self.words.both_ways(f"{path}.delay", link["delay"], self._delay)
        length_m = 0.0
        if "length" in link:
            length_m = self.words.quantity(f"{path}.length", link["length"], "m", _is_time, "must be >= 0 and finite")
        elif has_good_ends:
            here, there = (self.graph.nodes[link[end]].get("place") for end in ("from", "to"))
            if here is None or there is None:
                self.words.refuse(path, "must have a delay or a length, because its two ends have not both a place")
            elif type(here) is type(there):
                length_m = distance_m(here, there)
        delay_s = self.rule.delay_s(length_m, medium)
        return delay_s, delay_s

    def _capacity(self, path: str, value: Any) -> float:
        return self.words.quantity(path, value, "bit/s", lambda number: number > 0, "must be > 0")

    def _delay(self, path: str, value: Any) -> float:
        return self.words.quantity(path, value, "s", _is_time, "must be >= 0 and finite")

    def _loss(self, path: str, value: Any) -> float:
        return self.words.quantity(
            path, value, "1", lambda share: 0 <= share < 1, "must be at least 0 % and below 100 %"
        )


def _is_time(number: float) -> bool:
    return 0 <= number < math.inf
