"""Pairs that average: the laws of AD-PSGD and of random gossip, and what happens when somebody goes."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedsim.errors import DeviceCrashedError, FedsimError, NoRouteError
from fedsim.kernel import Simulation
from fedsim.learners.averaging import Averaging
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.dsgt import Dsgt
from fedsim.learners.training import GossipTraining
from fedsim.protocols.asynchronous_gossip import AsynchronousGossip
from fedsim.protocols.pairs import Pairs
from fedsim.protocols.session import GossipSession
from fedsim.protocols.sides import asking_side, crossing
from fedsim.system.overlay import Complete, Ring
from fedsim.system.overlay_changing import OnePeerExponential
from fedsim.system.peers import Peers
from fedsim.tasks.sgd import Sgd


class Path:
    def graph(self, peers):
        return nx.path_graph(len(peers))


def descent(step_size, **options):
    return DPsgd(solver=Sgd(epochs=1, batch_size=None, step_size=step_size), precision="float64", **options)


@pytest.mark.parametrize(("until_s", "models"), [(0.9, [0, 2]), (1.9, [0, 3]), (2.1, [5, 2])])
def test_a_pair_averages_and_adds_what_it_computed(gossip, node, problem, until_s, models):
    """Peer 0 asks, peer 1 answers. Both start at 0, with targets 8 and 4, half a step each.

    At 0.8 s peer 1 adds 2 to its model. At 1 s peer 0 has +4 in hand, and models go there and back: 0 and 2. At 1.6 s
    peer 1 adds 1 more. At 2 s both move to the mean, 1, of what they sent, and have their own work on top.
    """
    peers = [node("0", 0, work_s=1.0, send_s=0.5), node("1", 1, work_s=0.8, send_s=0.5)]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.5), problem([8, 4]), seconds=until_s)
    assert seen.training.models()[:, 0] == pytest.approx(models)


def test_who_sends_what_it_computed_averages_that(gossip, node, problem):
    """Train, then send: 0 sends its 4, 1 its 2; both become 3, and 1 has its second step, of 1, on top."""
    peers = [node("0", 0, work_s=1.0, send_s=0.5), node("1", 1, work_s=0.8, send_s=0.5)]
    learner = descent(0.5, overlaps=False)
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, learner, problem([8, 4]), seconds=2.1)
    assert seen.training.models()[:, 0] == pytest.approx([3, 4])


@pytest.mark.parametrize("pairing", ["split", "free"])
@pytest.mark.parametrize("overlay", [Ring(), Complete(), Path()])
def test_without_gradients_every_event_keeps_the_sum(node, problem, overlay, pairing):
    """Whoever is slow: at no instant of a run are the models' sum or their range more than at the start."""
    sim, count = Simulation(seed=3), 6
    training = GossipTraining(problem(range(count)), Averaging(spread=5.0, precision="float32"), sim.rng)
    start = training.models()[:, 0].copy()
    seen = []

    def look(device):
        seen.append(training.models()[:, 0].copy())

    peers = [node(str(index), index, send_s=0.1 + 0.07 * index) for index in range(count)]
    play(AsynchronousGossip(overlay=overlay, pairing=pairing), peers, training, sim, seconds=60.0, look=look)
    assert len(seen) > 150
    assert np.abs(np.array(seen).sum(axis=1) - start.sum()).max() < 1e-12
    assert np.ptp(seen[-1]) < 5e-3 * np.ptp(start)


def play(protocol, peers, training, sim, *, seconds, look=lambda device: None):
    class Monitor:
        reason = ""
        events = 0

        def peer_round_ended(self, device):
            self.events += 1
            look(device)

        def stop(self, reason):
            self.reason = reason

    monitor = Monitor()
    session = GossipSession(
        devices=peers,
        training=training,
        streams=sim.rng,
        record=sim.record,
        monitor=monitor,
        peers=Peers.of(len(peers)),
    )

    async def bounded():
        try:
            async with asyncio.timeout(seconds):
                await protocol.run(session)
        except TimeoutError:
            pass

    sim.run(bounded())
    return monitor


def test_random_pairs_of_all_shrink_disagreement_by_one_share_an_event(node, problem):
    """Everybody with anybody: E |X - mean|^2 falls by the factor 1 - 1 / (N - 1) with every average of two.

    The first event of each of many runs: later ones depend on who has averaged with whom just before.
    """
    count, ratios = 8, []
    for seed in range(300):
        sim = Simulation(seed=seed)
        training = GossipTraining(problem(range(count)), Averaging(precision="float64"), sim.rng)
        distance = [np.square(training.models() - training.models().mean()).sum()]

        def look(device, training=training, distance=distance):
            distance.append(np.square(training.models() - training.models().mean()).sum())

        peers = [node(str(index), index, send_s=0.5) for index in range(count)]
        play(AsynchronousGossip(overlay=Complete(), pairing="free"), peers, training, sim, seconds=1.1, look=look)
        ratios.append(distance[1] / distance[0])
    assert np.mean(ratios) == pytest.approx(1 - 1 / (count - 1), abs=4 * np.std(ratios) / np.sqrt(len(ratios)))
    assert np.std(ratios) / np.sqrt(len(ratios)) < 0.01


def rates(seen, count, seconds):
    return [sum(device == index for _, device in seen.monitor.peers) / seconds for index in range(count)]


def test_a_straggler_holds_up_nobody(gossip, node, problem):
    """One of eight takes ten times as long: the others keep their pace, but for waits for a partner that is busy."""
    paces = {}
    for slow_s in (1.0, 10.0):
        peers = [node(str(i), i, work_s=slow_s if i == 3 else 1.0, send_s=0.01) for i in range(8)]
        seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.1), problem(range(8)), seconds=100.0)
        paces[slow_s] = np.array(rates(seen, 8, 100.0))
    fast = [index for index in range(8) if index != 3]
    assert paces[10.0][fast] == pytest.approx(paces[1.0][fast], rel=0.02)
    assert paces[10.0].sum() >= (1 - 1 / 8) * paces[1.0].sum() * 0.98


def test_a_partner_that_is_gone_is_skipped(gossip, node, problem):
    peers = [node(str(index), index, work_s=1.0, dies_s=4.5 if index == 1 else np.inf) for index in range(4)]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.1), problem(range(4)), seconds=30.5)
    assert [sum(device == index for _, device in seen.monitor.peers) for index in range(4)] == [30, 4, 30, 30]
    mixed = seen.events.query("kind == 'mixed' and time_s > 5")
    assert set(mixed["waited_for"]) <= {"", "0", "2", "3"}


def test_whoever_has_nobody_left_goes_on_alone(gossip, node, problem):
    peers = [node("0", 0, work_s=1.0), node("1", 1, work_s=1.0, dies_s=1.5)]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.5), problem([8.0, 0.0]), seconds=20.5)
    assert seen.training.models()[0, 0] == pytest.approx(8.0, abs=1e-3)


def test_a_model_that_comes_too_late_changes_neither(gossip, node, problem):
    """Peer 1 dies when peer 0's model is with it and its own is on its way: what was sent is booked as in vain."""
    peers = [node("0", 0, work_s=1.0, send_s=0.5), node("1", 1, work_s=9.0, send_s=0.5, dies_s=1.7)]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.5), problem([8.0, 4.0]), seconds=1.9)
    assert seen.training.models()[:, 0] == pytest.approx([4.0, 0.0])
    assert peers[0].stints[0].spoilt == [("unreached", 8)]
    assert peers[1].ended[-1] == "crash"


def test_a_message_that_is_lost_goes_again(gossip, node, problem):
    peers = [node("0", 0, work_s=1.0, send_s=0.5, loses=(0,)), node("1", 1, work_s=9.0, send_s=0.5)]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.5), problem([8.0, 4.0]), seconds=2.6)
    assert [time for time, _ in seen.monitor.peers] == [2.5]
    assert peers[0].stints[0].spoilt == [("lost", 0.0)]


def test_without_a_way_the_next_neighbour_is_asked(gossip, node, problem):
    """Peer 0 of a ring does not reach the neighbour that it asks first, and averages with the other."""
    lossy = node("0", 0, work_s=1.0, send_s=0.25, loses=(0,), error=NoRouteError)
    peers = [lossy, *(node(str(i), i, work_s=50.0, send_s=0.25) for i in (1, 2, 3))]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, descent(0.5), problem([8, 4, 4, 4]), seconds=1.8)
    assert lossy.stints[0].spoilt == [("unreached", 0.0)]
    assert seen.monitor.peers == [(1.75, 0)]


def test_who_waits_too_long_for_its_turn_goes_on_alone(gossip, node, problem):
    """Two ask the hub of a star at 1 s; models take 3 s each way, so that the second would wait 6 s, and waits 2."""
    peers = [node("0", 0, work_s=50.0, send_s=3.0)] + [node(str(i), i, work_s=1.0, send_s=3.0) for i in (1, 2)]

    class Star:
        def graph(self, peers):
            return nx.star_graph(len(peers) - 1)

    protocol = AsynchronousGossip(overlay=Star(), patience_s=2.0)
    seen = gossip(protocol, peers, descent(0.5), problem([8, 4, 4]), seconds=7.5)
    mixed = seen.events.query("kind == 'mixed'")[["time_s", "subject", "models"]].values.tolist()
    assert mixed == [[3.0, "2", 0], [6.0, "2", 0], [7.0, "1", 1]]


def test_a_peer_that_refuses_the_job_only_averages(gossip, node, problem):
    """The middle of three has no memory; the others ask it, and it learns nothing by itself, but from them."""
    devices = [node(f"d{i}", i, work_s=1.0, memory_bytes=0.0 if i == 1 else np.inf) for i in range(3)]
    run = gossip(AsynchronousGossip(overlay=Path()), devices, descent(0.1), problem([1.0, 100.0, 1.0]), seconds=200.0)
    assert run.training.models()[:, 0] == pytest.approx([1.0, 1.0, 1.0], abs=0.05)


def test_what_takes_no_time_has_no_end(gossip, node, problem):
    peers = [node(str(index), index) for index in range(2)]
    seen = gossip(AsynchronousGossip(overlay=Ring()), peers, Averaging(), problem([1, 2]), seconds=1.0)
    assert seen.monitor.reason == "neither work nor messages take time"
    assert len(seen.monitor.peers) == 1000


@pytest.mark.parametrize("patience_s", [0.0, -1.0, np.nan, np.inf])
def test_patience_is_a_time(patience_s):
    with pytest.raises(ValueError, match="patience must be > 0 and finite"):
        AsynchronousGossip(overlay=Ring(), patience_s=patience_s)


@pytest.mark.parametrize(
    ("protocol", "learner", "rule"),
    [
        (AsynchronousGossip(overlay=Ring()), Dsgt(), "'Dsgt' cannot: take synchronous gossip"),
        (AsynchronousGossip(overlay=OnePeerExponential()), DPsgd(), "overlay changes by the round"),
        (AsynchronousGossip(overlay=Ring(directed=True)), DPsgd(), "not directed"),
    ],
)
def test_what_does_not_go_together_is_refused(gossip, node, problem, protocol, learner, rule):
    with pytest.raises(FedsimError, match=rule):
        gossip(protocol, [node("0"), node("1", 1)], learner, problem([1, 2]), seconds=1.0)


@settings(deadline=None, max_examples=150)
@given(st.integers(2, 30), st.floats(0.05, 1.0), st.integers(0, 10_000))
def test_two_sides_keep_everybody_connected(nodes, density, seed):
    graph = nx.gnp_random_graph(nodes, density, seed=seed)
    asking = asking_side(graph)
    cross = crossing(graph, asking)
    assert list(map(sorted, nx.connected_components(cross))) == list(map(sorted, nx.connected_components(graph)))
    assert all(2 * cross.degree[node] >= graph.degree[node] for node in graph)
    assert all((i in asking) != (j in asking) for i, j in cross.edges)
    assert 2 * len(asking) >= nodes
    if nx.is_bipartite(graph):
        assert cross.number_of_edges() == graph.number_of_edges()


def test_who_stands_in_line_gets_its_turn_in_order():
    sim, pairs, order = Simulation(), Pairs(), []

    async def want(name, ends, hold_s, patience_s=None):
        if await pairs.take(ends, patience_s):
            order.append((sim.now, name))
            await asyncio.sleep(hold_s)
            pairs.free(ends)
        else:
            order.append((sim.now, f"not {name}"))

    async def story():
        async with asyncio.TaskGroup() as group:
            group.create_task(want("a", (1, 2), 4.0))
            group.create_task(want("b", (2, 3), 4.0))
            group.create_task(want("c", (3, 4), 1.0))  # in line for 3 behind b, which cannot go yet: 3 and 4 are free
            group.create_task(want("d", (2, 5), 1.0, patience_s=5.0))
            group.create_task(want("e", (6,), 1.0))

    sim.run(story())
    assert sorted(order) == [(0.0, "a"), (0.0, "c"), (0.0, "e"), (4.0, "b"), (5.0, "not d")]


@dataclass(eq=False)
class Guest:
    """Goes and comes back: away during ``absences``, for good after the last if that has no end."""

    name: str
    index: int
    absences: tuple = ()
    work_s: float = 1.0
    send_s: float = 0.3
    link: str = "fake"
    there: list = field(default_factory=list)

    def _absence(self):
        now = asyncio.get_running_loop().time()
        return next((span for span in self.absences if span[0] <= now < span[1]), None)

    def is_up(self):
        return self._absence() is None

    def is_spent(self):
        span = self._absence()
        return span is not None and span[1] == np.inf

    async def returned(self):
        span = self._absence()
        if span is not None and span[1] < np.inf:
            await asyncio.sleep(span[1] - asyncio.get_running_loop().time())

    @asynccontextmanager
    async def at_work(self):
        if not self.is_up():
            raise DeviceCrashedError(self.name)
        now = asyncio.get_running_loop().time()
        scope = asyncio.timeout_at(min((span[0] for span in self.absences if span[0] > now), default=None))
        try:
            async with scope:
                yield Stint()
        except TimeoutError:
            raise DeviceCrashedError(self.name) from None

    def compute_s(self, flops, dispatches, *, moved_bytes=0.0):
        return self.work_s

    async def compute(self, *args, **kwargs):
        await asyncio.sleep(self.work_s)

    async def send(self, target, size_bytes):
        begun = asyncio.get_running_loop().time()
        gone = min((span[0] for span in target.absences if span[0] >= begun), default=np.inf)
        if not target.is_up():
            raise DeviceCrashedError(target.name)
        await asyncio.sleep(min(self.send_s, gone - begun))
        if not target.is_up():
            raise DeviceCrashedError(target.name)
        return Sent()


class Stint:
    def settle(self):
        pass

    def lose(self, cause, *, sent_bytes=0.0, received_bytes=0.0):
        assert sent_bytes >= 0
        assert received_bytes >= 0


class Sent:
    wake_s, move_s, parts, wasted = 0.0, 0.0, {}, {}


def absences():
    """Two absences within 12 s, of which the second may have no end."""
    cuts = st.lists(st.floats(0.0, 12.0), min_size=4, max_size=4, unique=True).map(sorted)
    return st.tuples(cuts, st.booleans(), st.booleans()).map(
        lambda drawn: (
            () if drawn[1] else ((drawn[0][0], drawn[0][1]), (drawn[0][2], np.inf if drawn[2] else drawn[0][3]))
        )
    )


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(absences(), min_size=3, max_size=6), st.sampled_from(["split", "free"]), st.integers(0, 99))
def test_whoever_goes_the_others_go_on_and_the_sum_stays(problem, spans, pairing, seed):
    """Peers crash at any time, also in the middle of an exchange: nobody waits for ever, and no mass is lost."""
    sim, count = Simulation(seed=seed), len(spans)
    training = GossipTraining(problem(range(count)), Averaging(spread=3.0, precision="float64"), sim.rng)
    total = training.models().sum()
    last = {}
    peers = [Guest(str(index), index, span, send_s=0.2 + 0.1 * index) for index, span in enumerate(spans)]
    protocol = AsynchronousGossip(overlay=Complete(), pairing=pairing, patience_s=3.0)

    def look(device):
        last[device] = sim.now
        assert training.models().sum() == pytest.approx(total, abs=1e-12)

    monitor = play(protocol, peers, training, sim, seconds=40.0, look=look)
    left = [peer for peer in peers if not any(span[1] == np.inf for span in peer.absences)]
    if left:
        assert monitor.reason == ""
        assert all(last.get(peer.index, 0.0) > 32.0 for peer in left)
    else:
        assert monitor.reason == "no devices are left"
