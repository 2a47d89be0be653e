"""A row for each direction of every link that was there or was needed: what crossed it, and how busy it was."""

import pandas as pd

from fedsim.system.network import LinkUse, Network


def link_table(network: Network, seconds: float) -> pd.DataFrame:
    """Link by link, up to now; ``seconds`` is how long the run has lasted.

    ``source`` and ``target`` (two nodes, or a device and its node), ``capacity_bps`` at the end; ``offered_bytes``
    (what messages had yet to send when they came to the link), ``carried_bytes``, and of these ``delivered_bytes``
    and ``wasted_bytes``, all as they are on the wire; ``busy_s``, seconds in which somebody had bytes for the link;
    ``utilisation``, the mean over the run of load over capacity, each as it was at the time; 0 for infinite ones.
    """
    arcs, uses = network.uses()
    table = pd.DataFrame(uses.T, columns=[*LinkUse._fields[:-1], "utilisation"])
    table["utilisation"] = table["utilisation"] / seconds if seconds > 0 else 0.0
    table.insert(0, "source", [source for source, _ in arcs])
    table.insert(1, "target", [target for _, target in arcs])
    return table
