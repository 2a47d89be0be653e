"""Single changes of a scenario: what each does in closed form, and where it does not apply.

Eight devices send and receive 1 kB in half precision or 2 kB in full, 8 kbit/s down and up, over a server's line of
32 kbit/s, and compute 2 s. A round takes 4 s down (they share the line), 2 s, and 4 s up.
"""

import pytest

from fedsim.scenario import check
from fedsim.study.changes.all import CHANGES, changes_named
from fedsim.study.changes.change import DoesNotApplyError
from fedsim.study.changes.slowest_devices import WithoutSlowest, rehearsed_s
from fedsim.study.changes.speed import times
from fedsim.study.run import simulate
from fedsim.system.law import Choice, Constant, Exponential, Lognormal, Uniform, Weibull
from fedsim.system.scipy_law import ScipyLaw

GROUP = {
    "name": "phones",
    "count": 8,
    "device": "phone-mid",
    "link": "ethernet",
    "at": "hub",
    "up": "8 kbit/s",
    "down": "8 kbit/s",
    "rtt": "0 s",
    "speed": "1e18 FLOP/s",
    "step_overhead": "2 s",
}
WORDS = {
    "name": "closed",
    "seed": 1,
    "topology": {
        "name": "wire",
        "nodes": {"server": {"kind": "server"}, "hub": {"kind": "router"}},
        "links": [{"from": "server", "to": "hub", "capacity": "32 kbit/s", "delay": "0 s"}],
    },
    "network": {"transport": "ideal"},
    "server": {"at": "server", "service": "1 ns"},
    "fleet": [GROUP],
    "data": {"name": "counts", "examples": 10, "features": 49, "classes": 10},
    "model": "softmax",
    "learner": {"name": "fedavg", "batch_size": 10},
    "protocol": {"name": "synchronous-rounds", "cohort": 8},
    "stop": {"rounds": 2, "time": "200 s"},
}


def closed(**changes):
    return check({**WORDS, **changes})


def round_s(scenario):
    """Seconds of each of the two rounds, on average."""
    return simulate(scenario).summary.simulated_s / 2


def with_(name, scenario):
    return CHANGES[name].changed(scenario)


def refusal(name, scenario):
    with pytest.raises(DoesNotApplyError) as caught:
        with_(name, scenario)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("server-line-x2", 2 + 2 + 2),
        ("server-line-x10", 2 + 2 + 2),  # their own lines limit them then
        ("faster-devices", 4 + 1 + 4),
        ("half-message", 2 + 2 + 2),
    ],
)
def test_what_a_change_gains_in_closed_form(name, seconds):
    assert round_s(closed()) == pytest.approx(4 + 2 + 4)
    assert round_s(with_(name, closed())) == pytest.approx(seconds)


@pytest.mark.parametrize(("name", "up", "down"), [("wifi", 25e6, 30e6), ("5g", 60e6, 80e6)])
def test_everybody_on_one_technology_has_its_rates_its_radio_and_no_other(name, up, down):
    home = {"to": [{"link": "3g", "at": "hub"}], "stay": "1 s", "away": "1 s"}
    group = {**GROUP, "handover": home, "takes_part": {"only_links": ["ethernet"]}, "rate": {"fading": "4g_mpls"}}
    [moved] = with_(name, closed(fleet=[group])).fleet
    assert (moved.link, moved.at, moved.handover, moved.takes_part.only_links) == (name, ("hub",), None, ())
    assert (moved.up_bps.median, moved.down_bps.median) == (up, down)
    assert moved.rate.fading == {"wifi": "wifi_zhuge", "5g": "5g_ucc"}[name]
    assert moved.radio.startswith(name)
    assert refusal(name, with_(name, closed())) == f"everybody is on {name} already"


def test_kinds_that_a_group_mixes_move_as_well():
    mixed = {**GROUP, "mix": [{"device": "phone-low"}, {"link": "4g", "up": "1 Mbit/s"}]}
    [moved] = with_("wifi", closed(fleet=[mixed])).fleet
    assert {kind.link for kind in moved.mix} == {"wifi"}
    assert {kind.up_bps.median for kind in moved.mix} == {25e6}


@pytest.mark.parametrize(
    "failing",
    [
        {"outages": [{"node": "hub", "schedule": [{"from": "1 s", "for": "10 s"}]}]},
        {"server": {**WORDS["server"], "crashes": {"every": "3 s", "repair": "5 s"}, "interrupted": "resume"}},
        {"network": {"transport": "ideal", "message_loss": "50 %", "retry": {"first": "1 s", "attempts": 99}}},
        {"network": {"transport": "ideal", "message_delay": {"share": "100 %", "by": "3 s"}}},
        {"fleet": [{**GROUP, "faults": {"every": "3 s", "attempts": 9}, "step_overhead": "4 s"}]},
        {"fleet": [{**GROUP, "crashes": {"every": {"exponential": {"mean": "1 min"}}, "repair": "1 s"}}]},
    ],
    ids=["outage", "server", "loss", "delay", "faults", "crashes"],
)
def test_without_failures_nothing_of_them_is_left(failing):
    failing = closed(**failing)
    sound = with_("no-failures", failing)
    seconds = 4 + failing.fleet[0].step_overhead_s + 4
    assert round_s(sound) == pytest.approx(seconds)
    assert refusal("no-failures", sound) == "nothing fails"


def test_an_outage_costs_its_length():
    outage = {"node": "hub", "schedule": [{"from": "1 s", "for": "10 s"}]}
    assert round_s(closed(outages=[outage])) == pytest.approx(4 + 2 + 4 + 10 / 2)


def test_without_absences_everybody_is_there():
    group = {**GROUP, "availability": {"stay": "5 s", "away": "7 s"}}
    scenario = closed(fleet=[group], protocol={"name": "synchronous-rounds", "cohort": 8, "deadline": "20 s"})
    assert round_s(scenario) > 10.1
    assert round_s(with_("no-absences", scenario)) == pytest.approx(10.0)
    assert refusal("no-absences", closed()) == "devices are always there"


def test_batteries_that_never_run_down():
    empty = {**GROUP, "charge": "0 %", "takes_part": {"only_charging": True}}
    scenario = closed(fleet=[empty])
    assert simulate(scenario).summary.rounds == 0
    assert round_s(with_("mains", scenario)) == pytest.approx(10.0)
    silos = closed(fleet=[{**GROUP, "device": "server"}])
    assert refusal("mains", silos) == "everybody is on the mains already"


def test_messages_are_halved_once():
    half = with_("half-message", closed(learner={"name": "fedavg", "batch_size": 10, "precision": "float64"}))
    assert round_s(half) == pytest.approx(10.0)  # float32, as the others
    assert refusal("half-message", with_("half-message", closed())) == "messages are coded already"
    peers = {"protocol": {"name": "synchronous-gossip", "overlay": "ring"}, "server": None}
    assert refusal("half-message", closed(learner="d-psgd", **peers)).startswith("32 bits are the fewest")
    mocha = {"learner": {"name": "mocha"}, "model": "svm", "data": {**WORDS["data"], "classes": 2}}
    assert "exact image of dual variables" in refusal("half-message", closed(**mocha))


def test_the_slowest_are_those_with_the_longest_part_of_a_round():
    """Of ten devices the one that sends at half the rate is left out: 8 s up with it."""
    slow = {**GROUP, "name": "slow", "count": 1, "up": "1 kbit/s"}
    scenario = closed(fleet=[{**GROUP, "count": 9}, slow], protocol={"name": "synchronous-rounds", "cohort": 10})
    names, seconds = rehearsed_s(scenario)
    assert seconds.tolist() == pytest.approx([2 + 2 + 2] * 9 + [2 + 2 + 16])
    dropped = with_("drop-slowest", scenario)
    assert dropped.outages[-1].devices == (names[-1],) == ("slow-00",)
    result = simulate(dropped)
    assert "slow-00" not in set(result.events["subject"].dropna())
    assert result.summary.simulated_s / 2 == pytest.approx(9 * 2 / 4 + 2 + 9 * 2 / 4)
    assert refusal("drop-slowest", closed()) == "10% of 8 devices is none"


def test_a_learner_that_needs_everybody_keeps_the_slowest():
    needy = closed(learner="clustered", protocol={"name": "synchronous-rounds", "cohort": 8, "quorum": 8})
    with pytest.raises(DoesNotApplyError, match="'clustered' needs an answer from every device"):
        WithoutSlowest(share=0.5).changed(needy)


def test_cohorts_double_and_halve():
    four = closed(protocol={"name": "synchronous-rounds", "cohort": 4, "quorum": 3})
    assert with_("cohort-x2", four).protocol.value.cohort == 8
    half = with_("cohort-half", four).protocol.value
    assert (half.cohort, half.quorum) == (2, 2)
    assert refusal("cohort-x2", closed()) == "a cohort of 16 is more than the 8 devices that there are"
    one = closed(protocol={"name": "synchronous-rounds", "cohort": 1})
    assert refusal("cohort-half", one) == "a cohort of 1 has no half"
    buffered = closed(learner="fedbuff", protocol={"name": "asynchronous-updates", "concurrency": 4})
    assert with_("cohort-x2", buffered).protocol.value.concurrency == 8
    peers = closed(learner="d-psgd", protocol={"name": "synchronous-gossip", "overlay": "ring"}, server=None)
    assert refusal("cohort-x2", peers).startswith("there are no cohorts")


def test_without_a_deadline_a_round_waits_for_the_slowest():
    rules = {"name": "synchronous-rounds", "cohort": 8, "deadline": "5 s", "quorum": 1}
    scenario = closed(protocol=rules)
    assert round_s(scenario) == pytest.approx(5.0)
    assert round_s(with_("no-deadline", scenario)) == pytest.approx(10.0)
    assert refusal("no-deadline", closed()) == "there is no deadline"


def test_a_ring_in_place_of_the_server():
    rules = {"name": "synchronous-rounds", "cohort": 8, "deadline": "50 s"}
    ring = with_("ring", closed(protocol=rules, learner={"name": "fedavg", "batch_size": 10, "step_size": 0.3}))
    assert (ring.learner.name, ring.learner.value.solver.step_size) == ("d-psgd", 0.3)
    assert ring.protocol.value.patience_s == 50.0
    # Two models to send at once, 2 kB each at 8 kbit/s; computing goes on meanwhile.
    assert round_s(ring) == pytest.approx(4.0)
    assert refusal("ring", ring) == "there is no server already"
    assert refusal("ring", closed(learner="scaffold")) == "'scaffold' has no counterpart without a server"
    coded = with_("half-message", closed())
    assert refusal("ring", coded) == "peers have no codec for their messages"
    adam = {"name": "fedavg", "server": {"name": "adam"}}
    assert refusal("ring", closed(learner=adam)) == "the server's optimiser has no counterpart without a server"


def test_nobody_waits():
    rules = {"name": "synchronous-rounds", "cohort": 6, "over_selection": 1.3, "deadline": "50 s"}
    found = with_("asynchronous", closed(protocol=rules))
    assert found.learner.name == "fedbuff"
    updates = found.protocol.value
    assert (updates.concurrency, updates.buffer, updates.timeout_s) == (8, 2, 50.0)
    assert refusal("asynchronous", found) == "it is asynchronous already"
    peers = closed(learner="d-psgd", protocol={"name": "synchronous-gossip", "overlay": "ring"}, server=None)
    assert with_("asynchronous", peers).protocol.name == "asynchronous-gossip"
    assert refusal("asynchronous", closed(learner="feddyn")) == "'feddyn' has no counterpart that is asynchronous"


def test_a_server_whose_line_limits_nobody():
    endless = {**WORDS["topology"], "links": [{"from": "server", "to": "hub", "capacity": "inf", "delay": "0 s"}]}
    assert refusal("server-line-x2", closed(topology=endless)) == "the server's line has no limit"
    peers = closed(learner="d-psgd", protocol={"name": "synchronous-gossip", "overlay": "ring"}, server=None)
    assert refusal("server-line-x2", peers) == "there is no server"


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_change_leaves_the_scenario_alone_and_says_what_it_does(name, tiny):
    scenario = check({**tiny, "protocol": {"name": "synchronous-rounds", "cohort": 2, "deadline": "9 s"}})
    before = check(tiny | {"protocol": {"name": "synchronous-rounds", "cohort": 2, "deadline": "9 s"}})
    if name in {"no-failures", "no-absences", "drop-slowest"}:
        assert refusal(name, scenario)
    else:
        changed = CHANGES[name].changed(scenario)
        assert changed != scenario
        assert changed.seed == scenario.seed
    assert scenario == before
    assert CHANGES[name].name == name
    assert CHANGES[name].text


def test_names_are_looked_up():
    assert [change.name for change in changes_named(["ring", "wifi"])] == ["wifi", "ring"]


@pytest.mark.parametrize(
    ("law", "twice"),
    [
        (Constant(3.0), Constant(6.0)),
        (Uniform(1.0, 2.0), Uniform(2.0, 4.0)),
        (Exponential(3.0), Exponential(6.0)),
        (Lognormal(2.0, 0.5), Lognormal(4.0, 0.5)),
        (Weibull(2.0, 0.7), Weibull(4.0, 0.7)),
        (Choice((1.0, 3.0), (1.0, 2.0)), Choice((2.0, 6.0), (1.0, 2.0))),
    ],
)
def test_laws_times_a_factor(law, twice):
    assert times(law, 2.0) == twice


def test_a_scipy_law_times_a_factor():
    twice = times(ScipyLaw("gamma", (("a", 2.0), ("scale", 3.0))), 2.0)
    assert twice.mean == pytest.approx(12.0)
