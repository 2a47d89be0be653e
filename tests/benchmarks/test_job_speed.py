"""Speed of the numerics of a job: local descent, dual ascent and evaluation, without clock or network.

    pytest tests/benchmarks/test_job_speed.py --benchmark-enable

The job: 1,000 devices with 100 examples of 60 features and 10 classes, 100 devices a round, an epoch in minibatches of
10. Measured on two slow, busy cores (2026-11), processor time: 100 rounds with an evaluation every tenth take 0.5 s
(0.31 s of descent, 0.06 s of random streams, 0.12 s of evaluation), a plain loop over devices 1.7 s without
evaluation; dual ascent on 30 devices of 561 features does 4.0 million coordinate steps a second with 6 rows of
weights, and 1.1 million with one. There reading 4.5 kB of features a step takes 40 %, and calls of NumPy on 30 numbers
as much.
"""

import time
import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fedsim.kernel.streams import Streams
from fedsim.tasks.examples import Examples
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses, quality
from fedsim.tasks.sdca import Sdca, Subproblem
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

DEVICES, COHORT, FEATURES, CLASSES = 1000, 100, 60, 10
SOLVER = Sgd(epochs=1, batch_size=10, step_size=0.1)
STREAMS = Streams(1)


def rows(sizes, features, classes):
    rng = np.random.default_rng(0)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    true = rng.normal(size=(features, classes))
    X = rng.normal(size=(int(offsets[-1]), features)) * np.arange(1, features + 1) ** -0.6
    return Examples(X=X, y=(X @ true).argmax(axis=1), offsets=offsets)


def make_problem():
    train, test = (rows(np.full(DEVICES, size), FEATURES, CLASSES) for size in (100, 25))
    return Problem(model=Softmax(features=FEATURES, classes=CLASSES), train=train, test=test)


@pytest.fixture(scope="module")
def problem():
    return make_problem()


def cohorts(rounds):
    return [np.sort(np.random.default_rng(number).choice(DEVICES, COHORT, replace=False)) for number in range(rounds)]


def luck(devices, number):
    return tuple(STREAMS.generator("local", f"d{device}", number) for device in devices.tolist())


def batched(problem, rounds, every=10):
    """Federated averaging; the model, and its quality from time to time."""
    w, curve = np.zeros(problem.model.parameters), []
    for number, devices in enumerate(cohorts(rounds), start=1):
        trained = SOLVER.run(
            problem.model,
            problem.train,
            start=np.broadcast_to(w, (COHORT, len(w))),
            devices=devices,
            steps=np.full(COHORT, 10),
            rngs=luck(devices, number),
        )
        w = trained.parameters.mean(axis=0)
        if number % every == 0:
            same = np.broadcast_to(w, (DEVICES, len(w)))
            curve.append((quality(problem, same).accuracy, mean_losses(problem.model, same, problem.train).mean()))
    return w, curve


def looped(problem, rounds):
    """The same as one would write it, a device and a minibatch at a time."""
    w = np.zeros((CLASSES, FEATURES + 1))
    for number, devices in enumerate(cohorts(rounds), start=1):
        models = []
        for device, rng in zip(devices.tolist(), luck(devices, number), strict=True):
            own = problem.train.rows(device)
            X, y = problem.train.X[own], problem.train.y[own]
            W, bias, order = w[:, :-1].copy(), w[:, -1].copy(), rng.permutation(100)
            for begin in range(0, 100, 10):
                x, label = X[order[begin : begin + 10]], y[order[begin : begin + 10]]
                share = x @ W.T + bias
                share -= share.max(axis=1, keepdims=True)
                np.exp(share, out=share)
                share /= share.sum(axis=1, keepdims=True)
                share[np.arange(10), label] -= 1.0
                share *= 0.01
                W -= share.T @ x
                bias -= share.sum(axis=0)
            models.append(np.column_stack([W, bias]))
        w = np.mean(models, axis=0)
    return w.ravel()


def processor_s(job):
    start_s = time.process_time()
    job()
    return time.process_time() - start_s


def test_a_job_of_1000_devices_against_a_loop(benchmark, problem):
    """Descent takes less than half of the loop's time; both come to the same model."""
    with threadpool_limits(limits=1):
        assert np.allclose(batched(problem, 3)[0], looped(problem, 3), rtol=1e-9, atol=1e-12)
        pairs = [[processor_s(lambda run=run: run(problem, 10)) for run in (batched, looped)] for _ in range(3)]
        fast_s, slow_s = np.min(pairs, axis=0)
        benchmark.extra_info["share of a loop over devices"] = fast_s / slow_s
        _, curve = benchmark.pedantic(batched, args=(problem, 100 if benchmark.enabled else 20), rounds=1)
    (first, high), (last, low) = curve[0], curve[-1]
    assert first < last
    assert low < high
    assert fast_s < 0.5 * slow_s


def test_a_job_needs_little_room_beside_its_data(problem):
    tracemalloc.start()
    batched(problem, 2, every=1)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 20e6  # the data take 61 MB


@pytest.mark.parametrize("classes", [6, 2])
def test_dual_ascent_on_many_features(benchmark, classes):
    """An epoch of 30 devices as large as those of the smartphones' activities."""
    sizes = np.random.default_rng(0).integers(210, 307, 30)
    examples = rows(sizes, 561, classes)
    model, solver, devices = LinearSvm(features=561, classes=classes, bias=False), Sdca(epochs=1.0), np.arange(30)
    work = Subproblem(
        w=np.zeros((30, model.rows, 561)),
        alpha=tuple(np.zeros((size, model.rows)) for size in sizes.tolist()),
        coupling=np.full((30, model.rows), 10.0),
        scale=1.0 / sizes,
    )

    def epoch():
        return solver.run(model, examples, work=work, devices=devices, steps=sizes, rngs=luck(devices, 0))

    with threadpool_limits(limits=1):
        epoch()  # computes the products of examples
        spent_s = min(processor_s(epoch) for _ in range(5))
        solution = benchmark.pedantic(epoch, rounds=3)
    rate = sizes.sum() * model.rows / spent_s
    benchmark.extra_info["million coordinate steps a second"] = rate / 1e6
    assert all((alpha != 0).any() for alpha in solution.alpha)
    assert rate > 0.1e6
