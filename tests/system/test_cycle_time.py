"""The pace of rounds among neighbours: Karp's theorem, and the critical circuit."""

import math
from fractions import Fraction

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.cycle_time import critical_circuit, cycle_time


def graph(arcs):
    """Arcs (from, to): seconds."""
    delays = nx.DiGraph()
    for (source, target), delay_s in arcs.items():
        delays.add_edge(source, target, delay_s=delay_s)
    return delays


RING = {(0, 1): 4.0, (1, 2): 5.0, (2, 0): 9.0, (0, 0): 1.0, (1, 1): 1.0, (2, 2): 1.0}
PATH = {(0, 1): 3.0, (1, 0): 5.0, (1, 2): 10.0, (2, 1): 2.0, (0, 0): 1.0, (1, 1): 1.0, (2, 2): 1.0}


@pytest.mark.parametrize(
    ("arcs", "seconds", "circuit"),
    [
        (RING, 6.0, {0, 1, 2}),
        (PATH, 6.0, {1, 2}),
        (PATH | {(2, 0): 12.0}, 25 / 3, {0, 1, 2}),
        (RING | {(2, 2): 7.0}, 7.0, {2}),
    ],
)
def test_worked_numbers(arcs, seconds, circuit):
    """Examples A, B and C of the notes on decentralised learning, and one slow computer."""
    found = critical_circuit(graph(arcs))
    assert found.mean_s == cycle_time(graph(arcs)) == seconds
    assert set(found.nodes) == circuit


def test_nearly_equal_circuits_are_told_apart():
    """0.1 + 0.2 is a little more than twice 0.15: no rounding hides which circuit is critical."""
    arcs = {("a", "b"): 0.1, ("b", "a"): 0.2, ("b", "c"): 0.15, ("c", "b"): 0.15}
    assert set(critical_circuit(graph(arcs)).nodes) == {"a", "b"}
    assert Fraction(0.1) + Fraction(0.2) > 2 * Fraction(0.15)


def test_components_go_at_their_own_pace():
    """b hears of a's component and not the other way round; the slower one is told."""
    arcs = {("a", "a"): 1.0, ("a", "b"): 100.0, ("b", "c"): 2.0, ("c", "b"): 4.0}
    assert critical_circuit(graph(arcs)).nodes in {("b", "c"), ("c", "b")}
    assert cycle_time(graph(arcs)) == 3.0


def test_tiny_and_huge_delays_do_not_overflow():
    assert cycle_time(graph({(0, 1): 5e-324, (1, 0): 1e300, (1, 2): 1.0})) == 5e299


@pytest.mark.parametrize("delay_s", [math.nan, math.inf, -1.0, None])
def test_delays_that_cannot_be_are_refused(delay_s):
    with pytest.raises(ValueError, match=r"delay_s of 'a' -> 'b' must be a number >= 0 and finite"):
        cycle_time(graph({("a", "b"): delay_s, ("b", "a"): 1.0}))


@pytest.mark.parametrize("arcs", [{}, {("a", "b"): 1.0}])
def test_without_a_circuit_there_is_no_pace(arcs):
    with pytest.raises(ValueError, match="no cycle time"):
        cycle_time(graph(arcs))


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 5), st.integers(0, 5)),
        st.integers(0, 12) | st.floats(0, 100, allow_subnormal=False),
        min_size=1,
        max_size=16,
    )
)
@settings(deadline=None, max_examples=150)
def test_it_is_the_largest_mean_of_all_circuits(arcs):
    """Against all simple circuits, which networkx lists one by one."""
    delays = graph(arcs)
    means = [
        sum(Fraction(arcs[arc]) for arc in zip(nodes, [*nodes[1:], nodes[0]], strict=True)) / len(nodes)
        for nodes in nx.simple_cycles(delays)
    ]
    if not means:
        with pytest.raises(ValueError, match="no cycle time"):
            cycle_time(delays)
        return
    found = critical_circuit(delays)
    assert found.mean_s == float(max(means))
    around = zip(found.nodes, [*found.nodes[1:], found.nodes[0]], strict=True)
    assert sum(Fraction(arcs[arc]) for arc in around) / len(found.nodes) == max(means)


def test_published_examples(oracle):
    """The maxplus entries of the reference data: cycle times as exact fractions, and critical cycles."""
    entries = [entry for entry in oracle("analytic")["entries"] if entry["id"].startswith("maxplus")]
    assert len(entries) == 7
    for entry in entries:
        value = entry["value"]
        delays = graph({(arc["src"], arc["dst"]): Fraction(str(arc["d"])) for arc in value["d"]})
        exact = Fraction(value["cycle_time_exact"])
        assert cycle_time(delays) == pytest.approx(float(exact), rel=1e-11), entry["id"]  # delays have 12 digits
        assert set(critical_circuit(delays).nodes) == set(value["critical_cycle"]), entry["id"]


def test_rounds_start_as_the_algebra_says(oracle):
    """Start times by the recursion itself, round for round, and their slope."""
    for entry in oracle("analytic")["entries"]:
        if not entry["id"].startswith("maxplus"):
            continue
        d = {(arc["src"], arc["dst"]): arc["d"] for arc in entry["value"]["d"]}
        nodes = sorted({source for source, _ in d})
        starts = [0.0] * len(nodes)
        seen = []
        for _ in range(12):
            starts = [max(starts[i] + d[i, j] for i in nodes if (i, j) in d) for j in nodes]
            seen.append(starts)
        assert [pytest.approx(row, rel=1e-9) for row in entry["value"]["start_of_rounds_1_to_12"]] == seen


@pytest.mark.parametrize("size", [5, 40])
def test_a_ring_is_the_mean_of_its_arcs(size):
    delays = graph({(i, (i + 1) % size): float(i) for i in range(size)})
    assert cycle_time(delays) == (size - 1) / 2
