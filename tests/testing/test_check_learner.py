"""The conformance kit: learners that ship keep every law, and a learner that breaks one hears which."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from fedsim.learners.averaging import Averaging
from fedsim.learners.choco import ChocoSgd
from fedsim.learners.clustered import ClusteredFL
from fedsim.learners.codecs import Qsgd, RandomK, TopK
from fedsim.learners.compressed import Compression
from fedsim.learners.decay import Exponential
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.dsgt import Dsgt
from fedsim.learners.exchange import Mixed, Offered
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedem import FedEM
from fedsim.learners.fedprox import FedProx
from fedsim.learners.learner import Computed, same_for_all
from fedsim.learners.local import Local
from fedsim.learners.pfedme import PFedMe
from fedsim.learners.scaffold import Scaffold
from fedsim.learners.server_optimiser import Adam, Momentum
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm
from fedsim.testing import check_learner, small_problem

LEARNERS = standard_catalogue().kinds["learner"]


@pytest.mark.parametrize("name", LEARNERS)
def test_learners_that_ship_keep_every_law(name):
    model = LinearSvm(features=4, classes=3) if "svm" in LEARNERS[name].models else None
    own = {"penalty": 1.0} if name == "mb-sgd" else {}  # else its first step is so long that no margin is short after
    check_learner(LEARNERS[name].type(**own), small_problem(model))


@pytest.mark.parametrize(
    "learner",
    [
        FedAvg(solver=Sgd(momentum=0.9, clip_norm=1.0), precision="float64"),
        FedAvg(weights="equal"),
        FedAvg(server=Momentum(), decay=Exponential()),
        FedProx(server=Adam(), mu=1.0),
        FedEM(components=2, solver=Sgd(momentum=0.9), decay=Exponential(), precision="float64"),
        FedEM(solver=Sgd(momentum=0.9), keep_momentum=False),
        Local(solver=Sgd(momentum=0.9), decay=Exponential()),
        ClusteredFL(mean_below=100.0, largest_above=1e-9, linkage="single"),
        PFedMe(beta=0.5, decay=Exponential()),
        Compression(down=TopK(share=0.5)).of(FedAvg()),
        Compression(down=RandomK(share=0.5)).of(Scaffold(precision="float64")),
        Scaffold(option="I", weights="equal"),
        DPsgd(overlaps=False, solver=Sgd(batch_size=None)),
        Dsgt(solver=Sgd(epochs=2, momentum=0.5), decay=Exponential(), precision="float64"),
        ChocoSgd(codec=None),
        ChocoSgd(codec=Qsgd(levels=4), consensus_step=1.0),
        Averaging(spread=0.0, precision="float64"),
    ],
    ids=repr,
)
def test_so_do_their_variants(learner):
    check_learner(learner)


@dataclass(frozen=True, kw_only=True)
class Broken(FedProx):
    """FedProx, to be broken; ``calls`` is a place to break things with."""

    calls: list = field(default_factory=list, compare=False)


class Company(Broken):
    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        return replace(computed, sent=computed.sent + np.float32(len(work.devices)))


class Neighbour(Broken):
    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        return replace(computed, sent=(computed.sent + 0.5 * computed.sent[:1]).astype("float32").astype(float))


class InPlaceLocal(Broken):
    def local(self, problem, work):
        work.received[:] += 1.0
        return Broken.local(self, problem, work)


class InPlaceAggregate(Broken):
    def aggregate(self, problem, state, answers):
        state += 0.5 * (answers.sent.mean(axis=0) - state)
        return state.copy()


class InPlaceModels(Broken):
    def models(self, problem, state, memory):
        state += 1.0
        return Broken.models(self, problem, state, memory)


class Counting(Broken):
    def local(self, problem, work):
        self.calls.append(1)
        computed = Broken.local(self, problem, work)
        return replace(computed, sent=computed.sent + np.float32(len(self.calls)))


class CountingServer(Broken):
    def aggregate(self, problem, state, answers):
        self.calls.append(1)
        return Broken.aggregate(self, problem, state, answers) + len(self.calls)


class FirstStart(Broken):
    def init(self, problem, rng):
        self.calls.append(1)
        return Broken.init(self, problem, rng) + len(self.calls)


class Eager(Broken):
    """Remembers in the learner what a device computed, before the server has taken it."""

    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        self.calls.extend((version, device) for version, device in zip(work.versions, work.devices, strict=True))
        return computed

    def aggregate(self, problem, state, answers):
        return Broken.aggregate(self, problem, state, answers) + self.calls.count((0, 1))


class FewAnswers(Broken):
    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        return Computed(sent=computed.sent[:-1], memory=computed.memory[:-1])


class NoSteps(Broken):
    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        moved = (computed.sent - work.received) / work.steps[:, None]
        return replace(computed, sent=(work.received + moved).astype("float32").astype(float))


class Deaf(Broken):
    """Does all steps, whatever is granted."""

    def local(self, problem, work):
        asked = [self.local_cost(problem, device).steps for device in work.devices.tolist()]
        return Broken.local(self, problem, replace(work, steps=np.array(asked)))


class NegativeCosts(Broken):
    def local_cost(self, problem, device):
        return replace(Broken.local_cost(self, problem, device), step_flops=-1.0)


class RisingCosts(Broken):
    def local_cost(self, problem, device):
        self.calls.append(1)
        return replace(Broken.local_cost(self, problem, device), begin_flops=len(self.calls))


class CostsOfNumbers(Broken):
    def local_cost(self, problem, device):
        nonzero = np.count_nonzero(problem.train.X[problem.train.rows(device)])
        return replace(Broken.local_cost(self, problem, device), step_flops=2.0 * nonzero)


class CheapUp(Broken):
    def up_bytes(self, problem):
        return Broken.up_bytes(self, problem) // 2


class CheapDown(Broken):
    def down_bytes(self, problem):
        return 0


class Exact(Broken):
    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        return replace(computed, sent=computed.sent + np.pi * 1e-9)


class NotANumber(Broken):
    def local(self, problem, work):
        computed = Broken.local(self, problem, work)
        return replace(computed, sent=computed.sent * np.nan)


class OneModel(Broken):
    def models(self, problem, state, memory):
        return Broken.models(self, problem, state, memory)[:1]


class NoMeasure(Broken):
    def measures(self, problem, state, memory):
        return {"objective": float("nan")}


class OtherMeasure(Broken):
    def measures(self, problem, state, memory):
        return {"loss": 1.0}


class ByPlace(Broken):
    def aggregate(self, problem, state, answers):
        return answers.sent[0]


class NeedsTwo(Broken):
    def aggregate(self, problem, state, answers):
        return answers.sent.mean(axis=0) + 0.0 / np.float64(len(answers.sent) > 1)


class Forgetful(Broken):
    def aggregate(self, problem, state, answers):
        return state


class Alias(Broken):
    """Sends a buffer of its own, which the next message overwrites."""

    def broadcast(self, problem, state, device):
        if not self.calls:
            self.calls.append(np.zeros_like(state))
        self.calls[0][:] = Broken.broadcast(self, problem, state, device)
        return self.calls[0]


class Personal(Broken):
    @same_for_all
    def broadcast(self, problem, state, device):
        return Broken.broadcast(self, problem, state, device) + 0.1 * device


class Lambda(Broken):
    def memory(self, problem, device):
        return lambda: device


class BadMerge(Broken):
    def merge(self, problem, base, states, examples):
        return np.mean(states, axis=0)


class Sideways(Broken):
    @property
    def sends(self):
        return "gradient"


class NumericFlops(Broken):
    def aggregate_flops(self, problem, answers):
        return float(np.abs(problem.train.X).sum())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("learner", "law"),
    [
        (Company, "order and company"),
        (Neighbour, "order and company"),
        (InPlaceLocal, "changed in place: local"),
        (InPlaceAggregate, "changed in place: aggregate"),
        (InPlaceModels, "changed in place: models or measures"),
        (Counting, "the same work gives the same result: local"),
        (CountingServer, "the same work gives the same result: aggregate"),
        (FirstStart, "the same work gives the same result: init"),
        (Eager, "a lost answer changes nothing"),
        (FewAnswers, "shapes are those of the seam"),
        (NoSteps, "fewer steps, or none"),
        (Deaf, "fewer steps, or none: no steps gave the same"),
        (NegativeCosts, "costs are finite.*step_flops of device 0 is -1.0"),
        (RisingCosts, "costs are finite.*asked twice"),
        (CostsOfNumbers, "costs are finite.*without its examples, device 0 costs"),
        (CheapUp, "bytes declared.*up, 15 numbers of 4 bytes are declared as 30"),
        (CheapDown, "bytes declared.*down"),
        (Exact, "rounded to the precision"),
        (NotANumber, "all numbers are finite"),
        (OneModel, r"models fit the predictor: models have shape \(1, 15\)"),
        (NoMeasure, "all numbers are finite: the measure objective is nan"),
        (OtherMeasure, "may be stopped by is measured: merits name objective, and measures are loss"),
        (ByPlace, "not by their places"),
        (NeedsTwo, "all numbers are finite: one answer alone"),
        (Forgetful, "a round with answers counts"),
        (Alias, "a message sent stays as it was"),
        (Personal, "does not look at the device"),
        (Lambda, "pickle"),
        (BadMerge, "edges that combine once"),
        (Sideways, "sends is 'gradient'"),
        (NumericFlops, "timing run"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_broken_learner_hears_which_law_it_breaks(learner, law):
    with pytest.raises(AssertionError, match=rf"law broken: .*(?:{law})(?s:.*)To mend it: "):
        check_learner(learner())


# --- peers ------------------------------------------------------------------------------------------------------------


class Peer(DPsgd):
    """D-PSGD, to be broken: the states that it mixes to, one node at a time."""

    def mix(self, problem, exchange):
        rows = [slice(*exchange.starts[i : i + 2]) for i in range(len(exchange.own))]
        states = [
            self.step(exchange, i, exchange.received[rows[i]], exchange.weights[rows[i]]) for i in range(len(rows))
        ]
        return Mixed(states=np.stack(states), memory=exchange.memory)

    def step(self, exchange, i, received, weights):
        return exchange.computed[i] + weights @ (received - exchange.offered[i])


class PeerInPlace(Peer):
    def step(self, exchange, i, received, weights):
        exchange.computed[i] += weights @ (received - exchange.offered[i])
        return exchange.computed[i].copy()


class PeerDrift(Peer):
    def step(self, exchange, i, received, weights):
        return exchange.computed[i] + weights @ received


class PeerFirst(Peer):
    def step(self, exchange, i, received, weights):
        return exchange.computed[i] + (weights[0] * (received[0] - exchange.offered[i]) if len(received) else 0.0)


class PeerInfinite(Peer):
    def step(self, exchange, i, received, weights):
        return exchange.computed[i] + np.mean(received - exchange.offered[i], axis=0) * weights.sum()


class PeerSkewed(Peer):
    """Takes rounded models of its neighbours, and its own as it is."""

    def step(self, exchange, i, received, weights):
        return exchange.computed[i] + weights @ (received - exchange.own[i])


class PeerCrowd(Peer):
    """Counts those that mix with it at the same time."""

    def step(self, exchange, i, received, weights):
        return super().step(exchange, i, received, weights) * (1 + 1e-15 * len(exchange.own))


class PeerCheap(DPsgd):
    def up_bytes(self, problem):
        return 2


class PeerExact(DPsgd):
    def outgoing(self, problem, devices, numbers, memory):
        return Offered(messages=numbers, memory=memory)


class PeerScribbler(DPsgd):
    def outgoing(self, problem, devices, numbers, memory):
        numbers += 1.0
        return Offered(messages=numbers.copy(), memory=memory)


class PeerHasty(DPsgd):
    def rebase(self, started, computed, current):
        return computed


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("learner", "law"),
    [
        (PeerInPlace, "changed in place: mix"),
        (PeerDrift, "nodes that are equal stay equal"),
        (PeerFirst, "the order of neighbours"),
        (PeerInfinite, "all numbers are finite: mix"),
        (PeerCrowd, "order and company of devices change nothing: node . mixes alone"),
        (PeerExact, "numbers that travel are rounded"),
        (PeerScribbler, "changed in place: outgoing"),
        (PeerHasty, "work is added to whatever the state is by then"),
        (PeerSkewed, "keeps the mean"),
        (PeerCheap, "bytes declared"),
    ],
)
def test_a_broken_peer_hears_which_law_it_breaks(learner, law):
    with pytest.raises(AssertionError, match=rf"law broken: .*{law}.*To mend it: "):
        check_learner(learner())


def test_what_is_no_learner_hears_so():
    with pytest.raises(AssertionError, match=r"must have either aggregate .* or mix"):
        check_learner(Sgd())

    class Half:
        def aggregate(self):
            """All that it has."""

    with pytest.raises(AssertionError, match="Half lacks aggregate_flops, broadcast, down_bytes, epochs, init"):
        check_learner(Half())


def test_a_field_in_place_of_a_method_is_named():
    """``share`` is how FedAvg weighs devices: a field of that name would end in 'float' object is not callable."""

    @dataclass(frozen=True, kw_only=True, slots=True)
    class Trimmed(FedAvg):
        share: float = 0.1

    with pytest.raises(AssertionError, match=r"no field hides a method.*: Trimmed has fields share. To mend it: give"):
        check_learner(Trimmed())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_problem_of_ones_own():
    with pytest.raises(AssertionError, match="NaN"):
        check_learner(FedAvg(solver=Sgd(step_size=1e300)), small_problem(Softmax(features=4, classes=3, l2=1.0)))
