"""Laws of learners without a server."""

from typing import Any

import numpy as np

from fedsim.learners.learner import Array
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
    mend="let received[k] enter with weights[k + 1] only",
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
    start = learner.init(problem, streams("init"))
    SHAPES.demand(isinstance(start, np.ndarray) and start.ndim == 1, "init must give one node's model, (p,)")
    again = fingerprint(learner.init(problem, streams("init")))
    DETERMINISM.demand(again == fingerprint(start), "init with the same luck gave another model")
    nodes = start + np.random.default_rng(1).normal(size=(problem.devices, len(start)))
    memory = tuple(learner.memory(problem, device) for device in range(problem.devices))
    bench = Bench(learner=learner, problem=problem, received=nodes, memory=memory)
    check_local(bench)
    computed = bench.do(range(problem.devices)).sent
    _check_bytes(learner, problem, len(start))
    _check_mix(learner, nodes, computed)
    _check_equal(learner, nodes[0], computed[0])
    if getattr(learner, "keeps_mean", False):
        _check_mean(learner, nodes, computed)
    remembered = dict(enumerate(memory))
    models = learner.models(problem, nodes, remembered)
    check_models(learner, problem, models, learner.measures(problem, nodes, remembered))
    _check_rehearsal(pickled(learner, "the learner"), problem)


def _check_bytes(learner: Any, problem: Problem, numbers: int) -> None:
    size = {"float32": [4], "float64": [8]}.get(getattr(learner, "precision", ""), [4, 8])
    declared = learner.up_bytes(problem)
    allowed = [numbers * each for each in size]
    BYTES.demand(declared in allowed, f"a model of {numbers} numbers is declared as {declared!r} bytes")


def _sent(learner: Any, nodes: Array, computed: Array) -> Array:
    return nodes if learner.overlaps else computed


def _check_mix(learner: Any, nodes: Array, computed: Array) -> None:
    sent = _sent(learner, nodes, computed)[1:]
    weights = np.random.default_rng(2).dirichlet(np.ones(len(nodes)))
    given = (nodes[0], computed[0], sent, weights)
    before = fingerprint(given)
    mixed = learner.mix(*given)
    IN_PLACE.demand(fingerprint(given) == before, "mix changed a model or the weights")
    SHAPES.demand(mixed.shape == nodes[0].shape, f"mix gave shape {mixed.shape}, not {nodes[0].shape}")
    FINITE.demand(finite(mixed), "mix gave infinite numbers or NaN")
    DETERMINISM.demand(fingerprint(learner.mix(*given)) == fingerprint(mixed), "mix gave another model the second time")
    turned = learner.mix(nodes[0], computed[0], sent[::-1], np.concatenate([weights[:1], weights[:0:-1]]))
    NEIGHBOURS.demand(
        bool(np.allclose(turned, mixed, rtol=1e-9, atol=1e-9)), "neighbours in reverse gave another model"
    )
    alone = learner.mix(nodes[0], computed[0], sent[:0], np.ones(1))
    FINITE.demand(finite(alone), "a node without neighbours got infinite numbers or NaN")


def _check_equal(learner: Any, own: Array, computed: Array) -> None:
    sent = _sent(learner, own[None], computed[None])
    mixes = [
        learner.mix(own, computed, np.repeat(sent, len(weights) - 1, axis=0), np.array(weights))
        for weights in ([0.5, 0.5], [0.2, 0.3, 0.5], [1.0])
    ]
    for mixed in mixes[1:]:
        EQUAL.demand(bool(np.allclose(mixed, mixes[0], rtol=1e-6, atol=1e-6)), "weights made equal nodes unequal")


def _check_mean(learner: Any, nodes: Array, computed: Array) -> None:
    count, sent = len(nodes), _sent(learner, nodes, computed)
    W = np.eye(count) / 2 + (np.roll(np.eye(count), 1, axis=0) + np.roll(np.eye(count), -1, axis=0)) / 4
    mixed = [
        learner.mix(nodes[i], computed[i], np.delete(sent, i, axis=0), np.concatenate([[W[i, i]], np.delete(W[i], i)]))
        for i in range(count)
    ]
    away = np.abs(np.mean(mixed, axis=0) - computed.mean(axis=0)).max()
    MEAN.demand(bool(away < 1e-12), f"the mean moved by {away:.3g}")


def _check_rehearsal(learner: Any, problem: Problem) -> None:
    outline = Outline(model=problem.model, examples=problem.sizes, name=problem.name)
    training = GossipTraining(outline, GossipRehearsal(learner), streams)
    own = training.model(0)
    ticket = training.begin(0, own, training.costs[0].steps, (0, 0), 0)
    training.mix(own, training.bench.take(ticket), [], [1.0])
