"""With infinitely fast links and processors, a simulated learner is the plain algorithm in a loop, to the last bit.

And however fast they are, doing the work of many devices in one batch changes no result.
"""

import asyncio
import math

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.learners.decay import Exponential
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.feddyn import FedDyn
from fedsim.learners.fedprox import FedProx
from fedsim.learners.learner import Answers, Work
from fedsim.learners.messages import rounded
from fedsim.learners.mixing import metropolis
from fedsim.learners.mocha import Mocha
from fedsim.learners.scaffold import Scaffold
from fedsim.learners.tape import Tape
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.learners.workbench import Workbench
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.protocols.roster import Roster
from fedsim.protocols.session import CentralSession, GossipSession
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.scenario import load
from fedsim.study.evaluation import Evaluation
from fedsim.study.monitor import Bounds, RunMonitor, Watched
from fedsim.study.run import simulate
from fedsim.system.device import Device
from fedsim.system.device_spec import DeviceKind, DeviceSpec
from fedsim.system.messenger import Messenger
from fedsim.system.network import Access, Network
from fedsim.system.overlay import Ring
from fedsim.system.peers import Peers
from fedsim.system.presence import Presence
from fedsim.system.profiles import RadioProfile
from fedsim.system.server import Server, ServerSpec
from fedsim.system.topology_file import parse_topology
from fedsim.system.usage import Usage, WasteBook
from fedsim.tasks.datasets import load as load_data
from fedsim.tasks.partition import dirichlet
from fedsim.tasks.problem import deal
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

DEVICES, ROUNDS, SEED = 12, 6, 5
TOPOLOGY = {
    "name": "wire",
    "nodes": {"server": {"kind": "server"}, "hub": {"kind": "router"}},
    "links": [{"from": "server", "to": "hub", "capacity": "inf", "delay": "0 s"}],
}
SILENT = RadioProfile(
    name="none",
    alpha_up_w_per_bps=0.0,
    alpha_down_w_per_bps=0.0,
    beta_w=0.0,
    max_w=1.0,
    promotion_s=0.0,
    promotion_w=0.0,
    tails=(),
    idle_w=0.0,
)


def ideal_device(index):
    return DeviceSpec(
        name=f"d{index:02d}",
        group="d",
        row=index,
        flops_per_s=math.inf,
        charge_j=1.0,
        place="hub",
        access=Access(up_bps=math.inf, down_bps=math.inf),
        kind=DeviceKind(
            step_overhead_s=0.0,
            train_w=1.0,
            idle_w=1.0,
            sleep_w=1.0,
            link="ideal",
            radio=SILENT,
            paging_s=0.0,
        ),
    )


@pytest.fixture
def problem():
    def make(model):
        data, rng = load_data("digits"), np.random.default_rng(1)
        return deal(data, dirichlet(data.y, DEVICES, 0.3, rng, 8), model(features=64, classes=10), 0.25, rng)

    return make


class Ideal:
    """The real system, with nothing in it that takes time."""

    def __init__(self):
        self.sim = Simulation(seed=SEED)
        network = Network(self.sim, parse_topology(TOPOLOGY, "test"))
        messenger = Messenger(self.sim, network)
        self.devices = [
            Device(self.sim, ideal_device(index), messenger, WasteBook(), Presence()) for index in range(DEVICES)
        ]
        for device in self.devices:
            network.attach(device.name, "hub", device.spec.access)
        self.server = Server(self.sim, ServerSpec(place="server", flops_per_s=math.inf), messenger)

    def run(self, protocol, training, session, **more):
        watched = Watched(
            clock=lambda: self.sim.now,
            evaluation=Evaluation(training=training),
            spent=Usage,
            record=self.sim.record,
            tell=lambda _: None,
        )
        monitor = RunMonitor(watched, Bounds(rounds=ROUNDS), every_rounds=None)
        whole = session(
            devices=Roster(self.devices, self.sim.rng),
            training=training,
            streams=self.sim.rng,
            record=self.sim.record,
            monitor=monitor,
            **more,
        )

        async def until_done():
            work = asyncio.create_task(protocol.run(whole))
            await monitor.done.wait()
            work.cancel()

        self.sim.run(until_done())
        assert self.sim.now == 0.0
        return training


def work(problem, training, devices, received, number):
    """Local work of some devices as the plain loop does it: all steps, each with its own luck."""
    streams = Simulation(seed=SEED).rng
    return Work(
        devices=np.array(devices),
        received=np.stack(received),
        memory=tuple(training[device] for device in devices),
        steps=np.array([training.learner.local_cost(problem, device).steps for device in devices]),
        versions=np.full(len(devices), number - 1),
        rngs=tuple(streams("local", f"d{device:02d}", number) for device in devices),
    )


class Memories(dict):
    def __init__(self, learner, problem):
        super().__init__({device: learner.memory(problem, device) for device in range(DEVICES)})
        self.learner = learner


@pytest.mark.parametrize(
    ("learner", "model"),
    [
        (FedAvg(solver=Sgd(epochs=2, step_size=0.1)), Softmax),
        (FedProx(decay=Exponential(per_round=0.5)), Softmax),
        (Scaffold(), Softmax),
        (FedDyn(scored="all"), Softmax),
        (Mocha(omega_every=2), LinearSvm),
    ],
    ids=["fedavg", "fedprox", "scaffold", "feddyn", "mocha"],
)
def test_rounds_are_the_plain_algorithm(learner, model, problem):
    problem, cohort = problem(model), 5
    ideal = Ideal()
    training = CentralTraining(problem, learner, ideal.sim.rng)
    ideal.run(SynchronousRounds(cohort=cohort), training, CentralSession, server=ideal.server)

    streams = Simulation(seed=SEED).rng
    state, memories = learner.init(problem, streams("init")), Memories(learner, problem)
    for number in range(1, ROUNDS + 1):
        lots = [streams("lot", f"d{device:02d}", number).random() for device in range(DEVICES)]
        chosen = sorted(np.argsort(lots)[:cohort].tolist())
        received = [learner.broadcast(problem, state, device) for device in chosen]
        asked = work(problem, memories, chosen, received, number)
        computed = learner.local(problem, asked)
        answers = Answers(
            devices=asked.devices,
            sent=computed.sent,
            examples=problem.sizes[chosen],
            steps=asked.steps,
            staleness=np.zeros(cohort, dtype=np.int64),
        )
        state = learner.aggregate(problem, state, answers)
        memories.update(zip(chosen, computed.memory, strict=True))

    assert np.array_equal(training.models(), learner.models(problem, state, memories))
    assert training.measures() == learner.measures(problem, state, memories)


@pytest.mark.parametrize("overlaps", [True, False])
def test_gossip_is_the_plain_algorithm(problem, overlaps):
    problem = problem(Softmax)
    learner = DPsgd(solver=Sgd(epochs=1, step_size=0.1), overlaps=overlaps)
    ideal = Ideal()
    training = GossipTraining(problem, learner, ideal.sim.rng)
    ideal.run(SynchronousGossip(overlay=Ring()), training, GossipSession, peers=Peers.of(DEVICES))

    graph, everybody = Ring().graph(Peers.of(DEVICES)), range(DEVICES)
    W, memories = metropolis(graph), Memories(learner, problem)
    models = np.stack([learner.init(problem, 0, Simulation(seed=SEED).rng("init"))] * DEVICES)
    for number in range(1, ROUNDS + 1):
        computed = learner.local(problem, work(problem, memories, everybody, list(models), number)).sent
        sent = rounded(models if overlaps else computed, "float32")
        pulls = [sum(W[i, j] * (sent[j] - sent[i]) for j in sorted(graph.neighbors(i))) for i in everybody]
        models = computed + np.stack(pulls)

    assert training.models() == pytest.approx(models, rel=1e-12, abs=1e-15)


def test_playing_every_step_of_peers_at_once_changes_no_result(monkeypatch, request):
    scenario = load(
        request.config.rootpath / "scenarios" / "quickstart_ring.yaml",
        ["stop.target=null", "stop.time=6s", "learner.epochs=1"],
        seed=3,
    )
    batched = simulate(scenario)
    put, played = Tape.put, []

    def put_and_play(tape, step):
        due = put(tape, step)
        tape.play()
        played.append(type(step).__name__)
        return due

    monkeypatch.setattr(Tape, "put", put_and_play)
    alone = simulate(scenario)
    assert {"Labour", "Offer", "Mix"} <= set(played)
    assert batched.curve.equals(alone.curve)
    assert batched.events.equals(alone.events)


@pytest.mark.parametrize("name", ["quickstart", "quickstart_mocha"])
def test_batching_changes_no_result(name, monkeypatch, request):
    scenario = load(
        request.config.rootpath / "scenarios" / f"{name}.yaml",
        ["stop.target=null", "stop.time=6s", "learner.epochs=1"],
        seed=3,
    )
    batches = []
    together = Workbench._work_off

    def count(bench):
        batches.append(len(bench._waiting))
        together(bench)

    def one_by_one(bench):
        for ticket, job in bench._waiting.items():
            (bench._done[ticket],) = bench.compute([job])
        bench._waiting.clear()

    monkeypatch.setattr(Workbench, "_work_off", count)
    batched = simulate(scenario)
    monkeypatch.setattr(Workbench, "_work_off", one_by_one)
    alone = simulate(scenario)
    assert max(batches) > 1
    assert batched.curve.equals(alone.curve)
    assert batched.events.equals(alone.events)
