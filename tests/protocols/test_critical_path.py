"""What decided when a run was over: paths that can be written by hand, under every protocol."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fedsim.kernel import Simulation
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.fedprox import FedProx
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.asynchronous import AsynchronousUpdates
from fedsim.protocols.asynchronous_gossip import AsynchronousGossip
from fedsim.protocols.gossip import SynchronousGossip
from fedsim.protocols.hierarchical import HierarchicalRounds
from fedsim.protocols.roster import Roster
from fedsim.protocols.round_rules import RoundRules
from fedsim.protocols.session import CentralSession, GossipSession
from fedsim.protocols.synchronous import SynchronousRounds
from fedsim.study.critical_path import critical_path
from fedsim.system.overlay import Complete, Ring
from fedsim.system.peers import Peers
from fedsim.tasks.sgd import Sgd

SOLVER = Sgd(epochs=1, batch_size=None, step_size=0.5)


class Line:
    """0 - 1 - 2 - ..."""

    def graph(self, peers):
        return nx.path_graph(len(peers))


def story(events, until_s=None):
    """The path as (start, end, phase, who); its steps follow each other and leave nothing out."""
    path = critical_path(events).until(until_s)
    steps = path.steps
    assert steps["start_s"].iloc[0] == 0
    assert steps["end_s"].tolist()[:-1] == steps["start_s"].tolist()[1:]
    assert steps["end_s"].iloc[-1] == (events["time_s"].max() if until_s is None else until_s)
    assert steps["seconds"].sum() == pytest.approx(path.seconds_s, rel=1e-12)
    rows = steps[["start_s", "end_s", "phase", "device"]].itertuples(index=False)
    return [(round(start_s, 9), round(end_s, 9), phase, device) for start_s, end_s, phase, device in rows]


def centrally(protocol, devices, server, problem, watched, learner=None):
    """The record of a run in a simulation of its own."""
    sim = Simulation(seed=1)
    session = CentralSession(
        devices=Roster(devices, sim.rng),
        training=CentralTraining(problem([1.0] * len(devices)), learner or FedAvg(solver=SOLVER), sim.rng),
        streams=sim.rng,
        record=sim.record,
        monitor=watched,
        server=server,
    )
    sim.run(protocol.run(session))
    return sim.events.frame()


@pytest.fixture
def server(node):
    """Everything that it sends takes 1 s, and combining takes 0.5 s."""

    class Slow(node):
        async def compute(self, flops, dispatches=1, **more):
            await super().compute(flops, 1, **more)

    return Slow("server", work_s=0.5, send_s=1.0)


def test_a_round_is_followed_along_the_device_that_closed_it(central, node, server):
    """a answers at 4 s; b computes longer, and answers at 7 s."""
    devices = [node("a", 0, work_s=2.0, send_s=1.0), node("b", 1, work_s=4.0, send_s=2.0)]
    seen = central(SynchronousRounds(cohort=2), devices, server=server, rounds=2)
    one_round = [(0.0, 1.0, "download", "b"), (1.0, 5.0, "computing", "b"), (5.0, 7.0, "upload", "b")]
    assert story(seen.events) == [
        *one_round,
        (7.0, 7.5, "server", "server"),
        *[(start + 7.5, end + 7.5, phase, who) for start, end, phase, who in one_round],
        (14.5, 15.0, "server", "server"),
    ]
    path = critical_path(seen.events)
    assert path.seconds().to_dict() == {"computing": 8.0, "upload": 4.0, "download": 2.0, "server": 1.0}
    assert path.by_device().to_dict() == {"b": 14.0, "server": 1.0}
    assert path.by_link().to_dict() == {"fake": 6.0}
    assert path.seconds(until_s=7.5).to_dict() == {"computing": 4.0, "upload": 2.0, "download": 1.0, "server": 0.5}
    assert path.steps["round"].tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_what_a_run_would_take_without_the_devices_on_its_path(central, node, server):
    """Without b a round ends with a's answer at 4 s, and its server: 4.5 s instead of 7.5 s, as a run of a shows."""
    devices = [node("a", 0, work_s=2.0, send_s=1.0), node("b", 1, work_s=4.0, send_s=2.0)]
    path = critical_path(central(SynchronousRounds(cohort=2), devices, server=server, rounds=2).events)
    assert path.without(frozenset({"b"})) == 9.0
    text = "53 % of the time is computing of b; without it about 1.7 x faster (estimated from the other answers)"
    assert path.sentence() == text
    assert path.without(frozenset({"a"})) == 15.0  # it closed nothing
    assert path.without(frozenset({"a", "b"})) is None  # nobody else answered


def test_the_estimate_is_what_a_run_without_them_takes(node, monitor, problem, server):
    def play(devices):
        return centrally(SynchronousRounds(cohort=len(devices)), devices, server, problem, monitor(5))

    quick = [node(f"quick-{i}", i, work_s=1.0 + 0.25 * i, send_s=0.5) for i in range(3)]
    slow = [node(f"slow-{i}", 3 + i, work_s=8.0 + i, send_s=4.0) for i in range(2)]
    path = critical_path(play([*quick, *slow]))
    assert path.without(frozenset({"slow-0", "slow-1"})) == pytest.approx(play(quick)["time_s"].max(), rel=1e-12)


def test_a_deadline_is_a_wait(central, node, server):
    """b would answer at 7 s; the round waits for that until 5 s, and counts with a's."""
    devices = [node("a", 0, work_s=2.0, send_s=1.0), node("b", 1, work_s=4.0, send_s=2.0)]
    seen = central(SynchronousRounds(cohort=2, deadline_s=5.0), devices, server=server)
    assert story(seen.events) == [(0.0, 5.0, "waiting for the deadline", ""), (5.0, 5.5, "server", "server")]
    assert critical_path(seen.events).late().empty  # these nodes book no waste
    waste = {"time_s": 5.0, "kind": "wasted", "subject": "b", "cause": "late"}
    record = pd.concat([seen.events.iloc[:-1], pd.DataFrame([waste]), seen.events.iloc[-1:]], ignore_index=True)
    assert critical_path(record).late().to_dict() == {"b": 1}
    assert critical_path(record).late(until_s=4.0).empty
    assert "waiting for the deadline" in critical_path(record)._repr_html_()


def test_grace_comes_after_the_deadline(central, node, server):
    """At 3 s both stop and send; a has been heard by 4 s, b would be at 5 s: the grace ends at 4.5 s."""
    devices = [node("a", 0, work_s=2.0, send_s=1.0), node("b", 1, work_s=1.0, send_s=2.0)]
    learner = FedProx(solver=Sgd(epochs=4, batch_size=None, step_size=0.5), precision="float64")
    rules = SynchronousRounds(cohort=2, deadline_s=3.0, grace_s=1.5)
    seen = central(rules, devices, server=server, learner=learner)
    assert story(seen.events) == [
        (0.0, 3.0, "waiting for the deadline", ""),
        (3.0, 4.5, "grace", ""),
        (4.5, 5.0, "server", "server"),
    ]


def test_without_a_deadline_who_fails_last_is_waited_for(central, node, server):
    devices = [node("a", 0, work_s=2.0), node("b", 1, work_s=9.0, dies_s=6.0)]
    seen = central(SynchronousRounds(cohort=2), devices, server=server)
    assert story(seen.events) == [(0.0, 6.0, "waiting for devices that failed", ""), (6.0, 6.5, "server", "server")]


def test_over_selection_is_followed_along_the_last_answer_that_counted(central, node, server):
    devices = [node(name, i, work_s=work_s) for i, (name, work_s) in enumerate([("a", 1.0), ("b", 2.0), ("c", 9.0)])]
    seen = central(SynchronousRounds(cohort=2, over_selection=1.5), devices, server=server)
    assert [step[3] for step in story(seen.events)] == ["b", "b", "server"]


def test_an_update_is_followed_to_the_one_that_its_answer_was_based_on(central, node):
    """One place: the update of 3 s, made with what a was sent at 0 s, sends a the next model, and so on."""
    learner = FedAsync(solver=SOLVER, precision="float64", proximal=0.0)
    devices = [node("a", 0, work_s=2.0, send_s=1.0)]
    seen = central(AsynchronousUpdates(concurrency=1), devices, learner=learner, rounds=2)
    assert story(seen.events) == [
        (0.0, 2.0, "computing", "a"),
        (2.0, 3.0, "upload", "a"),
        (3.0, 5.0, "computing", "a"),
        (5.0, 6.0, "upload", "a"),
    ]


def test_a_slow_answer_skips_the_updates_that_were_made_meanwhile(central, node):
    """b answers at 7 s to the model of 0 s; a has answered six times by then, and is not on the path."""
    learner = FedAsync(solver=SOLVER, precision="float64", proximal=0.0)
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=6.5, send_s=0.0)]
    seen = central(AsynchronousUpdates(concurrency=2), devices, learner=learner, rounds=7)
    assert seen.events.query("kind == 'round'")["closed_by"].tolist() == [*"aaaaaab"]
    assert story(seen.events) == [(0.0, 6.5, "computing", "b")]
    assert len(story(seen.events, until_s=6.0)) == 6  # what was there at 6 s is a's work


def test_a_place_that_a_timeout_gives_free_was_held_by_the_device_that_failed(central, node):
    """One place: a dies at 1 s and is back at 2 s; the server misses it at 4 s, and asks it again."""
    learner = FedAsync(solver=SOLVER, precision="float64", proximal=0.0)
    devices = [node("a", 0, work_s=2.0, send_s=0.5, dies_s=1.0, returns_s=2.0)]
    seen = central(AsynchronousUpdates(concurrency=1, timeout_s=4.0), devices, learner=learner, rounds=1)
    assert story(seen.events) == [
        (0.0, 4.0, "waiting for devices that failed", "a"),
        (4.0, 6.0, "computing", "a"),
        (6.0, 6.5, "upload", "a"),
    ]


def test_a_full_buffer_is_followed_through_the_place_that_its_last_answer_took(central, node):
    """One place, and three answers for an update: each is asked when the one before it has answered."""
    learner = FedBuff(solver=SOLVER, precision="float64")
    devices = [node("a", 0, work_s=1.0, send_s=0.5)]
    seen = central(AsynchronousUpdates(concurrency=1, buffer=3), devices, learner=learner)
    assert story(seen.events) == [
        (0.0, 1.0, "computing", "a"),
        (1.0, 1.5, "upload", "a"),
        (1.5, 2.5, "computing", "a"),
        (2.5, 3.0, "upload", "a"),
        (3.0, 4.0, "computing", "a"),
        (4.0, 4.5, "upload", "a"),
    ]


def test_an_answer_that_waited_for_a_busy_server_is_not_what_decided(central, node, server):
    """a and b answer at 2 s and 2.2 s; the server combines from 2 s to 2.5 s, then b's until 3 s."""
    learner = FedAsync(solver=SOLVER, precision="float64", proximal=0.0)
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=1.2)]
    seen = central(AsynchronousUpdates(concurrency=2), devices, learner=learner, rounds=2, server=server)
    assert story(seen.events) == [
        (0.0, 1.0, "download", "a"),
        (1.0, 2.0, "computing", "a"),
        (2.0, 2.5, "server", "server"),
        (2.5, 3.0, "server", "server"),
    ]


def test_a_merge_is_followed_to_the_edge_that_came_last_and_through_its_rounds(sim, node, monitor, problem):
    """The cloud takes 1 s to each edge; e1's device needs 3 s a round, two rounds; e1 takes 2 s back."""
    devices = [node("a", 0, work_s=1.0), node("b", 1, work_s=3.0)]
    session = CentralSession(
        devices=Roster(devices, sim.rng),
        training=CentralTraining(problem([1.0, 2.0]), FedAvg(solver=SOLVER), sim.rng),
        streams=sim.rng,
        record=sim.record,
        monitor=monitor(1),
        server=node("cloud", send_s=1.0),
        edges=(node("e0"), node("e1", send_s=2.0)),
        edge_of=np.array([0, 1]),
    )
    sim.run(HierarchicalRounds(edge=RoundRules(cohort=1), edge_rounds=2).run(session))
    events = sim.events.frame()
    assert story(events) == [
        (0.0, 1.0, "between servers", "cloud"),
        (1.0, 3.0, "download", "b"),
        (3.0, 6.0, "computing", "b"),
        (6.0, 8.0, "download", "b"),
        (8.0, 11.0, "computing", "b"),
        (11.0, 13.0, "between servers", "e1"),
    ]
    assert critical_path(events).by_link().to_dict() == {"fake": 4.0, "e1 to cloud": 2.0, "cloud to e1": 1.0}


def test_a_cloud_that_waits_for_its_deadline(sim, node, monitor, problem):
    session = CentralSession(
        devices=Roster([node("a", 0, work_s=1.0), node("b", 1, work_s=30.0)], sim.rng),
        training=CentralTraining(problem([1.0, 2.0]), FedAvg(solver=SOLVER), sim.rng),
        streams=sim.rng,
        record=sim.record,
        monitor=monitor(1),
        server=node("cloud", send_s=1.0),
        edges=(node("e0"), node("e1")),
        edge_of=np.array([0, 1]),
    )
    sim.run(HierarchicalRounds(edge=RoundRules(cohort=1), cloud_deadline_s=5.0).run(session))
    assert story(sim.events.frame()) == [(0.0, 5.0, "waiting for the deadline", "")]


def test_among_peers_the_path_goes_from_neighbour_to_neighbour(gossip, node, problem):
    """0 - 1 - 2, compute then send. 2 is slow at first: its model reaches 1 at 5 s, and 1's next one 0 at 7 s.

    Each of 0 and 1 computes 1 s and sends 1 s, 2 computes 4 s and sends 1 s. Round 1 of peer 1 ends at 5 s, when 2's
    model is there; it computes, sends at 6 s, and at 7 s peer 0 has what it waited for in round 2.
    """
    works = [1.0, 1.0, 4.0]
    peers = [node(str(index), index, work_s=works[index], send_s=1.0) for index in range(3)]
    learner = DPsgd(solver=SOLVER, precision="float64", overlaps=False)
    protocol = SynchronousGossip(overlay=Line(), patience_s=None)
    events = gossip(protocol, peers, learner, problem([1.0, 2.0, 3.0]), seconds=7.5).events
    assert story(events) == [
        (0.0, 4.0, "computing", "2"),
        (4.0, 5.0, "exchange", "2"),
        (5.0, 6.0, "computing", "1"),
        (6.0, 7.0, "exchange", "1"),
    ]
    assert critical_path(events).by_device().to_dict() == {"2": 5.0, "1": 2.0}


def test_models_that_are_sent_first_leave_when_their_sender_began_or_the_courier_is_back(gossip, node, problem):
    """Both compute 2 s, and 0's model takes 3 s to 1, sent as the round begins: round 1 of peer 1 ends at 3 s.

    0's second round began at 2 s, but the one courier to 1 was back at 3 s: round 2 of peer 1 ends at 6 s.
    """
    peers = [node("0", 0, work_s=2.0, send_s=3.0), node("1", 1, work_s=2.0, send_s=1.0)]
    learner = DPsgd(solver=SOLVER, precision="float64")
    protocol = SynchronousGossip(overlay=Line(), patience_s=None)
    events = gossip(protocol, peers, learner, problem([1.0, 2.0]), seconds=6.5).events
    assert story(events, until_s=3.0) == [(0.0, 3.0, "exchange", "0")]
    assert story(events) == [(0.0, 3.0, "exchange", "0"), (3.0, 6.0, "exchange", "0")]


def test_patience_is_a_wait(gossip, node, problem):
    """2 computes for ever. 1 has patience for 4 s after its own second, and goes on without it at 5 s."""
    works = [1.0, 1.0, 50.0]
    peers = [node(str(index), index, work_s=works[index], send_s=0.5) for index in range(3)]
    learner = DPsgd(solver=SOLVER, precision="float64", overlaps=False)
    protocol = SynchronousGossip(overlay=Line(), patience_s=4.0)
    events = gossip(protocol, peers, learner, problem([1.0, 2.0, 3.0]), seconds=8.0).events
    assert story(events, until_s=5.0) == [(0.0, 1.0, "computing", "1"), (1.0, 5.0, "waiting for neighbours", "1")]


def test_an_average_is_followed_through_the_one_that_it_waited_for(gossip, node, problem):
    """0 and 2 ask 1, each after its own work: 0 at 1 s, 2 at 1.5 s; models take 1 s there and 1 s back.

    0's turn is from 1 s to 3 s, so 2 waits in line until then, and has its average at 5 s.
    """
    works = [1.0, 0.7, 1.5]
    peers = [node(str(index), index, work_s=works[index], send_s=1.0) for index in range(3)]
    learner = DPsgd(solver=SOLVER, precision="float64")
    events = gossip(AsynchronousGossip(overlay=Line()), peers, learner, problem([1.0, 2.0, 3.0]), seconds=5.05).events
    assert story(events, until_s=5.0) == [
        (0.0, 1.0, "computing", "0"),
        (1.0, 2.0, "exchange", "0"),
        (2.0, 3.0, "exchange", "1"),
        (3.0, 4.0, "exchange", "2"),
        (4.0, 5.0, "exchange", "1"),
    ]


def test_a_run_that_ends_before_its_first_round_has_not_finished_it(central, node):
    seen = central(SynchronousRounds(cohort=1), [node("a", 0, work_s=2.0)])
    events = seen.events[seen.events["kind"] != "round"]
    assert story(events) == [(0.0, 2.0, "unfinished round", "")]
    assert story(seen.events, until_s=1.0) == [(0.0, 1.0, "unfinished round", "")]


SECONDS = st.floats(min_value=0.0, max_value=9.0, allow_nan=False)
RULES = st.sampled_from(
    [
        SynchronousRounds(cohort=3),
        SynchronousRounds(cohort=2, over_selection=1.5, deadline_s=6.0),
        SynchronousRounds(cohort=2, over_selection=2.0, deadline_s=4.0, quorum=2),
        SynchronousRounds(cohort=2, over_selection=2.0, deadline_s=4.0, late="keep-anyway"),
        AsynchronousUpdates(concurrency=2),
        AsynchronousUpdates(concurrency=3, buffer=2, timeout_s=7.0),
    ]
)
GOSSIP = st.sampled_from(
    [
        (SynchronousGossip(overlay=Line(), patience_s=3.0), True),
        (SynchronousGossip(overlay=Complete(), patience_s=None), True),
        (SynchronousGossip(overlay=Ring(), patience_s=5.0, in_flight=2), False),
        (AsynchronousGossip(overlay=Line()), True),
        (AsynchronousGossip(overlay=Complete(), pairing="free", patience_s=1.0), False),
    ]
)


@settings(deadline=None, max_examples=60)
@given(protocol=RULES, pace=st.lists(st.tuples(SECONDS, SECONDS), min_size=4, max_size=4), dies_s=SECONDS)
def test_every_second_of_a_run_with_a_server_is_on_its_path_once(node, monitor, problem, protocol, pace, dies_s):
    """Whoever is slow, and whoever dies; one message is lost. Links of which nobody takes time are no links."""
    devices = [node(str(i), i, work_s=pace[i][0] + 0.01, send_s=pace[i][1], loses=(1,) * (i == 2)) for i in range(4)]
    devices[3].dies_s = dies_s
    learner = FedBuff(solver=SOLVER) if isinstance(protocol, AsynchronousUpdates) else FedAvg(solver=SOLVER)
    events = centrally(protocol, devices, node("server", send_s=0.5), problem, monitor(6), learner)
    for until_s in (None, events["time_s"].max() / 2):
        path = story(events, until_s)
        assert all(end_s > start_s for start_s, end_s, _, _ in path)


@settings(deadline=None, max_examples=25)
@given(protocol=GOSSIP, pace=st.lists(st.tuples(SECONDS, SECONDS), min_size=4, max_size=4), dies_s=st.none() | SECONDS)
def test_every_second_of_a_gossip_is_on_its_path_once(node, problem, protocol, pace, dies_s):
    """Where nobody dies and everybody is patient, there is nothing on it but computing and messages."""
    rules, overlaps = protocol
    peers = [node(str(i), i, work_s=pace[i][0] + 0.5, send_s=pace[i][1] + 0.5) for i in range(4)]
    peers[3].dies_s = np.inf if dies_s is None else dies_s
    sim = Simulation(seed=1)
    session = GossipSession(
        devices=peers,
        training=GossipTraining(problem([1.0] * 4), DPsgd(solver=SOLVER, overlaps=overlaps), sim.rng),
        streams=sim.rng,
        record=sim.record,
        monitor=monitor_of_peers(),
        peers=Peers.of(4),
    )

    async def bounded():
        with suppress(TimeoutError):
            async with asyncio.timeout(25.0):
                await rules.run(session)

    sim.run(bounded())
    events = sim.events.frame()
    assume((events["kind"] == "mixed").any())
    for until_s in (None, events["time_s"].max() / 2):
        phases = {phase for _, _, phase, _ in story(events, until_s)}
        if dies_s is None and rules.patience_s is None:
            assert phases <= {"computing", "exchange", "unfinished round"}


def monitor_of_peers():
    return SimpleNamespace(stop=lambda _: None, peer_round_ended=lambda _: None, is_done=lambda: False)
