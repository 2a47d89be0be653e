"""A short tour through the network between peers."""

import networkx as nx

from fedsim.errors import FedsimError
from fedsim.system.peers import Peers

_MOST = 1_000  # a matching of half of them takes minutes


def christofides(peers: Peers) -> list[int]:
    """All peers in the order of a tour, from peer 0.

    Christofides 1976: a least spanning tree, a least matching of its odd nodes, and shortcuts through the circuit of
    both; on delays that keep the triangle inequality at most 1.5 times as long as the shortest tour. The delay
    of two peers is the mean of both ways, each of local work, latency and a message alone on the route; among equal
    tours the order of the peers decides.

    Raises:
        FedsimError: nobody has said what lies between the peers, there is no way between two, or they are too many.
    """
    if len(peers) > _MOST:
        raise FedsimError(f"a tour is for up to {_MOST:,} peers, got {len(peers):,}: take the order of the fleet")
    if len(peers) < 4:
        return list(range(len(peers)))
    tour = nx.algorithms.approximation.christofides(peers.known_reach("a tour").distances(), weight="delay_s")
    start = tour.index(0)
    return list(tour[start:-1] + tour[:start])
