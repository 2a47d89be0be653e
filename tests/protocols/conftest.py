"""A small problem, and nodes in a few lines, for protocols."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from fedsim.errors import DeviceCrashedError, MessageFailedError, MessageLostError, OutOfMemoryError
from fedsim.kernel import Simulation
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.roster import Roster
from fedsim.protocols.session import CentralSession, GossipSession
from fedsim.system.peers import Peers
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd


@dataclass(frozen=True)
class FakeDelivery:
    wake_s: float = 0.0
    move_s: float = 0.0
    wasted: dict = field(default_factory=dict)

    @property
    def parts(self):
        return {"wake_s": self.wake_s, "bytes_s": self.move_s}


@dataclass
class FakeStint:
    spoilt: list = field(default_factory=list)

    def settle(self):
        pass

    def lose(self, cause, *, sent_bytes=0.0, received_bytes=0.0):
        self.spoilt.append((cause, sent_bytes, received_bytes) if received_bytes else (cause, sent_bytes))

    def discard(self, cause):
        self.spoilt.append(cause)


@dataclass(eq=False)
class FakeNode:
    """Sends in ``send_s``, computes in ``work_s``; is gone from ``dies_s`` to ``returns_s``, maybe for good.

    Loses the messages in ``loses``; ``error`` is how. Every message has ``wasted`` bytes sent in vain before it gets
    through.
    """

    name: str
    index: int = 0
    link: str = "fake"
    work_s: float = 0.0
    send_s: float = 0.0
    dies_s: float = np.inf
    returns_s: float = np.inf
    loses: tuple[int, ...] = ()
    error: type[MessageFailedError] = MessageLostError
    wasted: float = 0.0
    memory_bytes: float = np.inf
    charge_share: float = 1.0
    computed: tuple[float, float] = (0.0, 0.0)
    sent: int = 0
    sizes: list = field(default_factory=list)
    stints: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    spans: list = field(default_factory=list)

    def is_up(self):
        return not self.dies_s <= asyncio.get_running_loop().time() < self.returns_s

    def is_spent(self):
        return not self.is_up()

    async def returned(self):
        assert self.is_up()

    def is_there(self):
        return self.is_up()

    async def back(self):
        if not self.is_up():
            await asyncio.sleep(self.returns_s - asyncio.get_running_loop().time())

    @asynccontextmanager
    async def at_work(self):
        stint, began_s = FakeStint(), asyncio.get_running_loop().time()
        self.stints.append(stint)
        is_mortal = asyncio.get_running_loop().time() < self.dies_s < np.inf
        scope = asyncio.timeout_at(self.dies_s if is_mortal else None)
        try:
            async with scope:
                yield stint
        except TimeoutError:
            if not scope.expired():
                raise
            self.ended.append("crash")
            raise DeviceCrashedError(self.name) from None
        except asyncio.CancelledError as error:
            self.ended.append(error.args[0] if error.args else "stopped")
            raise
        finally:
            self.spans.append((began_s, asyncio.get_running_loop().time()))

    def compute_s(self, flops, dispatches, *, moved_bytes=0.0):
        return self.work_s * dispatches

    async def compute(self, flops, dispatches=1, *, moved_bytes=0.0, memory_bytes=0.0, epochs=1.0):
        if memory_bytes > self.memory_bytes:
            raise OutOfMemoryError(self.name)
        self.computed = (asyncio.get_running_loop().time(), self.work_s * dispatches)
        await asyncio.sleep(self.work_s * dispatches)

    def done_share(self):
        began_s, lasts_s = self.computed
        return (asyncio.get_running_loop().time() - began_s) / lasts_s

    async def send(self, target, size_bytes):
        number, self.sent = self.sent, self.sent + 1
        self.sizes.append(size_bytes)
        await asyncio.sleep(self.send_s)
        if not target.is_up():
            raise DeviceCrashedError(target.name)
        if number in self.loses:
            raise self.error(self.name)
        return FakeDelivery(move_s=self.send_s, wasted={"resent": self.wasted} if self.wasted else {})


@dataclass
class FakeMonitor:
    """Stops after so many rounds, of the server or of the first peer."""

    rounds: int
    ended: list = field(default_factory=list)
    peers: list = field(default_factory=list)
    reason: str = ""

    def is_done(self):
        return bool(self.reason) or len(self.ended) >= self.rounds

    def round_ended(self, number):
        self.ended.append((asyncio.get_running_loop().time(), number))

    def peer_round_ended(self, device):
        self.peers.append((asyncio.get_running_loop().time(), device))

    def stop(self, reason):
        self.reason = reason


def line(targets, slopes=None):
    """Device t has one example: its loss is (slopes[t] w - targets[t])**2 / 2."""
    y = np.asarray(targets, dtype=float)
    X = np.ones((len(y), 1)) if slopes is None else np.asarray(slopes, dtype=float)[:, None]
    examples = Examples.of(X, y, np.arange(len(y)), len(y))
    return Problem(model=LeastSquares(features=1, bias=False), train=examples, test=examples, name="line")


@pytest.fixture
def sim():
    return Simulation(seed=7)


@pytest.fixture
def central(sim):
    """Runs rounds over fake devices; gives back what there was to see."""

    def run(protocol, devices, *, rounds=1, learner=None, targets=None, server=None):
        problem = line(targets if targets is not None else range(len(devices)))
        learner = learner or FedAvg(solver=Sgd(epochs=1, batch_size=None, step_size=0.5), precision="float64")
        training = CentralTraining(problem, learner, sim.rng)
        monitor = FakeMonitor(rounds)
        session = CentralSession(
            devices=Roster(devices, sim.rng),
            training=training,
            streams=sim.rng,
            record=sim.record,
            monitor=monitor,
            server=server or FakeNode("server"),
        )
        sim.run(protocol.run(session))
        return SimpleNamespace(training=training, monitor=monitor, events=sim.events.frame(), sim=sim)

    return run


@pytest.fixture
def gossip(sim):
    """Runs gossip over fake devices for some simulated seconds."""

    def run(protocol, devices, learner, problem, *, seconds):
        training = GossipTraining(problem, learner, sim.rng)
        monitor = FakeMonitor(10**9)
        session = GossipSession(
            devices=devices,
            training=training,
            streams=sim.rng,
            record=sim.record,
            monitor=monitor,
            peers=Peers.of(len(devices)),
        )

        async def bounded():
            try:
                async with asyncio.timeout(seconds):
                    await protocol.run(session)
            except TimeoutError:
                pass

        sim.run(bounded())
        return SimpleNamespace(training=training, monitor=monitor, events=sim.events.frame(), sim=sim)

    return run


@pytest.fixture(scope="session")
def node():
    return FakeNode


@pytest.fixture(scope="session")
def problem():
    return line


@pytest.fixture(scope="session")
def monitor():
    return FakeMonitor
