"""What an overlay is like: how many talk to each other, how fast models agree, and how long a round will take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from fedsim.learners.mixing import Mixing, contraction
from fedsim.protocols.overlay import ChangingOverlay, Graph, Overlay
from fedsim.report.human import about
from fedsim.system.cycle_time import critical_circuit
from fedsim.system.peers import Peers
from fedsim.system.reach import Reach

_MOST_EXACT = 400_000  # nodes times arcs: seconds of exact arithmetic
_MOST_NAMES = 5
_CALM = 1e-9
_LONG_RUN = 160
"""Rounds of a changing overlay whose mean is a pace: those that luck makes differ by half and more."""
_MOST_EDGES = 10_000  # of all these rounds together


@dataclass(frozen=True, kw_only=True)
class OverlayView:
    """An overlay among the peers of a scenario, ready to be described and drawn.

    graph: who talks to whom, ever    overlaps: whether a message leaves before the local work is done
    is_pairwise: whether two peers at a time average, and nobody waits for all of its neighbours
    """

    overlay: Overlay
    mixing: Mixing | None
    peers: Peers
    graph: Graph
    overlaps: bool
    is_pairwise: bool = False


def overlay_facts(view: OverlayView) -> Iterable[tuple[str, str]]:
    """Names and values: peers, edges, neighbours, mixing, and the predicted pace.

    The pace is that of Marfoq's delays (``Reach``): access links shared by degree, the core by hops, nothing else on
    the way.

    Raises:
        FedsimError: the mixing has no weights for this overlay.
    """
    graph, overlay = view.graph, view.overlay
    changes = isinstance(overlay, ChangingOverlay)
    degrees = [degree for _, degree in (graph.out_degree if isinstance(graph, nx.DiGraph) else graph.degree)]
    one_way = " one way" if isinstance(graph, nx.DiGraph) else ""
    yield "peers", f"{len(graph):,}"
    yield "edges", f"{graph.number_of_edges():,}{one_way}" + (" in all rounds together" if changes else "")
    yield "neighbours", f"{min(degrees)} to {max(degrees)}, {np.mean(degrees):.4g} in the mean"
    if isinstance(overlay, ChangingOverlay):
        yield from _changing_facts(view, overlay)
        return
    if view.mixing is not None:
        yield from _agreement(contraction(view.mixing.weights(graph)))
    if view.peers.reach is not None and len(graph) > 1:
        yield from (_exchanges if view.is_pairwise else _pace)(view, view.peers.reach)


def _agreement(left: float) -> Iterable[tuple[str, str]]:
    yield "spectral gap", f"{max(0.0, 1 - left):.6g}: {left:.6g} of disagreement is left after a round"
    if _CALM < left < 1 - _CALM:
        yield "to a thousandth", f"{np.ceil(np.log(1e3) / np.log(1 / left)):,.0f} rounds"


def _pace(view: OverlayView, reach: Reach) -> Iterable[tuple[str, str]]:
    delays = reach.delays(view.graph, overlaps=view.overlaps)
    if len(delays) * delays.number_of_edges() > _MOST_EXACT:
        yield "a round takes", "not predicted: too many peers"
        return
    found = critical_circuit(delays)
    yield "a round takes", f"about {about(found.mean_s, 's')} in the long run: {_work(view, reach)}"
    yield "its pace is set by", _names([view.peers.names[node] for node in found.nodes])


def _exchanges(view: OverlayView, reach: Reach) -> Iterable[tuple[str, str]]:
    """There are no rounds, and no circuit that all go at the pace of; a message has its links to itself."""
    seconds = [reach.move_s(i, j) + reach.move_s(j, i) for i, j in view.graph.edges if i != j]
    size = about(reach.message_bytes, "bytes")
    yield "computing takes", f"{_span(reach.compute_s.min(), reach.compute_s.max())}; everybody goes at its own pace"
    yield "an exchange takes", f"{_span(min(seconds), max(seconds))} once both are free: {size} there, and back"


def _span(least_s: float, most_s: float) -> str:
    least, most = about(float(least_s), "s"), about(float(most_s), "s")
    return least if least == most else f"{least} to {most}"


def _work(view: OverlayView, reach: Reach) -> str:
    computing = _span(reach.compute_s.min(), reach.compute_s.max())
    how = "while" if view.overlaps else "and then"
    return f"{computing} of computing {how} {about(reach.message_bytes, 'bytes')} go to each neighbour"


def _names(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"the computing of {names[0]}"
    more = f", ... ({len(names)} peers)" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _changing_facts(view: OverlayView, overlay: ChangingOverlay) -> Iterable[tuple[str, str]]:
    """What is left after twice as many rounds as news need to reach everybody where it doubles with each; and the pace.

    The pace is the mean of so many times these rounds as come to 160, or as are quick to look at.
    """
    few = 2 * max(1, (len(view.peers) - 1).bit_length())
    graphs = [overlay.graph_of(view.peers, number) for number in range(1, few + 1)]
    left = None
    if view.mixing is not None:
        left = product_norm([view.mixing.weights(graph) for graph in graphs])
    most = min(_LONG_RUN, _MOST_EDGES * few // max(1, sum(graph.number_of_edges() for graph in graphs)))
    graphs += [overlay.graph_of(view.peers, number) for number in range(few + 1, most // few * few + 1)]
    edges = np.mean([graph.number_of_edges() for graph in graphs])
    yield "edges in a round", f"{edges:.4g} in the mean of {len(graphs)} rounds"
    if left is not None:
        yield "disagreement", f"{left:.3g} of it is left after {few} rounds"
    if view.peers.reach is not None:
        pace_s = changing_pace_s(view.peers.reach, graphs, overlaps=view.overlaps)
        told = f"about {about(pace_s, 's')} in the mean of {len(graphs)} rounds"
        yield "a round takes", f"{told}: {_work(view, view.peers.reach)}"


def product_norm(weights: Sequence[csr_array]) -> float:
    """How much of the disagreement is left, at worst, after rounds with these weights, each (N, N)."""
    mixed = np.eye(weights[0].shape[0])
    for W in weights:
        mixed = W @ mixed
    return float(np.linalg.norm(mixed - mixed.mean(axis=0), 2))


def changing_pace_s(reach: Reach, graphs: Sequence[Graph], *, overlaps: bool) -> float:
    """Seconds per round of the slowest peer over these rounds: starts by the recursion of equation 4."""
    starts_s = np.zeros(len(reach))
    for graph in graphs:
        later_s = np.zeros(len(reach))
        arcs: Any = reach.delays(graph, overlaps=overlaps).edges(data="delay_s")
        for i, j, delay_s in arcs:
            later_s[j] = max(later_s[j], starts_s[i] + delay_s)
        starts_s = later_s
    return float(starts_s.max()) / len(graphs)
