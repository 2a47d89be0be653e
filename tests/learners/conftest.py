"""Rounds of a learner in a plain loop, reference data, and an independent solver."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.svm import SVC

from fedsim.learners.exchange import Exchange
from fedsim.learners.learner import Work
from fedsim.learners.workbench import Answer, gather
from fedsim.tasks.datasets import from_arrays
from fedsim.tasks.examples import Examples
from fedsim.tasks.problem import Problem
from fedsim.tasks.svm import LinearSvm

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


class Replies(list):
    """Answers of single devices."""

    @property
    def sent(self):
        return np.stack([answer.sent for answer in self])

    @property
    def memory(self):
        return [answer.memory for answer in self]


@dataclass
class Rounds:
    """A central learner without a simulator: every round a plain loop's body."""

    learner: object
    problem: Problem
    seed: int = 0
    memory: dict = field(default_factory=dict)
    round: int = 0

    def __post_init__(self):
        self.state = self.learner.init(self.problem, np.random.default_rng(self.seed))

    def ask(self, devices=None, steps=None):
        """What these devices would answer in this round; all devices, and all their steps, unless said."""
        chosen = np.arange(self.problem.devices) if devices is None else np.asarray(devices)
        asked = np.array([self.learner.local_cost(self.problem, t).steps for t in chosen])
        kept = [self.memory.get(t) for t in chosen.tolist()]
        work = Work(
            devices=chosen,
            received=np.stack([self.learner.broadcast(self.problem, self.state, t) for t in chosen]),
            memory=tuple(
                self.learner.memory(self.problem, t) if old is None else old
                for t, old in zip(chosen.tolist(), kept, strict=True)
            ),
            steps=asked if steps is None else np.broadcast_to(steps, chosen.shape),
            versions=np.full(len(chosen), self.round),
            rngs=tuple(np.random.default_rng([self.seed, self.round, t]) for t in chosen),
        )
        computed = self.learner.local(self.problem, work)
        steps = work.steps if computed.steps is None else computed.steps
        rows = zip(chosen.tolist(), computed.sent, computed.memory, steps.tolist(), strict=True)
        return Replies(
            Answer(device=t, sent=sent, memory=memory, steps=granted, version=self.round)
            for t, sent, memory, granted in rows
        )

    def take(self, answers):
        """Combine what arrived, if anything, and let the devices commit."""
        self.round += 1
        if not answers:
            return
        self.state = self.learner.aggregate(
            self.problem, self.state, gather(answers, self.problem.sizes, self.round - 1)
        )
        self.memory.update({answer.device: answer.memory for answer in answers})

    def play(self, devices=None, steps=None):
        """One round in which all answers arrive."""
        self.take(self.ask(devices, steps))

    @property
    def models(self):
        return self.learner.models(self.problem, self.state, self.memory)

    @property
    def measures(self):
        return self.learner.measures(self.problem, self.state, self.memory)


@dataclass
class Peers:
    """A decentralised learner without a simulator: rounds of all nodes, by any weights; messages may get lost."""

    learner: object
    problem: Problem
    W: np.ndarray
    seed: int = 0
    round: int = 0

    def __post_init__(self):
        self.nodes = np.arange(self.problem.devices)
        starts = [self.learner.init(self.problem, i, np.random.default_rng(self.seed)) for i in self.nodes]
        self.states = np.stack(starts)
        self.memory = tuple(self.learner.memory(self.problem, i) for i in self.nodes)

    def work(self, steps=None):
        asked = np.array([self.learner.local_cost(self.problem, i).steps for i in self.nodes])
        return Work(
            devices=self.nodes,
            received=self.states,
            memory=self.memory,
            steps=asked if steps is None else np.broadcast_to(steps, asked.shape),
            versions=np.full(len(self.nodes), self.round),
            rngs=tuple(np.random.default_rng([self.seed, self.round, i]) for i in self.nodes),
        )

    def play(self, lost=(), steps=None):
        """One round; ``lost`` are messages (from, to) that never come."""
        before = self.states
        if self.learner.overlaps:
            offered = self.learner.outgoing(self.problem, self.nodes, self.states, self.memory)
            self.memory = offered.memory
            computed = self.learner.local(self.problem, self.work(steps))
            memory = computed.memory
        else:
            computed = self.learner.local(self.problem, self.work(steps))
            offered = self.learner.outgoing(self.problem, self.nodes, computed.sent, computed.memory)
            memory = offered.memory
        sent = offered.messages
        came = [[j for j in self.nodes if j != i and self.W[i, j] != 0 and (j, i) not in lost] for i in self.nodes]
        exchange = Exchange(
            devices=self.nodes,
            own=before,
            computed=computed.sent,
            offered=sent,
            memory=memory,
            starts=np.cumsum([0, *map(len, came)]),
            received=sent[[j for row in came for j in row]],
            senders=np.array([j for row in came for j in row], dtype=np.int64),
            weights=np.array([self.W[i, j] for i, row in enumerate(came) for j in row]),
        )
        mixed = self.learner.mix(self.problem, exchange)
        self.states, self.memory = mixed.states, mixed.memory
        self.round += 1

    @property
    def models(self):
        return self.learner.models(self.problem, self.states, dict(enumerate(self.memory)))

    @property
    def measures(self):
        return self.learner.measures(self.problem, self.states, dict(enumerate(self.memory)))


def some(answers, keep):
    """The answers that arrived, where ``keep`` (k,) says which."""
    return Replies(answer for answer, kept in zip(answers, keep, strict=True) if kept)


def reference_problem(name):
    path = DATA / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"reference data {path.name} are not beside this checkout")
    stored = np.load(path)
    data = from_arrays(stored["X"], stored["y"], stored["task"], name=name)
    rows = Examples.of(data.X, data.y, data.device, int(data.device.max()) + 1)
    model = LinearSvm(features=data.features, classes=2, bias=False)
    return Problem(model=model, train=rows, test=rows, name=name)


class _Cache(defaultdict):
    def __missing__(self, name):
        self[name] = reference_problem(name)
        return self[name]


@pytest.fixture(scope="session")
def reference():
    """``reference["vehicle_subset"]``: all rows as training, no bias, as in the notes."""
    return _Cache()


@pytest.fixture(scope="session")
def rounds():
    return Rounds


@pytest.fixture(scope="session")
def gossip():
    return Peers


@pytest.fixture(scope="session")
def arrived():
    return some


def solve_with_libsvm(learner, problem, sigma, silent=()):
    """The optimum for a fixed Sigma, by libsvm on the kernel Sigma_st x_s . x_t: a state and what devices remember.

    libsvm has an intercept: each example also stands there with sign and label turned, which keeps it at 0.
    Devices in ``silent`` keep alpha = 0.
    """
    train = problem.train
    used = ~np.isin(train.device, silent)
    X, t, device = train.X[used], problem.model.targets(train.y)[used, 0], train.device[used]
    kernel = (X @ X.T) * sigma[np.ix_(device, device)]
    scale = 1.0 / train.sizes[device]
    solver = SVC(kernel="precomputed", C=0.5 / learner.penalty, tol=1e-7, cache_size=500)
    both = np.block([[kernel, -kernel], [-kernel, kernel]])
    solver.fit(both, np.concatenate([t, -t]), sample_weight=np.concatenate([scale, scale]))
    dual = np.zeros(2 * len(t))
    dual[solver.support_] = solver.dual_coef_[0]
    share = np.clip(t * (dual[: len(t)] - dual[len(t) :]) * learner.penalty / scale, 0.0, 1.0)

    alpha = np.zeros((len(train.y), 1))
    alpha[used, 0] = t * share
    memory = {t: alpha[train.rows(t)] for t in range(problem.devices)}
    images = [train.X[train.rows(t)].T @ memory[t][:, 0] / train.sizes[t] for t in range(problem.devices)]
    V = np.array(images)[None]
    start = learner.init(problem, np.random.default_rng(0))
    return replace(start, V=V, W=sigma @ V / learner.penalty), memory


@pytest.fixture(scope="session")
def optimum():
    return solve_with_libsvm
