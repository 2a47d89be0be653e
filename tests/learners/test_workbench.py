"""Work that waits to be done together, and the two-phase commit of what devices remember."""

from types import SimpleNamespace

import numpy as np
import pytest

from fedsim.learners.learner import Computed
from fedsim.learners.training import CentralTraining
from fedsim.learners.workbench import Answer, Job, Workbench, gather


class Doubler:
    """Sends twice what it received, and notes how many devices it was given at once."""

    def __init__(self):
        self.batches = []

    def local(self, problem, work):
        self.batches.append(work.devices.tolist())
        memory = tuple((old or 0) + 1 for old in work.memory)
        return Computed(sent=2 * work.received, memory=memory)


def job(device):
    received, rng = np.array([float(device)]), np.random.default_rng(0)
    return Job(device=device, received=received, memory=None, steps=1, version=0, rng=rng)


def test_the_first_result_that_is_due_computes_all_that_waits():
    learner = Doubler()
    bench = Workbench(None, learner)
    tickets = [bench.put(job(device)) for device in (3, 1, 2)]
    assert learner.batches == []
    assert [bench.take(ticket).sent[0] for ticket in tickets] == [6.0, 2.0, 4.0]
    assert learner.batches == [[3, 1, 2]]


def test_dropped_work_is_not_done():
    learner = Doubler()
    bench = Workbench(None, learner)
    first, second = bench.put(job(1)), bench.put(job(2))
    bench.drop(first)
    bench.take(second)
    assert learner.batches == [[2]]


def test_done_work_that_nobody_takes_can_be_dropped():
    bench = Workbench(None, Doubler())
    first, second = bench.put(job(1)), bench.put(job(2))
    bench.take(first)
    bench.drop(second)
    with pytest.raises(KeyError):
        bench.take(second)


def test_answers_are_gathered_in_order_of_device():
    answers = [Answer(device=i, sent=np.array([i]), memory=-i, steps=i + 5, version=i) for i in (4, 2, 3)]
    together = gather(answers, np.arange(0, 60, 10), version=7)
    assert together.devices.tolist() == [2, 3, 4]
    assert together.sent[:, 0].tolist() == [2, 3, 4]
    assert together.examples.tolist() == [20, 30, 40]
    assert together.steps.tolist() == [7, 8, 9]
    assert together.staleness.tolist() == [5, 4, 3]


class Counter(Doubler):
    """A learner whose devices remember how often the server took their answer."""

    def init(self, problem, rng):
        return 0.0

    def memory(self, problem, device):
        return 0

    def aggregate(self, problem, state, answers):
        return state + answers.sent.sum()


def test_a_device_remembers_only_what_the_server_took():
    problem = SimpleNamespace(sizes=np.ones(2, dtype=np.int64))
    training = CentralTraining(problem, Counter(), lambda *names: np.random.default_rng(0))
    tickets = [training.begin(device, np.array([1.0]), 1, (device,), training.version) for device in (0, 1)]
    answers = [training.bench.take(ticket) for ticket in tickets]
    training.absorb(answers[:1])  # the other one is lost
    assert (training.memories[0], training.memories[1]) == (1, 0)
    assert (training.state, training.version) == (2.0, 1)
