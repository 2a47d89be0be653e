"""Work that waits to be done together, and the two-phase commit of what devices remember."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from fedsim.learners.learner import Computed, same_for_all
from fedsim.learners.training import CentralTraining
from fedsim.learners.workbench import Answer, Job, Workbench, gather, stack


class Doubler:
    """Sends twice what it received, and notes how many devices it was given at once."""

    def __init__(self):
        self.batches = []

    def local(self, problem, work):
        self.batches.append(work.devices.tolist())
        memory = tuple((old or 0) + 1 for old in work.memory)
        return Computed(sent=2 * work.received, memory=memory)

    def down_bytes(self, problem):
        return 8


def job(device):
    received, luck = np.array([float(device)]), partial(np.random.default_rng, 0)
    return Job(device=device, received=received, memory=None, steps=1, version=0, luck=luck)


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


def test_work_that_is_dropped_has_no_luck():
    """A random stream is made when the work is done, and not when it begins."""
    made, bench = [], Workbench(None, Doubler())
    tickets = [bench.put(replace(job(device), luck=partial(made.append, device))) for device in (0, 1, 2)]
    assert made == []
    bench.drop(tickets[1])
    bench.take(tickets[2])
    assert made == [0, 2]


def test_what_the_server_sent_to_all_is_read_as_what_it_sent_to_each():
    told, own = np.arange(6.0).reshape(2, 3), [np.arange(6.0).reshape(2, 3) for _ in range(3)]
    to_all, to_each = (
        stack([replace(job(device), received=message) for device, message in enumerate(messages)]).received
        for messages in ([told] * 3, own)
    )
    assert np.array_equal(to_all, to_each)
    assert to_all.shape == (3, 2, 3)
    to_all[0, 0, 0] = 7.0  # room of its own
    assert told[0, 0] == 0.0
    assert to_all[1, 0, 0] == 0.0


def test_messages_of_unequal_shape_are_refused():
    jobs = [replace(job(0), received=np.zeros(size)) for size in (2, 3)]
    with pytest.raises(ValueError, match="inhomogeneous"):
        stack(jobs)


def test_answers_are_gathered_in_order_of_device():
    answers = [Answer(device=i, sent=np.array([i]), memory=-i, steps=i + 5, version=i) for i in (4, 2, 3)]
    together = gather(answers, np.arange(0, 60, 10), version=7)
    assert together.devices.tolist() == [2, 3, 4]
    assert together.sent[:, 0].tolist() == [2, 3, 4]
    assert together.examples.tolist() == [20, 30, 40]
    assert together.steps.tolist() == [7, 8, 9]
    assert together.staleness.tolist() == [5, 4, 3]


class Speaker(Doubler):
    """A learner that notes whom it was asked for."""

    def __init__(self):
        self.asked = []

    def init(self, problem, rng):
        return np.zeros(1)

    def aggregate(self, problem, state, answers):
        return state + 1.0

    def broadcast(self, problem, state, device):
        self.asked.append(device)
        return state + 0.5


class SpeakerToAll(Speaker):
    @same_for_all
    def broadcast(self, problem, state, device):
        return Speaker.broadcast(self, problem, state, device)


class SpeakerToEach(SpeakerToAll):
    def broadcast(self, problem, state, device):
        return SpeakerToAll.broadcast(self, problem, state, device) + device


def told(training, devices):
    return [training.broadcast(device)[0] for device in devices]


def test_a_message_for_all_is_asked_for_once_for_each_state():
    training = CentralTraining(SimpleNamespace(sizes=np.ones(3)), SpeakerToAll(), lambda *names: None)
    assert told(training, (0, 2, 1)) == [0.5, 0.5, 0.5]
    answer = Answer(device=1, sent=np.zeros(1), memory=None, steps=1, version=0)
    training.absorb([answer])
    assert told(training, (2, 0)) == [1.5, 1.5]
    edge = training.branch()
    edge.absorb([answer])
    assert told(edge, (0, 1)) == [2.5, 2.5]
    assert told(training, (0, 1)) == [1.5, 1.5]
    assert training.learner.asked == [0, 2, 0]


def test_a_message_of_its_own_is_asked_for_each_device():
    """Also of a learner whose parent speaks to all."""
    for learner, messages in ((Speaker(), [0.5, 0.5, 0.5]), (SpeakerToEach(), [0.5, 2.5, 1.5])):
        training = CentralTraining(SimpleNamespace(sizes=np.ones(3)), learner, lambda *names: None)
        assert told(training, (0, 2, 1)) == messages
        assert learner.asked == [0, 2, 1]


class Counter(Doubler):
    """A learner whose devices remember how often the server took their answer."""

    def init(self, problem, rng):
        return 0.0

    def memory(self, problem, device):
        return 0

    def broadcast(self, problem, state, device):
        return np.array([state])

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
