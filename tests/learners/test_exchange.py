"""What nodes take from their neighbours' messages, against its definition, to the last bit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.learners.exchange import Exchange


def exchange(counts, shape, seed):
    rng, entries = np.random.default_rng(seed), sum(counts)
    numbers = rng.normal(size=(3, len(counts), *shape))
    return Exchange(
        devices=np.arange(len(counts)),
        own=numbers[0],
        computed=numbers[1],
        offered=numbers[2],
        memory=(None,) * len(counts),
        starts=np.cumsum([0, *counts]),
        received=rng.normal(size=(entries, *shape)),
        senders=rng.integers(0, 9, entries),
        weights=rng.random(entries),
    )


def pulls_slow(meeting):
    """The definition: one node after the other, one neighbour after the other."""
    pulls = np.zeros(meeting.offered.shape)
    for node, (begin, end) in enumerate(zip(meeting.starts[:-1], meeting.starts[1:], strict=True)):
        for message in range(begin, end):
            pulls[node] += meeting.weights[message] * (meeting.received[message] - meeting.offered[node])
    return pulls


@settings(deadline=None, max_examples=60)
@given(
    counts=st.lists(st.integers(0, 6), min_size=1, max_size=8),
    hub=st.sampled_from([[], [40]]),
    shape=st.sampled_from([(1,), (5,), (2, 3)]),
    seed=st.integers(0, 999),
)
def test_pulls_are_sums_over_neighbours_in_their_order(counts, hub, shape, seed):
    """Also where one node has many more neighbours than the rest, or none has any."""
    meeting = exchange([*counts, *hub], shape, seed)
    assert np.array_equal(meeting.pulls(), pulls_slow(meeting))
