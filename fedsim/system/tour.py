"""A short tour through the network between peers."""

from typing import Final

import networkx as nx

from fedsim.system.peers import Peers

MOST: Final = 1_000
"""Of so many peers a matching takes minutes."""


def christofides(peers: Peers) -> list[int]:
    """All peers in the order of a tour, from peer 0.

    Christofides 1976: a least spanning tree, a least matching of its odd nodes, and shortcuts through the circuit of
    both; on delays that keep the triangle inequality at most 1.5 times as long as the shortest tour. The delay
    of two peers is the mean of both ways, each of local work, latency and a message alone on the route; among equal
    tours the order of the peers decides.

    Raises:
        FedsimError: nobody has said what lies between the peers, or there is no way between two.
    """
    if len(peers) < 4:
        return list(range(len(peers)))
    tour = nx.algorithms.approximation.christofides(peers.known_reach("a tour").distances(), weight="delay_s")
    start = tour.index(0)
    return list(tour[start:-1] + tour[:start])
