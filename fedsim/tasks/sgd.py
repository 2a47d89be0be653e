"""Stochastic gradient descent on many devices at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.minibatches import Minibatches, Shuffler, minibatches
from fedsim.tasks.model import Model
from fedsim.tasks.terms import Terms

_SINGLE_BYTES = 4  # phones train in single precision


class Trained(NamedTuple):
    """Where b devices came to: ``parameters`` (b, p), and their velocity (b, p), 0 where there is no momentum."""

    parameters: Array
    momentum: Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Sgd:
    """Epochs over shuffled minibatches, as a client does in McMahan et al. 2017.

    Each epoch permutes the device's own examples and cuts them into ceil(n / B) minibatches, of which the
    last may be smaller. One step is one minibatch. ``batch_size`` None takes all of a device's examples in
    every step.

    With the gradient g of a minibatch's mean loss and of the learner's ``Terms``, a step is

        g <- g min(1, clip_norm / |g|)
        v <- momentum v + g + weight_decay w
        w <- w - step_size v

    Clipping comes before weight decay, as it does where PyTorch's ``clip_grad_norm_`` is followed by its ``SGD`` (so
    in the code of FedDyn's authors). Weight decay shrinks every parameter, biases too.
    """

    epochs: int = 1
    """Passes over a device's examples in a round; >= 1."""
    batch_size: int | None = 10
    """Examples of a step; null for all of a device's."""
    step_size: float = 0.1
    """Of a step; > 0."""
    momentum: float = 0.0
    """How much of the velocity a step keeps; at least 0 and below 1."""
    weight_decay: float = 0.0
    """Share of every parameter that a step of size 1 takes away; >= 0."""
    clip_norm: float | None = None
    """Longest gradient that is taken as it is; longer ones are shortened to it; null clips none."""

    def __post_init__(self) -> None:
        if not self.epochs >= 1:
            raise FedsimError(f"sgd: epochs must be >= 1, got {self.epochs!r}")
        if self.batch_size is not None and not self.batch_size >= 1:
            raise FedsimError(f"sgd: batch_size must be >= 1 or None, got {self.batch_size!r}")
        if not 0 < self.step_size < np.inf:
            raise FedsimError(f"sgd: step_size must be > 0 and finite, got {self.step_size!r}")
        if not 0 <= self.momentum < 1:
            raise FedsimError(f"sgd: momentum must be >= 0 and < 1, got {self.momentum!r}")
        if not 0 <= self.weight_decay < np.inf:
            raise FedsimError(f"sgd: weight_decay must be >= 0 and finite, got {self.weight_decay!r}")
        if self.clip_norm is not None and not 0 < self.clip_norm < np.inf:
            raise FedsimError(f"sgd: clip_norm must be > 0 and finite, or None, got {self.clip_norm!r}")

    def steps(self, examples: int) -> int:
        """Steps of all epochs on a device with so many examples."""
        return self.epochs * -(-examples // self._width(examples))

    def step_flops(self, model: Model, examples: int) -> float:
        """Operations of one step: forward and backward pass of a minibatch of mean size, and work on vectors.

        The update of the parameters is left out, as it is small against the passes. Momentum and weight decay are
        charged 2 operations for each parameter, clipping 3: its norm, and the scaling. What a learner's terms cost
        is for the learner to charge.
        """
        passes = (model.forward_flops + model.backward_flops) * examples * self.epochs / self.steps(examples)
        on_vectors = 2 * (self.momentum > 0) + 2 * (self.weight_decay > 0) + 3 * (self.clip_norm is not None)
        return passes + float(on_vectors) * model.parameters

    def memory_bytes(self, model: Model, examples: int) -> float:
        """Bytes held in single precision: parameters, their gradient, and a minibatch with its activations.

        Plain descent keeps no state of its own; momentum is one vector more.
        """
        vectors = 2.0 + (self.momentum > 0)
        return _SINGLE_BYTES * (vectors * model.parameters + self._width(examples) * model.activations)

    def step_moved_bytes(self, model: Model, examples: int) -> float:
        """Bytes through memory in one step of mean size, where nothing stays in a cache.

        Parameters are read forward and backward, their gradient and they themselves are written; what an example
        holds is written and read. Momentum is read and written.
        """
        per_step = examples * self.epochs / self.steps(examples)
        vectors = 4.0 + 2 * (self.momentum > 0)
        return _SINGLE_BYTES * (vectors * model.parameters + 2.0 * per_step * model.activations)

    def run(
        self,
        model: Model,
        examples: Examples,
        *,
        start: Array,
        devices: IntArray,
        steps: IntArray,
        rngs: Sequence[Shuffler],
        terms: Terms | None = None,
    ) -> Trained:
        """Do the granted steps.

        Entry i depends on entry i of the arguments alone, to the last bit: only minibatches of equal width are
        computed together, and each keeps its shape whoever else is in the batch.

        Args:
            model: what is trained.
            examples: of all devices.
            start: (b, p) parameters before.
            devices: (b,) whose examples.
            steps: (b,) steps granted; 0 returns the start.
            rngs: (b,) each shuffles one device's examples.
            terms: what the learner adds to the gradients, and step sizes in place of ``step_size``.

        Raises:
            FedsimError: if the terms do not fit the devices.
        """
        terms, sizes = terms or Terms(), examples.sizes[devices]
        terms.check(start, int(sizes.sum()))
        w = np.array(start, dtype=np.float64, order="C")
        v = np.zeros_like(w) if terms.momentum is None else np.array(terms.momentum, dtype=np.float64, order="C")
        begins = np.cumsum(sizes) - sizes
        widths = sizes if self.batch_size is None else np.minimum(self.batch_size, sizes)
        for width in np.unique(widths[steps > 0]):
            # Longest first: those still at work are always the first so many.
            chosen = np.flatnonzero((widths == width) & (steps > 0))
            chosen = chosen[np.argsort(-steps[chosen], kind="stable")]
            batches = minibatches(sizes[chosen], steps[chosen], [rngs[i] for i in chosen.tolist()], int(width))
            if terms.example_weights is not None:
                batches.weights[:] *= terms.example_weights[batches.visits + begins[chosen, None]]
            rows = batches.visits + examples.offsets[devices[chosen], None]
            place = slice(None) if np.array_equal(chosen, np.arange(len(w))) else chosen  # of all: no copies
            moving = v[place] if self.momentum else v[:0]
            descent = _Descent(solver=self, w=w[place], v=moving, terms=terms.of(chosen, start))
            descent.go(model, examples, rows, batches)
            w[place] = descent.w
            if self.momentum:
                v[place] = descent.v
        return Trained(parameters=w, momentum=v)

    def _width(self, examples: int) -> int:
        return examples if self.batch_size is None else min(self.batch_size, examples)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _Descent:
    """What changes while steps are done."""

    solver: Sgd
    w: Array  # (b, p)
    v: Array  # (b, p), empty where there is no momentum
    terms: Terms

    def go(self, model: Model, examples: Examples, rows: IntArray, batches: Minibatches) -> None:
        """Do all steps, those of ``rows`` (S, b, B)."""
        rates = None if self.terms.rates is None else self.terms.rates[:, None]
        y = examples.y[rows]
        room = np.empty((*rows.shape[1:], examples.features))  # made once: new room each time costs a tenth more
        for s, a in enumerate(batches.working.tolist()):
            w = self.w[:a]
            x = np.take(examples.X, rows[s, :a], axis=0, out=room[:a], mode="clip")
            gradient = model.gradient(w, x, y[s, :a], batches.weights[s, :a])
            rate = self.solver.step_size if rates is None else rates[:a]
            np.multiply(self._direction(gradient, a), rate, out=gradient)
            np.subtract(w, gradient, out=w)

    def _direction(self, gradient: Array, a: int) -> Array:
        solver, w, v = self.solver, self.w[:a], self.v[:a]
        self.terms.add_to(gradient, w)
        if solver.clip_norm is not None:
            norm = np.sqrt(np.square(gradient).sum(axis=1, keepdims=True))
            gradient *= solver.clip_norm / np.maximum(norm, solver.clip_norm)
        if solver.weight_decay:
            gradient += solver.weight_decay * w
        if not solver.momentum:
            return gradient
        v *= solver.momentum
        v += gradient
        return v
