"""Stochastic gradient descent on many devices at once."""

from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.model import Model

_SINGLE_BYTES = 4  # phones train in single precision


@dataclass(frozen=True, kw_only=True, slots=True)
class Sgd:
    """Epochs over shuffled minibatches with a constant step, as a client does in McMahan et al. 2017.

    Each epoch permutes the device's own examples and cuts them into ceil(n / B) minibatches, of which the
    last may be smaller. One step is one minibatch. ``batch_size`` None takes all of a device's examples in
    every step.
    """

    epochs: int = 1
    batch_size: int | None = 10
    step_size: float = 0.1

    def __post_init__(self) -> None:
        if not self.epochs >= 1:
            raise FedsimError(f"sgd: epochs must be >= 1, got {self.epochs!r}")
        if self.batch_size is not None and not self.batch_size >= 1:
            raise FedsimError(f"sgd: batch_size must be >= 1 or None, got {self.batch_size!r}")
        if not 0 < self.step_size < np.inf:
            raise FedsimError(f"sgd: step_size must be > 0 and finite, got {self.step_size!r}")

    def steps(self, examples: int) -> int:
        """Steps of all epochs on a device with so many examples."""
        return self.epochs * -(-examples // self._width(examples))

    def step_flops(self, model: Model, examples: int) -> float:
        """Operations of one step: forward and backward pass (counts double) of a minibatch of mean size."""
        return 3.0 * model.forward_flops * examples * self.epochs / self.steps(examples)

    def memory_bytes(self, model: Model, examples: int) -> float:
        """Bytes held in single precision: parameters, their gradient, and a minibatch with its activations.

        Plain descent keeps no state of its own.
        """
        return _SINGLE_BYTES * (2.0 * model.parameters + self._width(examples) * model.activations)

    def step_moved_bytes(self, model: Model, examples: int) -> float:
        """Bytes through memory in one step of mean size, where nothing stays in a cache.

        Parameters are read forward and backward, their gradient and they themselves are written; what an example
        holds is written and read.
        """
        per_step = examples * self.epochs / self.steps(examples)
        return _SINGLE_BYTES * (4.0 * model.parameters + 2.0 * per_step * model.activations)

    def run(
        self,
        model: Model,
        examples: Examples,
        *,
        start: Array,
        devices: IntArray,
        steps: IntArray,
        rngs: tuple[np.random.Generator, ...],
    ) -> Array:
        """Parameters after the granted steps, (b, p).

        Entry i depends on ``start[i]``, ``devices[i]``, ``steps[i]`` and ``rngs[i]`` alone, to the last bit:
        only minibatches of equal width are computed together, and each keeps its shape whoever else is in the
        batch.

        Args:
            model: what is trained.
            examples: of all devices.
            start: (b, p) parameters before.
            devices: (b,) whose examples.
            steps: (b,) steps granted; 0 returns the start.
            rngs: (b,) each shuffles one device's examples.
        """
        result = np.array(start, dtype=np.float64)
        widths = np.array([self._width(int(size)) for size in examples.sizes[devices]], dtype=np.int64)
        for width in np.unique(widths[steps > 0]):
            # Longest first: those still at work are always the first so many.
            chosen = np.flatnonzero((widths == width) & (steps > 0))
            chosen = chosen[np.argsort(-steps[chosen], kind="stable")]
            rows, weight = _minibatches(examples, devices[chosen], steps[chosen], [rngs[i] for i in chosen], int(width))
            result[chosen] = self._descend(model, examples, result[chosen], rows, weight)
        return result

    def _width(self, examples: int) -> int:
        return examples if self.batch_size is None else min(self.batch_size, examples)

    def _descend(self, model: Model, examples: Examples, w: Array, rows: IntArray, weight: Array) -> Array:
        working = np.count_nonzero(weight[:, :, 0], axis=1)
        for s, a in enumerate(working):
            x, y = np.take(examples.X, rows[s, :a], axis=0), np.take(examples.y, rows[s, :a])
            w[:a] -= self.step_size * model.gradient(w[:a], x, y, weight[s, :a])
        return w


def _minibatches(
    examples: Examples, devices: IntArray, steps: IntArray, rngs: list[np.random.Generator], width: int
) -> tuple[IntArray, Array]:
    """Row numbers (steps, b, width) and the weight of each row in its minibatch's mean, 0 for padding."""
    sizes = examples.sizes[devices]
    per_epoch = -(-sizes // width)
    rows = np.zeros((len(devices), int(steps.max()) * width), dtype=np.int64)
    for i, (size, batches) in enumerate(zip(sizes.tolist(), per_epoch.tolist(), strict=True)):
        for begin in range(0, int(steps[i]) * width, batches * width):
            shuffled = rngs[i].permutation(size)[: rows.shape[1] - begin]
            rows[i, begin : begin + len(shuffled)] = shuffled
    rows += examples.offsets[devices, None]
    step = np.arange(int(steps.max()))
    full = np.minimum(width, sizes[:, None] - step % per_epoch[:, None] * width)  # size of each minibatch
    full[step >= steps[:, None]] = 0
    weight = (np.arange(width) < full[:, :, None]) / np.maximum(full, 1)[:, :, None]
    by_step = rows.reshape(len(devices), -1, width).transpose(1, 0, 2)
    return np.ascontiguousarray(by_step), np.ascontiguousarray(weight.transpose(1, 0, 2))
