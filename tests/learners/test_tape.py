"""What nodes do is put on a tape, and played together."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from fedsim.kernel.streams import Streams
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.tape import Due, Offer, Tape
from fedsim.learners.training import GossipTraining
from fedsim.tasks.sgd import Sgd
from fedsim.testing import small_problem

RING = 7


class Counting:
    """A learner that remembers how many nodes there were in each call."""

    def __init__(self, learner):
        self._learner = learner
        self.calls = []

    def __getattr__(self, name):
        return getattr(self._learner, name)

    def local(self, problem, work):
        self.calls.append(("local", len(work.devices)))
        return self._learner.local(problem, work)

    def mix(self, problem, exchange):
        self.calls.append(("mix", len(exchange.devices)))
        return self._learner.mix(problem, exchange)


@dataclass
class Node:
    """A node of a ring as a loop of a few lines; its neighbours find its messages by round."""

    training: GossipTraining
    index: int
    sent: list = field(default_factory=list)

    def round(self, others):
        training, number = self.training, len(self.sent)
        own = training.state(self.index)
        self.sent.append(training.offer(self.index, own))
        done = training.done(training.begin(self.index, own, 2, (self.index, number), number))
        yield
        neighbours = [(self.index - 1) % RING, (self.index + 1) % RING]
        received = {other: others[other].sent[number] for other in neighbours}
        training.mix([training.meeting(own, done, self.sent[-1], received, dict.fromkeys(neighbours, 0.25))])


@pytest.fixture
def counting():
    return Counting(DPsgd(solver=Sgd(epochs=1, batch_size=2, step_size=0.1)))


@pytest.fixture
def training(counting):
    return GossipTraining(small_problem(), counting, Streams(3).generator)


def play(training, rounds, order=lambda number: range(RING), look=lambda: None):
    nodes = [Node(training, index) for index in range(RING)]
    for number in range(rounds):
        halves = [nodes[index].round(nodes) for index in order(number)]
        for _ in range(2):
            for half in halves:
                next(half, None)
                look()
    return training.models()


def test_a_round_of_all_nodes_is_two_calls_however_many_rounds_wait(training, counting):
    play(training, 2)
    assert counting.calls == [("local", RING), ("mix", RING)] * 2


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_neither_company_nor_order_nor_looking_changes_a_bit(training, batch):
    plain = play(training, 5)
    other = GossipTraining(training.problem, training.learner, Streams(3).generator)
    other.tape = Tape(other.problem, other.learner, batch=batch)
    shuffled = play(other, 5, order=lambda number: np.random.default_rng(number).permutation(RING), look=other.models)
    assert np.array_equal(plain, shuffled)


def test_nobody_needs_to_look(training, counting):
    """A tape is played when it is long, so that its steps never take more room than some rounds do."""
    nodes = [Node(training, index) for index in range(RING)]
    for _ in range(20):
        halves = [node.round(nodes) for node in nodes]
        for _ in range(2):
            for half in halves:
                next(half, None)
    assert sum(what == "mix" for what, _ in counting.calls) >= 15


def test_work_that_is_not_done_is_never_computed(training, counting):
    training.begin(0, training.state(0), 2, ("x", 1), 0)
    training.models()
    assert counting.calls == []


def test_what_is_due_comes(training):
    tape, own = training.tape, training.state(0)
    message, memory = tape.put(Offer(device=0, numbers=own, memory=Due()))
    assert (message.level, message.value) == (1, None)
    tape.play()
    assert message.level == memory.level == 0
    assert np.array_equal(message.value, own.value.astype("float32"))
