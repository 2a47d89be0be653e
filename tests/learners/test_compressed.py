"""Learners with coded messages: in a plain loop, and in a run."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.codecs import Float16, Qsgd, RandomK, TopK
from fedsim.learners.compressed import Compressed, Compression
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.feddyn import FedDyn
from fedsim.learners.fedem import FedEM
from fedsim.learners.learner import MergingLearner
from fedsim.learners.local import Local
from fedsim.learners.scaffold import Scaffold
from fedsim.learners.training import CentralTraining
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd

SOLVER = Sgd(epochs=1, batch_size=4, step_size=0.05)
WHOLE = Sgd(epochs=1, batch_size=None, step_size=0.05)
LEARNERS = [FedAvg(solver=SOLVER), FedBuff(solver=SOLVER), FedAsync(solver=SOLVER)]
CODECS = [Float16(), Qsgd(levels=7, bucket=8), TopK(share=0.2), RandomK(share=0.5)]


def made(devices=3, features=10, seed=0):
    rng = np.random.default_rng(seed)
    device = np.repeat(np.arange(devices), 12)
    X = rng.normal(size=(len(device), features))
    y = X @ rng.normal(size=features) + 0.1 * rng.normal(size=len(device))
    rows = Examples.of(X, y, device, devices)
    return Problem(model=LeastSquares(features=features, bias=False), train=rows, test=rows)


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_no_codec_changes_no_bit(rounds, learner):
    problem = made()
    plain, coded = rounds(learner, problem), rounds(Compressed(learner=learner), problem)
    for _ in range(3):
        plain.play()
        coded.play()
    assert np.array_equal(plain.models, coded.models)
    assert plain.measures == coded.measures
    assert Compression().of(learner) is learner


@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
@pytest.mark.parametrize("codec", CODECS, ids=repr)
def test_the_server_reads_the_code_of_the_change_and_the_learners_luck_is_its_own(rounds, learner, codec):
    """By hand: the plain learner's answer from the same message, its change coded, and added up again."""
    problem = made()
    plain, coded = rounds(learner, problem), rounds(Compression(up=codec).of(learner), problem)
    for answer, read in zip(plain.ask(), coded.ask(), strict=True):
        base = plain.learner.broadcast(problem, plain.state, 0) if learner.sends == "model" else 0.0
        rng = np.random.default_rng([0, 0, answer.device])
        luck = np.random.Generator(rng.bit_generator.jumped())
        assert np.array_equal(read.sent, base + codec.carried(answer.sent - base, luck))


def test_what_was_not_sent_is_sent_later(rounds):
    """Error feedback: what the server read, and what a device keeps, add up to all of its changes."""
    problem = made(devices=1)
    coded = rounds(Compression(up=TopK(share=0.2)).of(LEARNERS[0]), problem)
    read, changes = np.zeros(10), np.zeros(10)
    for _ in range(6):
        before = coded.learner.broadcast(problem, coded.state, 0)
        (answer,) = coded.ask()
        kept = coded.memory[0].rest if coded.memory else np.zeros(10)
        read += answer.sent - before
        changes += (answer.sent - before) + answer.memory.rest - kept
        coded.take([answer])
        assert read + coded.memory[0].rest == pytest.approx(changes, abs=1e-12)
    assert np.count_nonzero(coded.memory[0].rest) >= 6


def test_a_lost_answer_leaves_the_rest_as_it_was(rounds):
    coded = rounds(Compression(up=TopK(share=0.2)).of(LEARNERS[0]), made())
    coded.play()
    rest = coded.memory[1].rest.copy()
    coded.take(coded.ask()[:1])
    assert np.array_equal(coded.memory[1].rest, rest)


def test_error_feedback_gets_where_plain_top_k_stalls(rounds):
    """Two devices pull w_0 apart for ever, each with its largest slope: w_1 and w_2 never travel, though both agree."""
    X = np.tile(np.eye(3), (2, 1))
    y = np.array([3.0, 1.0, 1.0, -3.0, 1.0, 1.0])
    rows = Examples.of(X, y, np.repeat([0, 1], 3), 2)
    problem = Problem(model=LeastSquares(features=3, bias=False), train=rows, test=rows)
    learner = FedAvg(solver=Sgd(epochs=1, batch_size=None, step_size=0.03), precision="float64")
    ends = {}
    for feedback in (False, True):
        coded = rounds(Compression(up=TopK(share=0.3, error_feedback=feedback)).of(learner), problem)
        for _ in range(500):
            coded.play()
        ends[feedback] = coded.state.inner
    assert ends[True] == pytest.approx([0.0, 1.0, 1.0], abs=0.05)
    assert ends[False] == pytest.approx([0.0, 0.0, 0.0])


def test_bytes_are_those_of_the_codes():
    problem = made()
    coded = Compression(up=TopK(share=0.2), down=Float16()).of(LEARNERS[0])
    assert (coded.up_bytes(problem), coded.down_bytes(problem)) == (9, 20)  # 2 x (32 + 4) bits; 10 x 2 bytes
    only_up = Compression(up=Float16()).of(LEARNERS[0])
    assert (only_up.up_bytes(problem), only_up.down_bytes(problem)) == (20, 40)


def test_coding_costs_operations():
    problem = made()
    plain, coded = LEARNERS[0], Compression(up=TopK()).of(LEARNERS[0])
    assert coded.local_cost(problem, 0).begin_flops == plain.local_cost(problem, 0).begin_flops + 3 * 10
    assert coded.aggregate_flops(problem, 4) == plain.aggregate_flops(problem, 4) + 4 * 10


def test_down_the_message_itself_is_coded_and_all_devices_read_the_same(rounds):
    problem = made()
    coded = rounds(Compression(down=Qsgd(levels=3, bucket=10)).of(LEARNERS[0]), problem)
    coded.play()
    one, two = (coded.learner.broadcast(problem, coded.state, device) for device in (0, 1))
    assert np.array_equal(one, two)
    steps = one / Qsgd(levels=3, bucket=10).norms(coded.state.inner.astype(np.float32).astype(float))[0] * 3
    assert steps == pytest.approx(np.round(steps))
    before = coded.state
    coded.play()
    assert coded.state.version == before.version + 1


@pytest.mark.parametrize("codec", [TopK(share=0.3), RandomK(share=0.5)], ids=repr)
@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_parts_of_changes_go_down_and_add_up_to_what_all_share(rounds, codec, learner):
    """By hand: y is the first message whole, and grows by the code of what it lacks of the present one."""
    problem = made()
    coded = rounds(Compression(down=codec).of(learner), problem)
    shared = learner.broadcast(problem, coded.state.inner, 0)
    for version in range(1, 6):
        assert np.array_equal(coded.learner.broadcast(problem, coded.state, 0), shared)
        coded.play()
        assert coded.state.version == version
        lacks = learner.broadcast(problem, coded.state.inner, 0) - shared
        code = codec.damping(10) * codec.carried(lacks, coded.state.rng())
        assert 0 < np.count_nonzero(code) < 10
        shared = (shared + code).astype(np.float32).astype(float)


@pytest.mark.parametrize("codec", [TopK(share=0.2), RandomK(share=0.3)], ids=repr)
@pytest.mark.parametrize(
    "learner",
    [FedAvg(solver=WHOLE, precision="float64"), FedEM(components=2, solver=WHOLE, precision="float64")],
    ids=repr,
)
def test_the_servers_model_goes_on_from_itself_and_not_from_what_is_shared(rounds, codec, learner):
    """x moves by the mean of what devices moved from y: what y lacks of x is not forgotten."""
    problem = made()
    coded = rounds(Compression(down=codec).of(learner), problem)
    for _ in range(4):
        x, y = coded.state.inner, coded.state.shared
        answers = coded.ask()
        coded.take(answers)
        moved = np.mean([answer.sent - y for answer in answers], axis=0)  # devices have as many examples
        assert coded.state.inner == pytest.approx(x + moved, rel=1e-6)
        assert np.abs(coded.state.shared - coded.state.inner).max() > 1e-3


@pytest.mark.parametrize("codec", [TopK(share=0.2), RandomK(share=0.3)], ids=repr)
def test_what_is_shared_comes_to_where_the_plain_learner_comes(rounds, codec):
    problem, learner = made(), FedAvg(solver=WHOLE, precision="float64")
    plain, coded = rounds(learner, problem), rounds(Compression(down=codec).of(learner), problem)
    for _ in range(2000):
        plain.play()
        coded.play()
    assert coded.state.shared == pytest.approx(plain.state, rel=1e-9)


def test_who_missed_codes_gets_them_all_or_the_whole_where_that_is_shorter():
    """Ten numbers in float32: 40 bytes whole, 9 a code of two of them, 36 bits each."""
    problem = made()
    coded = Compression(down=TopK(share=0.2)).of(LEARNERS[0])
    training = CentralTraining(problem, coded, lambda *_: np.random.default_rng(0))
    assert training.down_bytes(0) == 40
    training.received(0, training.version)
    assert training.down_bytes(0) == 9  # the same again: no shorter than a code
    for missed, size_bytes in ((1, 9), (2, 18), (3, 27), (4, 36), (5, 40), (6, 40)):
        training.version = missed
        assert training.down_bytes(0) == size_bytes
    assert training.down_bytes(1) == 40
    plain = CentralTraining(problem, LEARNERS[0], lambda *_: np.random.default_rng(0))
    plain.received(0, 0)
    assert plain.down_bytes(0) == 40


def test_coding_what_goes_down_costs_operations():
    problem, coded = made(), Compression(down=TopK()).of(LEARNERS[0])
    assert coded.aggregate_flops(problem, 4) == LEARNERS[0].aggregate_flops(problem, 4) + 3 * 10


def test_parts_of_changes_need_one_message_for_all():
    local = Local(solver=SOLVER)
    with pytest.raises(FedsimError, match="down: Local sends each device a message of its own, and changes go"):
        Compression(down=TopK()).of(local)
    with pytest.raises(FedsimError, match="down: what is left out is part of what is sent next: error_feedback must"):
        Compression(down=TopK(error_feedback=False))


def test_what_merges_merges_with_codes_too(rounds):
    problem = made(devices=4)
    coded = Compression(up=Float16()).of(FedAvg(solver=SOLVER, precision="float64"))
    assert isinstance(coded, MergingLearner)
    assert not isinstance(Compression(up=Float16()).of(LEARNERS[1]), MergingLearner)
    flat, left, right = (rounds(coded, problem) for _ in range(3))
    base = flat.state
    answers = flat.ask()
    for edge, own in ((left, answers[:1]), (right, answers[1:])):
        edge.take(own)
    flat.take(answers)
    merged = coded.merge(problem, base, [left.state, right.state], np.array([12.0, 36.0]))
    assert merged.inner == pytest.approx(flat.state.inner, rel=1e-12)
    assert coded.state_bytes(problem) == 80
    assert coded.merge_flops(problem, 2) == 40.0


def test_an_answer_of_another_size_than_it_is_charged_for_is_an_error(rounds):
    class Odd(FedAvg):
        def up_bytes(self, problem):
            return 4

    with pytest.raises(FedsimError, match="Odd charges 1 numbers for an answer and sends 10"):
        rounds(Compression(up=Float16()).of(Odd(solver=SOLVER)), made()).ask()


@pytest.mark.parametrize("down", [None, Float16(), Qsgd(levels=127), TopK(share=0.2), RandomK(share=0.5)], ids=repr)
@pytest.mark.parametrize("up", [None, *CODECS], ids=repr)
def test_what_server_and_devices_add_up_stays_the_same(rounds, up, down):
    """SCAFFOLD's c is the mean of the devices' controls, FedDyn's h that of their gradients, whatever codes lose."""
    problem, compression = made(devices=4), Compression(up=up, down=down)
    learners = Scaffold(solver=SOLVER, weights="equal"), FedDyn(solver=SOLVER, weights="equal", alpha=0.1)
    played = [(rounds(compression.of(learner), problem), learner) for learner in learners]
    for one, _ in played:
        for devices in ([0, 1, 2], [1, 3], [0, 1, 2, 3], [2], [0, 3]):
            one.play(devices)
    controls, gradients = (one.state if one.learner is learner else one.state.inner for one, learner in played)
    own, mine = ([getattr(kept, "inner", kept) for kept in one.memory.values()] for one, _ in played)
    assert np.mean(own, axis=0) == pytest.approx(controls.control, rel=1e-9, abs=1e-12)
    assert np.mean([kept.gradient for kept in mine], axis=0) == pytest.approx(gradients.h, rel=1e-9, abs=1e-12)
    assert np.linalg.norm(controls.control) > 0.1
