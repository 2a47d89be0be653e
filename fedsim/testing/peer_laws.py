"""Laws of learners without a server."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fedsim.learners.exchange import Meeting, assemble
from fedsim.learners.learner import Array, CatchUp
from fedsim.learners.rehearsal import GossipRehearsal
from fedsim.learners.training import GossipTraining
from fedsim.tasks.problem import Outline, Problem
from fedsim.testing.bench import Bench, streams
from fedsim.testing.law import Law, fingerprint, finite, pickled
from fedsim.testing.local_laws import (
    BYTES,
    DETERMINISM,
    FINITE,
    IN_PLACE,
    SHAPES,
    check_local,
    check_models,
)

EQUAL = Law(
    name="nodes that are equal stay equal, whatever their weights",
    mend="let neighbours' models enter as weighted differences from the node's own",
)
NEIGHBOURS = Law(
    name="the order of neighbours changes nothing",
    mend="let a message enter with its own weight only",
)
MEAN = Law(
    name="doubly stochastic mixing keeps the mean of all models",
    mend="subtract the same rounded numbers that are sent, or do not say keeps_mean",
)


def check_decentralised(learner: Any, problem: Problem) -> None:
    """Every law of a decentralised learner.

    Raises:
        AssertionError: if one is broken.
    """
    start = learner.init(problem, 0, streams("init"))
    SHAPES.demand(isinstance(start, np.ndarray) and start.ndim == 1, "init must give one node's state, (q,)")
    again = fingerprint(learner.init(problem, 0, streams("init")))
    DETERMINISM.demand(again == fingerprint(start), "init with the same luck gave another model")
    nodes = start + np.random.default_rng(1).normal(size=(problem.devices, len(start)))
    memory = tuple(learner.memory(problem, device) for device in range(problem.devices))
    bench = Bench(learner=learner, problem=problem, received=nodes, memory=memory)
    check_local(bench)
    computed = bench.do(range(problem.devices)).sent
    _check_bytes(learner, problem, len(start))
    team = _Team(learner, problem, nodes, computed, memory)
    _check_mix(team)
    _check_equal(team)
    if getattr(learner, "keeps_mean", False):
        _check_mean(team)
    remembered = dict(enumerate(memory))
    models = learner.models(problem, nodes, remembered)
    check_models(learner, problem, models, learner.measures(problem, nodes, remembered))
    _check_rehearsal(pickled(learner, "the learner"), problem)


def _check_bytes(learner: Any, problem: Problem, numbers: int) -> None:
    size = {"float32": [4], "float64": [8]}.get(getattr(learner, "precision", ""), [4, 8])
    declared = learner.up_bytes(problem)
    if isinstance(learner, CatchUp):  # codes have lengths of their own
        BYTES.demand(declared > 0, f"a code is declared as {declared!r} bytes")
        return
    allowed = [numbers * each for each in size]
    BYTES.demand(declared in allowed, f"a model of {numbers} numbers is declared as {declared!r} bytes")


class _Team:
    """Nodes with their local work done, that mix as it pleases the law."""

    def __init__(self, learner: Any, problem: Problem, nodes: Array, computed: Array, memory: tuple[Any, ...]) -> None:
        self.learner, self.problem = learner, problem
        self.nodes, self.computed, self.memory = nodes, computed, memory
        sent = nodes if learner.overlaps else computed
        self.messages: Array = learner.outgoing(problem, np.arange(len(nodes)), sent, memory).messages

    def meeting(self, device: int, weights: Mapping[int, float], sender: int | None = None) -> Meeting:
        """A node with these weights for its neighbours, in this order; all of them send what ``sender`` does."""
        return Meeting(
            device=device,
            own=self.nodes[device],
            computed=self.computed[device],
            offered=self.messages[device],
            memory=self.memory[device],
            received={other: self.messages[other if sender is None else sender] for other in weights},
            weights=weights,
        )

    def mix(self, *meetings: Meeting) -> Array:
        """Their next states."""
        states: Array = self.learner.mix(self.problem, assemble(meetings)).states
        return states


def _check_mix(team: _Team) -> None:
    shares = np.random.default_rng(2).dirichlet(np.ones(len(team.nodes)))
    weights = {other: float(shares[other]) for other in range(1, len(team.nodes))}
    given = assemble([team.meeting(0, weights)])
    before = fingerprint(given)
    mixed = team.learner.mix(team.problem, given).states
    IN_PLACE.demand(fingerprint(given) == before, "mix changed a model or the weights")
    SHAPES.demand(mixed.shape == team.nodes[:1].shape, f"mix gave shape {mixed.shape} for one node")
    FINITE.demand(finite(mixed), "mix gave infinite numbers or NaN")
    again = team.learner.mix(team.problem, given).states
    DETERMINISM.demand(fingerprint(again) == fingerprint(mixed), "mix gave another model the second time")
    turned = team.mix(team.meeting(0, dict(reversed(weights.items()))))
    NEIGHBOURS.demand(
        bool(np.allclose(turned, mixed, rtol=1e-9, atol=1e-9)), "neighbours in reverse gave another model"
    )
    FINITE.demand(finite(team.mix(team.meeting(0, {}))), "a node without neighbours got infinite numbers or NaN")


def _check_equal(team: _Team) -> None:
    mixes = [team.mix(team.meeting(0, weights, sender=0)) for weights in ({1: 0.5}, {1: 0.3, 2: 0.5}, {})]
    for mixed in mixes[1:]:
        EQUAL.demand(bool(np.allclose(mixed, mixes[0], rtol=1e-6, atol=1e-6)), "weights made equal nodes unequal")


def _check_mean(team: _Team) -> None:
    count = len(team.nodes)
    W = np.eye(count) / 2 + (np.roll(np.eye(count), 1, axis=0) + np.roll(np.eye(count), -1, axis=0)) / 4
    rows = [{j: float(W[i, j]) for j in range(count) if j != i} for i in range(count)]
    mixed = team.mix(*(team.meeting(i, row) for i, row in enumerate(rows)))
    away = np.abs(mixed.mean(axis=0) - team.computed.mean(axis=0)).max()
    MEAN.demand(bool(away < 1e-12), f"the mean moved by {away:.3g}")


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
