"""Laws of learners without a server."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fedsim.learners.exchange import Exchange, Meeting, Mixed, assemble
from fedsim.learners.learner import Array, CatchUp, IntArray, PairwiseLearner
from fedsim.learners.rehearsal import GossipRehearsal
from fedsim.learners.training import GossipTraining
from fedsim.tasks.problem import Outline, Problem
from fedsim.testing.bench import Bench, streams
from fedsim.testing.law import Law, fingerprint, finite, pickled
from fedsim.testing.local_laws import (
    BYTES,
    COMPANY,
    DETERMINISM,
    FINITE,
    IN_PLACE,
    SHAPES,
    check_local,
    check_message,
    check_models,
)

EQUAL = Law(
    name="nodes that are equal stay equal, whatever their weights",
    mend="let neighbours' models enter as weighted differences from the node's own",
)
NEIGHBOURS = Law(
    name="the order of neighbours changes nothing",
    mend="let received[k] enter with weights[k] only",
)
MEAN = Law(
    name="doubly stochastic mixing keeps the mean of all models",
    mend="let only differences between messages enter, as Exchange.pulls does, or do not say keeps_mean",
)


REBASED = Law(
    name="work is added to whatever the state is by then",
    mend="let rebase(x, y, x) be y, and rebase(x, x, z) be z",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Nodes:
    """All nodes of a problem after local work, with what each sent."""

    learner: Any
    problem: Problem
    own: Array
    computed: Array
    offered: Array
    memory: tuple[Any, ...]

    def meeting(self, node: int, weights: dict[int, float]) -> Meeting:
        """One node with these neighbours."""
        return Meeting(
            device=node,
            own=self.own[node],
            computed=self.computed[node],
            offered=self.offered[node],
            memory=self.memory[node],
            received={other: self.offered[other] for other in weights},
            weights=weights,
        )

    def mix(self, meetings: Iterable[Meeting]) -> Mixed:
        """Let the learner do it."""
        mixed: Mixed = self.learner.mix(self.problem, assemble(list(meetings)))
        return mixed

    def one(self, meeting: Meeting) -> Any:
        """State and memory of one node that mixes alone, to the last bit."""
        mixed = self.mix([meeting])
        return fingerprint((mixed.states[0], mixed.memory[0]))


def check_decentralised(learner: Any, problem: Problem) -> None:
    """Every law of a decentralised learner.

    Raises:
        AssertionError: if one is broken.
    """
    everybody = np.arange(problem.devices, dtype=np.int64)
    starts = [learner.init(problem, int(device), streams("init")) for device in everybody]
    shapes = {np.shape(start) for start in starts}
    SHAPES.demand(len(shapes) == 1 and len(starts[0].shape) == 1, f"init must give states (q,), got {shapes}")
    again = fingerprint(learner.init(problem, 0, streams("init")))
    DETERMINISM.demand(again == fingerprint(starts[0]), "init with the same luck gave another state")
    own = np.stack(starts) + np.random.default_rng(1).normal(size=(problem.devices, len(starts[0])))
    memory = tuple(learner.memory(problem, device) for device in range(problem.devices))
    bench = Bench(learner=learner, problem=problem, received=own, memory=memory)
    check_local(bench)
    nodes = _after_work(bench, everybody)
    _check_bytes(learner, problem, nodes)
    _check_mix(nodes)
    _check_equal(nodes)
    if getattr(learner, "keeps_mean", False):
        _check_mean(nodes)
    if isinstance(learner, PairwiseLearner):
        _check_rebase(learner, own)
    remembered = dict(enumerate(nodes.memory))
    models = learner.models(problem, own, remembered)
    check_models(learner, problem, models, learner.measures(problem, own, remembered))
    _check_rehearsal(pickled(learner, "the learner"), problem)


def _after_work(bench: Bench, everybody: IntArray) -> _Nodes:
    learner, problem = bench.learner, bench.problem
    if learner.overlaps:
        offered = _outgoing(learner, problem, everybody, bench.received, bench.memory)
        bench = replace(bench, memory=offered.memory)
    computed = bench.do(everybody.tolist())
    memory = computed.memory
    if not learner.overlaps:
        offered = _outgoing(learner, problem, everybody, computed.sent, memory)
        memory = offered.memory
    return _Nodes(
        learner=learner,
        problem=problem,
        own=bench.received,
        computed=computed.sent,
        offered=offered.messages,
        memory=memory,
    )


def _outgoing(learner: Any, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Any:
    given = (devices, numbers, memory)
    before = fingerprint(given)
    offered = learner.outgoing(problem, *given)
    IN_PLACE.demand(fingerprint(given) == before, "outgoing changed what it was given")
    SHAPES.demand(
        len(offered.messages) == len(offered.memory) == len(devices),
        f"outgoing of {len(devices)} nodes gave {len(offered.messages)} messages and {len(offered.memory)} memories",
    )
    for i, device in enumerate(devices.tolist()):
        alone = learner.outgoing(problem, devices[i : i + 1], numbers[i : i + 1], memory[i : i + 1])
        same = fingerprint((alone.messages[0], alone.memory[0])) == fingerprint(
            (offered.messages[i], offered.memory[i])
        )
        COMPANY.demand(same, f"alone, node {device} sends something else")
    return offered


def _check_bytes(learner: Any, problem: Problem, nodes: _Nodes) -> None:
    declared = learner.up_bytes(problem)
    if isinstance(learner, CatchUp):
        sizes = [learner.catch_up_bytes(problem, codes) for codes in (1, 2, 1_000)]
        BYTES.demand(sizes == sorted(sizes), f"for 1, 2 and 1000 messages that are missed it declares {sizes} bytes")
        BYTES.demand(declared > 0, f"a code is declared as {declared!r} bytes")
        return
    check_message(learner, nodes.offered[0], declared, "to a neighbour")


def _neighbours(nodes: _Nodes, node: int) -> dict[int, float]:
    """Weights of all others, which leave something to the node itself."""
    count = len(nodes.own)
    shares = np.random.default_rng(2 + node).dirichlet(np.ones(count))
    return {other: float(shares[other]) for other in range(count) if other != node}


def _check_mix(nodes: _Nodes) -> None:
    everybody = range(len(nodes.own))
    meetings = [nodes.meeting(node, _neighbours(nodes, node) if node % 3 else {}) for node in everybody]
    exchange = assemble(meetings)
    before = fingerprint(exchange)
    mixed = nodes.learner.mix(nodes.problem, exchange)
    IN_PLACE.demand(fingerprint(exchange) == before, "mix changed a state, a message or the weights")
    SHAPES.demand(mixed.states.shape == nodes.own.shape, f"mix gave shape {mixed.states.shape}, not {nodes.own.shape}")
    SHAPES.demand(len(mixed.memory) == len(nodes.own), f"mix of {len(nodes.own)} gave {len(mixed.memory)} memories")
    FINITE.demand(finite(mixed.states) and finite(mixed.memory), "mix gave infinite numbers or NaN")
    again = fingerprint(nodes.learner.mix(nodes.problem, exchange))
    DETERMINISM.demand(again == fingerprint(mixed), "mix gave another state the second time")
    for node, meeting in enumerate(meetings):
        same = nodes.one(meeting) == fingerprint((mixed.states[node], mixed.memory[node]))
        COMPANY.demand(same, f"node {node} mixes alone to something else")
    _check_order(nodes, exchange, mixed)


def _check_order(nodes: _Nodes, exchange: Exchange, mixed: Mixed) -> None:
    turned = [
        nodes.meeting(node, dict(reversed(_neighbours(nodes, node).items())) if node % 3 else {})
        for node in exchange.devices.tolist()
    ]
    same = np.allclose(nodes.mix(turned).states, mixed.states, rtol=1e-9, atol=1e-9)
    NEIGHBOURS.demand(bool(same), "neighbours in reverse gave another state")


def _check_equal(nodes: _Nodes) -> None:
    """Three nodes that are copies of the first, with other weights each."""
    own, computed, offered = (np.repeat(of[:1], 4, axis=0) for of in (nodes.own, nodes.computed, nodes.offered))
    same = replace(nodes, own=own, computed=computed, offered=offered, memory=nodes.memory[:1] * 4)
    shares: list[dict[int, float]] = [{1: 0.5}, {1: 0.3, 2: 0.5}, {}]
    mixed = same.mix([same.meeting(0, weights) for weights in shares]).states
    EQUAL.demand(bool(np.allclose(mixed[1:], mixed[0], rtol=1e-6, atol=1e-6)), "weights made equal nodes unequal")


def _check_mean(nodes: _Nodes) -> None:
    count = len(nodes.own)
    ring: list[dict[int, float]] = [
        {(i - 1) % count: 0.25, (i + 1) % count: 0.25} if count > 2 else {} for i in range(count)
    ]
    alone: list[dict[int, float]] = [{} for _ in range(count)]
    means = [_mean(nodes, ring), _mean(nodes, alone)]
    away = float(np.abs(means[0] - means[1]).max())
    MEAN.demand(away < 1e-12, f"the mean moved by {away:.3g}")


def _mean(nodes: _Nodes, weights: Sequence[dict[int, float]]) -> Array:
    states = nodes.mix([nodes.meeting(node, of) for node, of in enumerate(weights)]).states
    return np.asarray(states.mean(axis=0))


def _check_rebase(learner: Any, own: Array) -> None:
    started, computed = own, own + 1.0
    if learner.epochs:
        same = np.allclose(learner.rebase(started, computed, started), computed)
        REBASED.demand(bool(same), "from where it began, work gives something else")
    moved = own - 2.0
    REBASED.demand(bool(np.allclose(learner.rebase(started, started, moved), moved)), "no work changes the state")


def _check_rehearsal(learner: Any, problem: Problem) -> None:
    outline = Outline(model=problem.model, examples=problem.sizes, name=problem.name)
    training = GossipTraining(outline, GossipRehearsal(learner), streams)
    own = training.state(0)
    work = training.begin(0, own, training.costs[0].steps, (0, 0), 0)
    offered = training.offer(0, own) if learner.overlaps else None
    answer = training.done(work)
    offered = training.offer(0, own, answer) if offered is None else offered
    training.mix([training.meeting(own, answer, offered, {}, {})])
    training.models()
