"""Expectation and maximisation of a mixture on many devices: FedEM's local part, with a server or without.

Examples of several devices are held flat: all N of them, those of the first device of the batch, then of the second.
M components have p parameters each.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, softmax

from fedsim.errors import FedsimError
from fedsim.learners.learner import Work
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Block, Examples
from fedsim.tasks.model import Likelihood, Model
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd, Trained
from fedsim.tasks.terms import Terms

_SLAB = 8192  # examples
_SETTLED = 200  # steps after which the weights of a mixture of frozen models are taken to have settled


class Expected(NamedTuple):
    """What an E step finds: responsibilities q (N, M), and weights pi (b, M), each device's mean of them."""

    responsibilities: Array
    weights: Array


def likelihood(model: Model) -> Likelihood:
    """The model, if it can be mixed.

    Raises:
        FedsimError: if its loss is not that of a probability.
    """
    if not isinstance(model, Likelihood):
        raise FedsimError(f"a mixture needs a model with probabilities, and {type(model).__name__} has none")
    return model


def example_losses(model: Likelihood, examples: Examples, devices: IntArray, theta: Array) -> Array:
    """The loss of every component on every example of these devices: (N, M), for components theta (b, M, p)."""
    sizes = examples.sizes[devices]
    begins = np.cumsum(sizes) - sizes
    losses = np.empty((int(sizes.sum()), theta.shape[1]))
    for chosen in _slabs(sizes):
        place = np.arange(sizes[chosen[0]])
        rows = examples.offsets[devices[chosen], None] + place
        x, y = examples.of_block(Block(devices=devices[chosen], rows=rows))
        own = begins[chosen, None] + place
        for m in range(theta.shape[1]):
            losses[own, m] = model.losses(theta[chosen, m], x, y)
    return losses


def _slabs(sizes: IntArray) -> Iterator[IntArray]:
    """Devices with equally many examples each, so few that these stay in a cache for all components."""
    for size in np.unique(sizes).tolist():
        chosen = np.flatnonzero(sizes == size)
        few = max(1, _SLAB // size)
        yield from (chosen[begin : begin + few] for begin in range(0, len(chosen), few))


def expect(losses: Array, pi: Array, sizes: IntArray) -> Expected:
    """q_im proportional to pi_m exp(-loss_im), and each device's mean of it. Marfoq et al. 2021, eqs. 9 and 10.

    Args:
        losses: (N, M) of every component.
        pi: (b, M) weights of the components on each device.
        sizes: (b,) examples of each device.
    """
    q = np.asarray(softmax(_log(pi)[_owner(sizes)] - losses, axis=1))
    return Expected(q, _means(q, sizes))


def settle(losses: Array, sizes: IntArray) -> Array:
    """The weights pi (b, M) to which E steps lead, from equal ones, while the components stay as they are.

    Here a component's numbers lie together: sums over few components take NumPy seven times as long the other way.
    """
    likely = np.ascontiguousarray(np.exp(losses.min(axis=1, keepdims=True) - losses).T)
    begins = np.cumsum(sizes) - sizes
    pi = np.full((len(likely), len(sizes)), 1.0 / len(likely))
    for _ in range(_SETTLED):
        q = np.repeat(pi, sizes, axis=1)
        q *= likely
        q /= q.sum(axis=0)
        pi = np.add.reduceat(q, begins, axis=1) / sizes
    return pi.T


def negative_log_likelihood(losses: Array, pi: Array, sizes: IntArray) -> float:
    """- (1/N) sum over examples of log sum over m of pi_m exp(-loss_im): what EM never lets rise."""
    return -float(np.mean(logsumexp(_log(pi)[_owner(sizes)] - losses, axis=1)))


def maximise(
    solver: Sgd,
    problem: Problem,
    work: Work,
    responsibilities: Array,
    *,
    rates: Array | None = None,
    momentum: Array | None = None,
) -> Trained:
    """Train every component on the examples, each weighted by the component's responsibility for it. Eq. 11, inexactly.

    All components of a device see the same minibatches, so that their order does not matter, and one component alone
    is plain descent, to the last bit.

    Args:
        solver: says epochs and step size.
        problem: whose model and training examples.
        work: what was received are the components (b, M, p).
        responsibilities: (N, M).
        rates: (b,) step sizes in place of the solver's.
        momentum: (b, M, p) velocity from an earlier round.

    Returns:
        Parameters and velocity, (b, M, p) each.
    """
    b, M, p = work.received.shape
    own = np.split(responsibilities, np.cumsum(problem.sizes[work.devices])[:-1])
    trained = solver.run(
        problem.model,
        problem.train,
        start=work.received.reshape(b * M, p),
        devices=np.repeat(work.devices, M),
        steps=np.repeat(work.steps, M),
        rngs=_in_unison(work.rngs, M),
        terms=Terms(
            example_weights=np.concatenate([q.T.ravel() for q in own]),
            rates=None if rates is None else np.repeat(rates, M),
            momentum=None if momentum is None else momentum.reshape(b * M, p),
        ),
    )
    return Trained(trained.parameters.reshape(b, M, p), trained.momentum.reshape(b, M, p))


class _Echo:
    """Repeats what another one drew, and draws where it is the first to ask."""

    def __init__(self, rng: np.random.Generator, heard: list[IntArray]) -> None:
        self._rng = rng
        self._heard = heard
        self._said = 0

    def permutation(self, x: int, /) -> IntArray:
        if self._said == len(self._heard):
            self._heard.append(self._rng.permutation(x))
        self._said += 1
        return self._heard[self._said - 1]


def _in_unison(rngs: Sequence[np.random.Generator], times: int) -> list[_Echo]:
    """Each generator so many times, all of which draw the same."""
    heard: list[list[IntArray]] = [[] for _ in rngs]
    return [_Echo(rng, own) for rng, own in zip(rngs, heard, strict=True) for _ in range(times)]


def _owner(sizes: IntArray) -> IntArray:
    return np.repeat(np.arange(len(sizes)), sizes)


def _means(q: Array, sizes: IntArray) -> Array:
    return np.asarray(np.add.reduceat(q, np.cumsum(sizes) - sizes, axis=0) / sizes[:, None])


def _log(pi: Array) -> Array:
    """The logarithm, without a warning where a component has died out."""
    return np.log(pi, out=np.full_like(pi, -np.inf), where=pi > 0)
