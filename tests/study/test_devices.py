"""The table of devices, in a run of the scenario that shows handovers and the outage of a cell."""

from pathlib import Path

import pytest

import fedsim
from fedsim.kernel import Simulation
from fedsim.scenario import check, load
from fedsim.scenario.build import build
from fedsim.study.devices import at_work, device_table
from fedsim.system.meter import CAUSES

COMMUTERS = Path(__file__).parents[2] / "scenarios" / "commuters.yaml"


@pytest.fixture(scope="module")
def result():
    return fedsim.run(COMMUTERS)


def rows(result, kind):
    return result.events[result.events["kind"] == kind]


def test_commuters_go_over_to_4g_and_back_in_the_middle_of_rounds(result):
    """Each at its own time; whose radio nobody uses at that moment goes over unseen."""
    moves = rows(result, "handover").set_index("subject")
    out_s, back_s = moves.loc[moves["link"] == "4g", "time_s"], moves.loc[moves["link"] == "wifi", "time_s"]
    assert len(out_s) > 2
    assert out_s.between(5.0, 10.0).all()
    assert back_s.between(35.0, 40.0).all()
    both = out_s.index.intersection(back_s.index)
    assert len(both) > 0
    assert (back_s[both] - out_s[both]).tolist() == pytest.approx([30.0] * len(both))


def test_the_round_in_which_a_cell_fails_waits_for_it(result):
    [down_s] = rows(result, "outage")["time_s"]  # seen when somebody next sends: at most a rest of a round later
    assert 12.0 <= down_s < 12.1
    rounds = rows(result, "round")
    [struck] = rounds[(rounds["time_s"] > 18.0) & (rounds["time_s"] - rounds["seconds"] < 12.0)].index
    assert rounds.loc[struck, "seconds"] > 6.0
    assert rounds.loc[struck, "closed_by"].startswith("villagers")
    assert rounds["seconds"].drop(struck).max() < 3.0


def test_the_table_of_devices_adds_up(result):
    table, spent = result.devices, result.summary.spent
    assert table["device"].tolist()[:2] == ["commuters-00", "commuters-01"]
    assert table.groupby("group")["radios"].unique().map(list).to_dict() == {"commuters": [2], "villagers": [1]}
    assert set(table.loc[table["group"] == "commuters", "place"]) == {"home-ap"}  # all are back
    for name in ("sent_bytes", "received_bytes", "compute_s"):
        assert table[name].sum() == pytest.approx(getattr(spent, name))
    for cause in CAUSES:
        assert table[f"{cause}_j"].sum() == pytest.approx(spent.energy_j[cause])
    states = [name for name in table if name.startswith("radio_") and name.endswith("_s")]
    assert "radio_tail_1_s" in states
    together = table["radios"] * result.summary.simulated_s
    assert table[states].sum(axis=1).tolist() == pytest.approx(together.tolist())
    wasted = [waste.usage for waste in result.summary.waste.values()]
    assert table["wasted_sent_bytes"].sum() == pytest.approx(sum(usage.sent_bytes for usage in wasted))
    assert table["wasted_j"].sum() == pytest.approx(sum(usage.work_j for usage in wasted))


@pytest.mark.parametrize(
    ("changes", "causes"),
    [
        ({}, {"link-down", "no-route"}),
        (
            {
                "learner": {"name": "d-psgd", "epochs": 1, "batch_size": 10, "step_size": 0.03},
                "protocol": {"name": "synchronous-gossip", "overlay": "ring", "patience": "3 s"},
            },
            {"link-down", "unreached"},
        ),
    ],
    ids=["rounds", "gossip"],
)
def test_messages_that_an_outage_or_a_handover_ends_do_not_end_the_run(changes, causes):
    """They fail with a cause, and the others go on."""
    overrides = {"outages.0.then": "fail", "fleet.commuters.handover.then": "fail", "stop.time": "25 s", **changes}
    result = fedsim.run(COMMUTERS, overrides=overrides)
    assert result.summary.stopped_because == "time is up"
    assert causes <= set(result.summary.waste)
    assert rows(result, "evaluated")["time_s"].max() == 25.0


def test_nobody_is_at_work_where_there_is_nobody():
    nobody = device_table(build(load(COMMUTERS), Simulation(seed=1)).devices)
    assert len(nobody) == 0
    assert at_work(nobody) == {}


def test_those_are_at_work_who_spent_more_than_sleep(result):
    work_j = result.devices[[f"{cause}_j" for cause in CAUSES if cause != "sleep"]].sum(axis=1)
    assert result.summary.devices_at_work == at_work(result.devices).total() == (work_j > 0).sum() > 0


def test_where_nobody_worked_the_table_still_has_its_columns(tiny):
    """The target is reached before anything happens."""
    result = fedsim.run(check({**tiny, "stop": {"metric": "accuracy", "target": 1e-9, "rounds": 1}}))
    assert result.summary.time_to_target_s == 0.0
    assert len(result.devices) == 0
    assert {"device", "link", "compute_s", "radio_off_s"} <= set(result.devices.columns)
