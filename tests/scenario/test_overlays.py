"""Overlays and mixing in scenario files."""

from pathlib import Path

import networkx as nx
import pytest
import yaml

from fedsim.cli.show import show_file
from fedsim.errors import FedsimError, ScenarioError
from fedsim.kernel import Simulation
from fedsim.protocols.overlay import ChangingOverlay, Overlay
from fedsim.report.overlay_summary import changing_pace_s, overlay_facts, product_norm
from fedsim.report.overlay_view import overlay_view
from fedsim.scenario import check, load, resolved
from fedsim.scenario.build import build
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.system.cycle_time import cycle_time

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def gossip(tiny):
    """A scenario of nine phones that gossip, with this overlay and other changes of the protocol."""

    def words(overlay, *, count=9, learner=None, **protocol):
        return {
            **tiny,
            "server": None,
            "fleet": [{**tiny["fleet"][0], "count": count, "at": ["cell", "server"]}],
            "data": {"name": "counts", "features": 4, "classes": 3, "examples": 20},
            "learner": {"name": "d-psgd", "step_size": 0.5, **(learner or {})},
            "protocol": {"name": "synchronous-gossip", "overlay": overlay, **protocol},
            "stop": {"rounds": 6, "metric": "mean_accuracy"},
        }

    return words


def view(words):
    return overlay_view(check(words))


def graph_of(words):
    return view(words).graph


NAMES = [name for name in standard_catalogue().choices[Overlay] if name != "listed"]


@pytest.mark.parametrize("name", NAMES)
def test_every_overlay_goes_by_its_name_and_runs(gossip, name):
    """As a timing run of some rounds; what is shown loads back equal."""
    from fedsim.study.run import run

    words = gossip({"name": name, **({"neighbours": 4} if name == "k-regular" else {})})
    if name == "one-peer-exponential":
        words["protocol"]["mixing"] = "equal-shares"
    scenario = check(words)
    assert check(yaml.safe_load(resolved(scenario))) == scenario
    graph = overlay_view(scenario).graph
    assert nx.is_strongly_connected(nx.DiGraph(graph))
    assert len(graph) == 9
    assert run(scenario).summary.rounds >= 6


def test_overlays_by_delay_are_told_the_network(gossip):
    """Of nine phones in two places, one pair is joined across; devices are made only to say how long they compute."""
    graph = graph_of(gossip("mst"))
    places = build(check(gossip("mst")), Simulation(seed=1)).peers().reach.places
    assert nx.is_tree(graph)
    assert sum(places[a] != places[b] for a, b in graph.edges) == 1
    tour = graph_of(gossip({"name": "ring", "order": "tour"}))
    assert sum(places[a] != places[b] for a, b in tour.edges) == 2


def test_luck_of_an_overlay_is_the_runs(gossip):
    words = gossip({"name": "k-regular", "neighbours": 4})
    one, two = ({tuple(sorted(edge)) for edge in graph_of({**words, "seed": seed}).edges} for seed in (1, 2))
    assert one != two
    assert one == {tuple(sorted(edge)) for edge in graph_of({**words, "seed": 1}).edges}


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        ({"name": "star", "hub": "phones-1"}, r"protocol.overlay.hub: 'phones-1' is not a known peer; did you mean"),
        ({"name": "k-regular", "neighbours": 5}, r"protocol.overlay.neighbours: must be even where the number of"),
        ({"name": "torus", "rows": 4}, r"protocol.overlay.rows: must divide the 9 peers there are, got 4"),
        ({"name": "random-matchings", "base": {"name": "torus", "rows": 2}}, r"protocol.overlay.base.rows: must div"),
        ({"name": "listed", "edges": [["phones-00", "phones-01"]]}, r"protocol.overlay.edges: must lead from every"),
        ({"name": "listed", "edges": [["phones-00"]]}, r"protocol.overlay: edges must each have two different ends"),
        ({"name": "listed", "file": "nowhere.csv"}, r"protocol.overlay: nowhere.csv"),
        ({"name": "rign"}, r"protocol.overlay.name: 'rign' is not a known name; did you mean 'ring'"),
        ({"name": "erdos-renyi", "probability": 2}, r"protocol.overlay: probability must be between 0 and 1"),
    ],
)
def test_mistakes_are_named_with_their_key(gossip, overlay, message):
    with pytest.raises(ScenarioError, match=message):
        check(gossip(overlay))


ONE_WAY = {"name": "ring", "directed": True}


@pytest.mark.parametrize(
    ("overlay", "changes", "message"),
    [
        (ONE_WAY, {}, r"protocol.mixing: metropolis weights go both ways, and .*: take equal-shares"),
        ("one-peer-exponential", {"mixing": "fdla"}, r"protocol.mixing: fdla weights go both ways"),
        ("ring", {"mixing": "overlay-weights"}, r"protocol.mixing: overlay-weights need .*: take metropolis"),
        (ONE_WAY, {"mixing": "overlay-weights"}, r"protocol.mixing: overlay-weights need .*: take equal-shares"),
        ({"name": "matcha", "base": ONE_WAY}, {"mixing": "overlay-weights"}, r"overlay.base.directed: must be false"),
        ({"name": "random-matchings", "base": ONE_WAY}, {}, r"overlay.base.directed: must be false: both of a pair"),
        (ONE_WAY, {"name": "asynchronous-gossip"}, r"protocol.overlay: has one-way edges, and both of a pair change"),
    ],
)
def test_directions_that_do_not_fit_are_refused_before_anything_runs(gossip, overlay, changes, message):
    with pytest.raises(ScenarioError, match=message):
        check(gossip(overlay, **changes))


def test_what_depends_on_degrees_is_refused_with_the_file(gossip, tmp_path, capsys):
    """Equal shares among neighbours of a star's hub would not keep the mean."""
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(gossip("star", mixing="equal-shares")))
    with pytest.raises(FedsimError, match=r"scenario.yaml: equal-shares weights need an overlay in which everybody"):
        show_file(str(path), [])
    assert capsys.readouterr().out == ""


def test_the_file_of_an_overlay_is_beside_the_scenario_and_written_out(gossip, tmp_path):
    pairs = "\n".join(f"phones-{i:02d},phones-{i + 1:02d}" for i in range(8))
    (tmp_path / "pairs.csv").write_text(f"source,target\n{pairs}\n")
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(gossip({"name": "listed", "file": "pairs.csv"})))
    scenario = load(path)
    shown = yaml.safe_load(resolved(scenario))["protocol"]["overlay"]
    assert shown["file"] is None
    assert shown["edges"][0] == ["phones-00", "phones-01"]
    (tmp_path / "pairs.csv").unlink()
    assert check(yaml.safe_load(resolved(scenario))) == scenario
    assert sorted(overlay_view(scenario).graph.edges) == [(i, i + 1) for i in range(8)]


def test_what_an_overlay_is_like(gossip):
    """A ring of nine: 1 - (1 + 2 cos 40 degrees) / 3; the pace is that of Karp on the predicted delays."""
    found = view(gossip("ring", learner={"overlaps": False}))
    facts = dict(overlay_facts(found))
    assert (facts["peers"], facts["edges"], facts["neighbours"]) == ("9", "9", "2 to 2, 2 in the mean")
    assert facts["spectral gap"].startswith("0.15597: 0.84403 of")
    assert facts["to a thousandth"] == "41 rounds"
    pace_s = cycle_time(found.peers.reach.delays(found.graph))
    assert pace_s > float(found.peers.reach.compute_s.max())
    assert f"about {1e3 * pace_s:.3g} ms" in facts["a round takes"]
    assert "and then" in facts["a round takes"]
    overlapping = view(gossip("ring"))
    assert cycle_time(overlapping.peers.reach.delays(overlapping.graph, overlaps=True)) < pace_s


def test_where_two_average_at_a_time_nobody_sets_a_pace(gossip):
    """What is foretold is what a first exchange takes: the whole of both access links, one way and then the other."""
    words = gossip("ring")
    words["protocol"] = {"name": "asynchronous-gossip", "overlay": "ring"}
    facts = dict(overlay_facts(view(words)))
    assert facts.keys() == {"peers", "edges", "neighbours", "computing takes", "an exchange takes"}
    reach = view(words).peers.reach
    seconds = sorted(reach.move_s(i, (i + 1) % 9) + reach.move_s((i + 1) % 9, i) for i in range(9))
    assert facts["an exchange takes"].startswith(f"{1e3 * seconds[0]:.3g} ms to {1e3 * seconds[-1]:.3g} ms once")


def test_times_of_computing_that_look_alike_are_said_once():
    """Two steps of 1 ms each at a silo, and next to nothing for the numbers."""
    changes = {
        "model": "svm",
        "learner": {"name": "graph-dual", "epochs": 2},
        "protocol": {"name": "synchronous-gossip", "overlay": "ring"},
    }
    facts = dict(overlay_facts(overlay_view(load(SCENARIOS / "silos_ring.yaml", changes))))
    assert ": 2 ms of computing and then 2.6 kB go to each neighbour" in facts["a round takes"]


def test_what_a_changing_overlay_is_like(gossip):
    """Eight peers agree after three rounds; a round is one message and the slowest computer."""
    found = view(gossip("one-peer-exponential", count=8, mixing="equal-shares", learner={"overlaps": False}))
    assert isinstance(found.overlay, ChangingOverlay)
    facts = dict(overlay_facts(found))
    assert facts["edges"] == "24 one way in all rounds together"
    assert facts["edges in a round"] == "8 in the mean of 156 rounds"
    assert facts["disagreement"].endswith("of it is left after 6 rounds")
    graphs = [found.overlay.graph_of(found.peers, number) for number in (1, 2, 3)]
    assert product_norm([found.mixing.weights(graph) for graph in graphs]) == pytest.approx(0.0, abs=1e-12)
    reach = found.peers.reach
    most_s = max(reach.move_s(i, j) for i in range(8) for j in range(8) if i != j) + reach.compute_s.max()
    assert 0 < changing_pace_s(reach, graphs, overlaps=False) <= most_s


def test_the_pace_of_matcha_is_that_of_a_long_run():
    """Eight rounds of eleven silos are too few: they take 0.78 s in the mean, 160 take 1.09 s, as they do when run."""
    from fedsim.study.run import run

    matcha = {"protocol.overlay": {"name": "matcha", "budget": 0.4}, "protocol.mixing": "overlay-weights"}
    bounds = {"stop.rounds": 160, "stop.time": "5 min", "stop.target": None, "evaluate.every_rounds": 160}
    scenario = load(SCENARIOS / "silos_ring.yaml", {**matcha, **bounds})
    facts = dict(overlay_facts(overlay_view(scenario)))
    ran_s = run(scenario, dry=True).curve["time_s"].iloc[-1] / 160
    assert facts["a round takes"].startswith(f"about {ran_s:.3g} s in the mean of 160 rounds: ")
    assert facts["edges in a round"] == "21.75 in the mean of 160 rounds"  # 0.4 of 11 matchings of 5: 22


def test_a_server_in_the_middle_is_no_overlay(tiny):
    assert overlay_view(check(tiny)) is None


def test_silos_at_the_nodes_of_an_underlay():
    """One silo at each site, on a tour around the world: every site once, one way."""
    found = overlay_view(load(SCENARIOS / "silos_ring.yaml"))
    assert sorted(found.peers.reach.places) == sorted(set(found.peers.reach.places))
    assert found.graph.is_directed()
    assert {degree for _, degree in found.graph.out_degree} == {1}
