"""Failures in words: what a file may say about them, what is refused, and that the words reach the system."""

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import check, resolved
from fedsim.scenario.build import build
from fedsim.system.faults import Faults
from fedsim.system.law import Exponential, Weibull
from fedsim.system.mishaps import Lateness
from fedsim.system.presence import Crashes

LAWS = {"every": {"weibull": {"shape": 0.7, "scale": "1 h"}}, "repair": {"exponential": {"mean": "10 min"}}}


def with_all(tiny):
    words = {**tiny, "interrupted": "resume"}
    words["server"] = {**tiny["server"], "crashes": LAWS, "interrupted": "resume"}
    words["network"] = {
        "message_corruption": "1 %",
        "message_duplication": "2 %",
        "message_delay": {"share": "3 %", "by": {"exponential": {"mean": "5 s"}}},
    }
    faults = {"per_job": "4 %", "every": {"exponential": {"mean": "2 h"}}, "attempts": 5, "pause": "3 s"}
    words["fleet"] = [{**group, "faults": faults} for group in tiny["fleet"]]
    name = tiny["fleet"][0]["name"]
    cut = {"schedule": [{"from": "5 s", "for": "2 s"}], "then": "stall"}
    words["outages"] = [
        {"node": "cell", "groups": [name], "server": True, **cut},
        {"devices": [f"{name}-01"], "every": {"exponential": {"mean": "1 h"}}, "repair": "1 min"},
    ]
    return words


def test_everything_is_read_written_and_reaches_the_system(tiny):
    scenario = check(with_all(tiny))
    assert check(yaml.safe_load(resolved(scenario))) == scenario
    world = build(scenario, Simulation(seed=1))
    device, server = world.devices[0].spec.kind, world.server.spec
    assert device.interrupted == "resume"
    assert device.faults == Faults(per_job=0.04, every_s=Exponential(mean=7200.0), attempts=5, pause_s=3.0)
    laws = Crashes(every_s=Weibull(shape=0.7, scale=3600.0), repair_s=Exponential(mean=600.0))
    assert (server.crashes, server.interrupted) == (laws, "resume")
    manners = world.devices[0]._messenger._manners
    assert (manners.corruption, manners.duplication) == (0.01, 0.02)
    assert manners.lateness == Lateness(share=0.03, by_s=Exponential(mean=5.0))


def test_a_power_cut_takes_its_machines_and_nobody_else_along(tiny):
    """All of the group and the server from 5 s to 7 s; and one phone, as well, whenever its own law says so."""
    words = with_all(tiny)
    words["outages"][1] = {
        "devices": words["outages"][1]["devices"],
        "schedule": [{"from": "1 s", "for": "1 s"}],
    }
    words["server"].pop("crashes")
    other = {**words["fleet"][0], "name": "others"}
    world = build(check({**words, "fleet": [*words["fleet"], other]}), Simulation(seed=1))

    async def there():
        found = []
        for _ in range(4):
            await world.sim.timeout(1.5)
            found.append([device.is_there() for device in world.devices] + [world.server.is_there()])
        return found

    one, three, _, six = world.sim.run(there())
    count = words["fleet"][0]["count"]
    assert one == [i != 1 for i in range(2 * count + 1)]
    assert all(three)
    assert six == [False] * count + [True] * count + [False]


def test_defaults_abort_and_nothing_fails(tiny):
    scenario = check(tiny)
    written = yaml.safe_load(resolved(scenario))
    assert (written["interrupted"], written["server"]["interrupted"]) == ("abort", "abort")
    assert (written["server"]["crashes"], written["fleet"][0]["faults"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"interrupted": "resum"}, "interrupted: 'resum' is not a known way with interrupted work; did you mean"),
        ({"server": {"at": "server", "interrupted": "pause"}}, "server.interrupted: 'pause' is not a known way"),
        ({"server": {"at": "server", "crashes": {"every": "1 h"}}}, "server.crashes.repair: is missing"),
        ({"network": {"message_corruption": "100 %"}}, "network.message_corruption: must be at least 0 % and below"),
        ({"network": {"message_delay": {"share": "0 %", "by": "1 s"}}}, "network.message_delay.share: must be above"),
        (
            {"outages": [{"groups": ["phone"], "schedule": [{"from": "1 s", "for": "1 s"}]}]},
            "outages[0].groups[0]: 'phone' is not a known group; did you mean 'phones'?",
        ),
        (
            {"outages": [{"devices": ["phones-99"], "schedule": [{"from": "1 s", "for": "1 s"}]}]},
            "outages[0].devices[0]: 'phones-99' is not a known device",
        ),
        ({"outages": [{"schedule": [{"from": "1 s", "for": "1 s"}]}]}, "or groups, devices or the server"),
    ],
)
def test_what_cannot_be_is_refused(tiny, change, rule):
    with pytest.raises(ScenarioError) as error:
        check({**tiny, **change})
    assert rule in str(error.value)


def test_faults_must_say_when(tiny):
    with pytest.raises(ScenarioError, match="faults: needs a probability, per_job, or a time, every"):
        check({**tiny, "fleet": [{**tiny["fleet"][0], "faults": {"attempts": 2}}]})
    with pytest.raises(ScenarioError, match=r"faults.attempts: "):
        check({**tiny, "fleet": [{**tiny["fleet"][0], "faults": {"per_job": "1 %", "attempts": 0}}]})


def test_no_server_no_outage_of_it(tiny):
    words = {
        **tiny,
        "server": None,
        "learner": {"name": "d-psgd"},
        "protocol": {"name": "synchronous-gossip", "overlay": {"name": "ring"}},
        "outages": [{"server": True, "schedule": [{"from": "1 s", "for": "1 s"}]}],
    }
    with pytest.raises(ScenarioError, match=r"outages\[0\].server: there is no server"):
        check(words)


def test_work_without_a_complete_epoch_cannot_be_resumed(tiny):
    mocha = {"name": "mocha", "epochs": 0.5}
    words = {**tiny, "model": "svm", "learner": mocha, "interrupted": "resume"}
    with pytest.raises(ScenarioError, match=r"'mocha' with epochs 0.5 never completes one: take 'pause' or 'abort'"):
        check(words)
    assert check({**words, "interrupted": "pause"}).interrupted == "pause"
