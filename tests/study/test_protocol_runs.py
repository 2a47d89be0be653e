"""Whole runs of every protocol, selection and codec, from the words of a scenario."""

from pathlib import Path

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import check, load, resolved
from fedsim.study.run import play, run, simulate

ROOT = Path(__file__).resolve().parents[2]

BUFFERED = {
    "learner": {"name": "fedbuff", "epochs": 1, "step_size": 0.1},
    "protocol": {"name": "asynchronous-updates", "concurrency": 3, "buffer": 2, "timeout": "20 s"},
    "compression": {"up": {"name": "top-k", "share": "10 %"}, "down": "float16"},
}
TREE = {
    "edges": {"at": ["edge-a", "edge-b"], "groups": {"others": "edge-b"}},
    "protocol": {"name": "hierarchical-rounds", "cohort": 2, "edge_rounds": 2, "deadline": "20 s"},
    "compression": {"up": "qsgd"},
}
LATE = {
    "learner": {"name": "fedasync", "epochs": 2},
    "protocol": {"name": "synchronous-rounds", "cohort": 4, "deadline": "500 ms", "grace": "300 ms", "late": "keep"},
}


def words(*changes):
    """Eight phones below two cells, each with an edge server beside it, 5 ms from the core."""
    base = {
        "name": "two-cells",
        "topology": {
            "name": "two-cells",
            "nodes": {
                "server": {"kind": "server"},
                **{f"cell-{x}": {"kind": "cell"} for x in "ab"},
                **{f"edge-{x}": {"kind": "edge-server"} for x in "ab"},
            },
            "links": [
                *({"from": "server", "to": f"cell-{x}", "capacity": "1 Gbit/s", "delay": "5 ms"} for x in "ab"),
                *({"from": f"edge-{x}", "to": f"cell-{x}", "capacity": "1 Gbit/s", "delay": "1 ms"} for x in "ab"),
            ],
        },
        "network": {"transport": "ideal"},
        "server": {"at": "server"},
        "fleet": [
            {"name": "phones", "count": 4, "device": "phone-mid", "link": "4g", "at": ["cell-a", "cell-b"]},
            {"name": "others", "count": 4, "device": "phone-low", "link": "4g", "at": "cell-a"},
        ],
        "data": {"name": "iris", "partition": {"name": "dirichlet", "alpha": 1, "min_examples": 6}},
        "model": "softmax",
        "learner": {"name": "fedavg", "epochs": 1, "step_size": 0.1},
        "protocol": {"name": "synchronous-rounds", "cohort": 4},
        "stop": {"rounds": 4, "time": "5 min"},
    }
    for change in changes:
        base |= change
    return base


def selected(selection):
    return {"protocol": {"name": "synchronous-rounds", "cohort": 4, "selection": selection}}


ALL = {
    "buffered": BUFFERED,
    "tree": TREE,
    "late": LATE,
    "by-probability": selected({"name": "by-probability", "probability": "40 %"}),
    "by-charge": selected({"name": "by-charge", "min_share": "10 %", "fullest_first": False}),
    "by-speed": selected({"name": "by-speed", "power": 2}),
    "by-examples": selected("by-examples"),
    "round-robin": selected("round-robin"),
    "power-of-choice": selected({"name": "power-of-choice", "candidates": 6, "patience": "30 s"}),
    "random-k": {"compression": {"up": {"name": "random-k", "share": "50 %"}}},
    "down": {"compression": {"down": {"name": "top-k", "share": "50 %"}}},
}


@pytest.mark.parametrize("changes", ALL.values(), ids=ALL)
def test_it_runs_twice_the_same_and_says_itself_in_words(changes):
    scenario = check(words(changes))
    assert check(yaml.safe_load(resolved(scenario))) == scenario
    one, two = simulate(scenario), simulate(scenario)
    assert one.summary.rounds == 4
    assert one.events.equals(two.events)
    assert one.curve["accuracy"].iloc[-1] > 0.3


@pytest.mark.parametrize("changes", [BUFFERED, TREE, LATE], ids=["buffered", "tree", "late"])
def test_a_timing_run_takes_the_same_time_and_energy(changes):
    scenario = check(words(changes))
    real, dry = simulate(scenario), simulate(scenario, dry=True)
    assert dry.summary.simulated_s == pytest.approx(real.summary.simulated_s, rel=1e-12)
    assert dry.summary.spent == real.summary.spent
    assert dry.summary.waste == real.summary.waste


def test_messages_have_the_bytes_of_their_codes_on_the_wire():
    """15 numbers: up 2 of 32 + 4 bits, 9 bytes; down 15 of 2 bytes."""
    result = run(words(BUFFERED), overrides={"protocol.concurrency": 1, "protocol.buffer": 1, "stop.rounds": 6})
    last = result.curve.iloc[-1]
    assert last["up_bytes"] == 6 * 9
    assert last["down_bytes"] == 6 * 30


def down_bytes(result):
    """What went down, round by round, and the devices of each round, from the record."""
    received = result.events.query("kind == 'received'")
    return result.curve["down_bytes"].diff().dropna().tolist(), received.groupby("round")["subject"].agg(list).tolist()


@pytest.mark.parametrize("dry", [False, True])
def test_who_missed_rounds_is_sent_all_codes_that_it_missed(dry):
    """15 numbers are 60 bytes whole; a code of 3 of them has 36 bits each, 14 bytes: from the fifth on, whole."""
    coded = {"compression": {"down": {"name": "top-k", "share": "20 %"}}, "stop": {"rounds": 12, "time": "5 min"}}
    result = run(words(coded), dry=dry)
    sent_bytes, rounds = down_bytes(result)
    had, expected = {}, []
    for number, devices in enumerate(rounds):
        codes = [number - had[device] if device in had else None for device in devices]
        expected.append(sum(60 if missed is None else min(60, 14 * missed) for missed in codes))
        had |= dict.fromkeys(devices, number)
    assert sent_bytes == expected
    assert expected[0] == 4 * 60
    assert min(expected) < 4 * 60


def test_devices_belong_to_the_nearest_edge_unless_their_group_says_otherwise():
    world, _ = play(check(words(TREE)), Simulation(seed=0))
    assert world.edge_of.tolist() == [0, 1, 0, 1, 1, 1, 1, 1]
    nearest = {"edges": {"at": ["edge-a", "edge-b"]}}
    world, _ = play(check(words(TREE, nearest)), Simulation(seed=0))
    assert world.edge_of.tolist() == [0, 1, 0, 1, 0, 0, 0, 0]


def test_edge_servers_compute_send_and_fail_like_servers():
    crashes = {"every": {"exponential": {"mean": "2 s"}}, "repair": {"exponential": {"mean": "500 ms"}}}
    edges = {"edges": {"at": ["edge-a", "edge-b"], "service": "100 ms", "crashes": crashes}}
    world, _ = play(check(words(TREE, edges, {"stop": {"rounds": 6}})), Simulation(seed=2))
    for edge in world.edges:
        assert edge.usage().compute_s > 0.1
        assert edge.sent_bytes > 0
    assert world.served().compute_s == sum(s.usage().compute_s for s in (world.server, *world.edges))
    assert "server" in world.waste.pieces
    state_bytes = world.training.learner.state_bytes(world.training.problem)
    assert world.server.sent_bytes == pytest.approx(12 * state_bytes, rel=0.35)


def test_a_learner_on_its_own_and_one_whose_edges_combine_once_learn_the_same():
    """Everybody takes part, nothing is coded: the same numbers, whoever combines.

    In float64: rounded to float32, sums whose last bit differs may go down as two neighbouring numbers.
    """
    exact = {"learner": {"name": "fedavg", "epochs": 1, "step_size": 0.1, "precision": "float64"}}
    everybody = {**exact, "protocol": {"name": "synchronous-rounds", "cohort": 8}}
    tree = {**exact, **TREE, "compression": {}, "protocol": {"name": "hierarchical-rounds", "cohort": 8}}
    flat, edges = simulate(check(words(everybody))), simulate(check(words(tree)))
    assert edges.curve["accuracy"].tolist() == flat.curve["accuracy"].tolist()
    assert edges.curve["objective"].tolist() == pytest.approx(flat.curve["objective"].tolist(), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"protocol": BUFFERED["protocol"]}, "protocol: combines answers to older models, and 'fedavg' takes only"),
        ({**LATE, "learner": "fedavg"}, r"protocol\.grace: cuts local work short, and 'fedavg' takes only whole"),
        ({**LATE, "learner": "fedavg"}, r"protocol\.late: combines answers to older models"),
        ({**TREE, "learner": "fedbuff"}, "protocol: merges what edge servers have combined, and 'fedbuff' has no way"),
        ({"protocol": TREE["protocol"]}, r"needs edge servers: give 'edges: \{at: \[...\]\}'"),
        ({"edges": TREE["edges"]}, "'synchronous-rounds' has no work for edge servers: leave 'edges' out"),
        (
            {**TREE, "edges": {"at": ["edge-a", "server"]}},
            "edges.at: 'server' is the place of the server already",
        ),
        (
            {**TREE, "edges": {"at": ["edge-a"], "groups": {"other": "edge-a"}}},
            "edges.groups.other: 'other' is not a known group; did you mean 'others'",
        ),
        (
            {**TREE, "edges": {"at": ["edge-a"], "groups": {"others": "edge-b"}}},
            "edges.groups.others: 'edge-b' is not a known edge server",
        ),
        (
            {**TREE, "protocol": {**TREE["protocol"], "edge_quorum": 3}},
            "edge_quorum: must be at most the 2 edge servers there are, got 3",
        ),
        (
            {**BUFFERED, "protocol": {"name": "asynchronous-updates", "concurrency": 9}},
            "concurrency: must be at most the 8 devices there are, got 9",
        ),
        (
            {"learner": "local", "compression": {"down": "top-k"}},
            "compression: down: 'local' sends each device a message of its own, and changes go down to all alike",
        ),
        (
            {**TREE, "compression": {"down": "random-k"}},
            "protocol: merges what edge servers have combined, and 'fedavg' sends parts of changes down",
        ),
        (
            {"compression": {"down": {"name": "top-k", "error_feedback": False}}},
            "compression: down: what is left out is part of what is sent next: error_feedback must be true",
        ),
        ({"compression": {"up": "top-q"}}, "compression.up.name: 'top-q' is not a known name; did you mean 'top-k'"),
        ({"compression": {"up": {"name": "qsgd", "levels": 0}}}, "compression.up: qsgd: levels must be >= 1, got 0"),
        (
            {"model": "svm", "learner": "mocha", "compression": {"up": "float16"}},
            "compression: changes numbers on their way, and 'mocha' keeps V",
        ),
        (
            {
                "learner": "d-psgd",
                "protocol": {"name": "synchronous-gossip", "overlay": "ring"},
                "compression": {"up": "float16"},
            },
            "compression: is for messages to and from a server, and 'd-psgd' has none",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(changes, rule):
    with pytest.raises(ScenarioError, match=rule):
        check(words(changes))


@pytest.mark.parametrize("name", ["fedbuff", "hierarchical"])
def test_examples_run(name):
    scenario = load(ROOT / "scenarios" / f"{name}.yaml", {"stop.rounds": 2, "evaluate.every_rounds": 1})
    assert check(yaml.safe_load(resolved(scenario))) == scenario
    assert simulate(scenario).summary.rounds == 2
