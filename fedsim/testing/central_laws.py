"""Laws of learners with a server."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fedsim.learners.learner import Answers, MergingLearner, tells_all
from fedsim.learners.rehearsal import CentralRehearsal
from fedsim.learners.training import CentralTraining
from fedsim.learners.workbench import Answer, gather
from fedsim.tasks.problem import Outline, Problem
from fedsim.testing.bench import Bench, streams
from fedsim.testing.law import Law, fingerprint, finite, numbers, pickled
from fedsim.testing.local_laws import (
    DETERMINISM,
    FINITE,
    IN_PLACE,
    SHAPES,
    check_local,
    check_message,
    check_models,
)

LOST = Law(
    name="a lost answer changes nothing",
    mend="put what a device learns into Computed.memory, and what the server learns into the state of aggregate",
)
PERMUTED = Law(
    name="answers count by their devices, not by their places",
    mend="use answers.devices to find what belongs to whom, and combine answers by sums",
)
KEPT = Law(name="a message sent stays as it was", mend="let broadcast give an array that no later round writes to")
SAME = Law(
    name="a broadcast marked same_for_all does not look at the device",
    mend="leave out the mark where devices are sent different numbers",
)
REHEARSAL = Law(
    name="a timing run costs what a learning run costs",
    mend="let aggregate_flops, up_bytes and down_bytes depend on the model and the number of answers only",
)
MERGE = Law(
    name="edges that combine once each and merge are one server with all answers",
    mend="weigh states by what is in them, or name the merge_obstacle of parameters that do not allow it",
)
LEARNS = Law(name="a round with answers counts", mend="let aggregate give the next state")
PLAIN_LOOP = Law(
    name="work that waits and is done together is the plain loop",
    mend="as for order and company: nothing may be kept in the learner between calls",
)


_COUNTS: list[tuple[str, tuple[int, ...]]] = [("up_bytes", ()), ("down_bytes", ())]


def check_central(learner: Any, problem: Problem) -> None:
    """Every law of a central learner.

    Raises:
        AssertionError: if one is broken.
    """
    SHAPES.demand(learner.sends in {"model", "change"}, f"sends is {learner.sends!r}, not 'model' or 'change'")
    training = _start(learner, problem)
    again = fingerprint(learner.init(problem, streams("init")))
    DETERMINISM.demand(again == fingerprint(training.state), "init with the same luck gave another state")
    for number in range(3):
        _check_round(training, _cohort(learner, problem, number), number)
    _check_lost(learner, problem)
    _check_rehearsal(learner, problem)
    if isinstance(learner, MergingLearner) and not learner.needs_everybody and problem.devices > 1:
        _check_merge(learner, problem)


def _start(learner: Any, problem: Problem) -> CentralTraining:
    return CentralTraining(problem, learner, streams)


def _cohort(learner: Any, problem: Problem, number: int) -> list[int]:
    """All devices in the first round, then every other."""
    everybody = list(range(problem.devices))
    return everybody if learner.needs_everybody or number == 0 else everybody[number % 2 :: 2] or everybody


def _bench(training: CentralTraining) -> Bench:
    everybody = range(training.problem.devices)
    return Bench(
        learner=training.learner,
        problem=training.problem,
        received=np.stack([training.broadcast(device) for device in everybody]),
        memory=tuple(training.memories[device] for device in everybody),
        version=training.version,
    )


def _check_round(training: CentralTraining, cohort: Sequence[int], number: int) -> None:
    learner, problem = training.learner, training.problem
    message = training.broadcast(0)
    sent_out = fingerprint(message)
    if tells_all(learner):
        others = [learner.broadcast(problem, training.state, device) for device in range(1, problem.devices)]
        SAME.demand({sent_out, *map(fingerprint, others)} == {sent_out}, "some devices are sent something else")
    check_message(learner, message, learner.down_bytes(problem), "down")
    bench = _bench(training)
    check_local(bench)
    answers = _answers(bench, cohort)
    check_message(learner, answers[0].sent, learner.up_bytes(problem), "up")
    SHAPES.demand(
        learner.sends == "change" or answers[0].sent.shape == message.shape,
        f"an answer that is a model has shape {answers[0].sent.shape}, and what was received {message.shape}",
    )
    _check_aggregate(training, answers)
    state = fingerprint(training.state)
    training.absorb(answers)
    for device in range(problem.devices):
        training.broadcast(device)
    KEPT.demand(fingerprint(message) == sent_out, f"what was sent before round {number} changed in it")
    FINITE.demand(finite(training.state), "the state has infinite numbers or NaN")
    held = fingerprint(training.state)
    check_models(learner, problem, training.models(), training.measures())
    IN_PLACE.demand(fingerprint(training.state) == held, "models or measures changed the state")
    pickled(training.state, "a state")
    pickled(dict(training.memories), "memories")
    LEARNS.demand(state != held or message.size == 0, f"round {number} left the state as it was")


def _answers(bench: Bench, cohort: Sequence[int]) -> list[Answer]:
    work = bench.work(cohort)
    computed = bench.learner.local(bench.problem, work)
    rows = zip(cohort, computed.sent, computed.memory, work.steps.tolist(), strict=True)
    return [
        Answer(device=device, sent=sent, memory=memory, steps=steps, version=bench.version)
        for device, sent, memory, steps in rows
    ]


def _check_aggregate(training: CentralTraining, answers: Sequence[Answer]) -> None:
    learner, problem, state = training.learner, training.problem, training.state
    together = gather(list(answers), problem.sizes, training.version)
    before = fingerprint((state, together))
    combined = learner.aggregate(problem, state, together)
    IN_PLACE.demand(fingerprint((state, together)) == before, "aggregate changed the state or the answers")
    again = fingerprint(learner.aggregate(problem, state, together))
    DETERMINISM.demand(again == fingerprint(combined), "aggregate gave another state the second time")
    turned = learner.aggregate(problem, state, _turned(together))
    PERMUTED.demand(_near(turned, combined), "the same answers in reverse order gave another state")
    if not learner.needs_everybody:
        alone = learner.aggregate(problem, state, gather([answers[0]], problem.sizes, training.version))
        FINITE.demand(finite(alone), "one answer alone gave infinite numbers or NaN")
    if learner.takes_stale_answers:
        late = replace(together, staleness=together.staleness + 3)
        FINITE.demand(finite(learner.aggregate(problem, state, late)), "stale answers gave infinite numbers or NaN")


def _turned(answers: Answers) -> Answers:
    return Answers(
        devices=answers.devices[::-1],
        sent=answers.sent[::-1],
        examples=answers.examples[::-1],
        steps=answers.steps[::-1],
        staleness=answers.staleness[::-1],
    )


def _near(one: Any, other: Any, rtol: float = 1e-9) -> bool:
    """Whether two values have the same numbers but for rounding."""
    pairs = list(zip(numbers(one), numbers(other), strict=False))
    alike = all(a.shape == b.shape and np.allclose(a, b, rtol=rtol, atol=rtol) for a, b in pairs)
    return alike and len(numbers(one)) == len(numbers(other))


def _check_lost(learner: Any, problem: Problem) -> None:
    """Two rounds, with and without work that nobody takes; and in the plain loop."""
    plain, losing = (_start(pickled(learner, "the learner"), problem) for _ in range(2))
    looped, memories = learner.init(problem, streams("init")), {}
    for number in range(2):
        cohort = _cohort(learner, problem, number)
        loop = _answers(replace(_bench(plain), learner=learner), cohort)
        looped = learner.aggregate(problem, looped, gather(loop, problem.sizes, number))
        memories.update({answer.device: answer.memory for answer in loop})
        for training in (plain, losing):
            if training is losing:
                _lose(training, number)
            training.absorb(_done(training, cohort, number))
        same = fingerprint(plain.state) == fingerprint(losing.state)
        LOST.demand(same, "work that nobody took changed the server's next state")
        PLAIN_LOOP.demand(fingerprint(plain.state) == fingerprint(looped), "the server's state differs")
    kept = {device: plain.memories[device] for device in memories}
    PLAIN_LOOP.demand(fingerprint(kept) == fingerprint(memories), "what devices remember differs")
    lost = {device: losing.memories[device] for device in memories}
    LOST.demand(fingerprint(kept) == fingerprint(lost), "work that nobody took changed what devices remember")


def _tickets(training: CentralTraining, devices: Sequence[int], number: int) -> list[int]:
    return [
        training.begin(device, training.broadcast(device), training.costs[device].steps, (device, number), number)
        for device in devices
    ]


def _done(training: CentralTraining, cohort: Sequence[int], number: int) -> list[Answer]:
    return [training.bench.take(ticket) for ticket in _tickets(training, cohort, number)]


def _lose(training: CentralTraining, number: int) -> None:
    for ticket in _tickets(training, range(training.problem.devices), number):
        training.bench.take(ticket)


def _check_rehearsal(learner: Any, problem: Problem) -> None:
    outline = Outline(model=problem.model, examples=problem.sizes, name=problem.name)
    training = CentralTraining(outline, CentralRehearsal(learner), streams)
    training.absorb(_done(training, range(problem.devices), 0))
    for name, arguments in _COUNTS + [("aggregate_flops", (count,)) for count in (1, problem.devices)]:
        told = getattr(learner, name)(problem, *arguments)
        REHEARSAL.demand(0 <= told < np.inf, f"{name} is {told!r}")
        try:
            rehearsed = getattr(learner, name)(outline, *arguments)
        except AttributeError as error:
            rehearsed = f"error: {error}"
        REHEARSAL.demand(rehearsed == told, f"without examples {name} is {rehearsed!r}, not {told!r}")


def _check_merge(learner: Any, problem: Problem) -> None:
    training = _start(learner, problem)
    training.absorb(_done(training, _cohort(learner, problem, 0), 0))
    base, before = training.state, fingerprint(training.state)
    answers = _answers(_bench(training), range(problem.devices))
    edges = [part for part in (answers[0::3], answers[1::3], answers[2::3]) if part]
    combined = [gather(edge, problem.sizes, training.version) for edge in edges]
    states = [learner.aggregate(problem, base, together) for together in combined]
    examples = np.array([together.examples.sum() for together in combined], dtype=np.float64)
    if learner.merge_obstacle:
        return
    merged = learner.merge(problem, base, states, examples)
    IN_PLACE.demand(fingerprint(base) == before, "merge changed the state that the edges began from")
    flat = learner.aggregate(problem, base, gather(answers, problem.sizes, training.version))
    memory = {answer.device: answer.memory for answer in answers}
    one, other = (learner.models(problem, state, memory) for state in (merged, flat))
    MERGE.demand(_near(one, other, 1e-5), f"models differ by {np.abs(one - other).max():.3g}")
    sent = [learner.broadcast(problem, state, 0) for state in (merged, flat)]
    MERGE.demand(_near(sent[0], sent[1], 1e-5), "what is sent next differs")
    MERGE.demand(0 <= learner.merge_flops(problem, len(edges)) < np.inf, "merge_flops must be finite and >= 0")
    MERGE.demand(learner.state_bytes(problem) >= 0, "state_bytes must be >= 0")
