"""The ready scenario in which a region loses its power and the server crashes: resumed, and aborted beside it."""

from pathlib import Path

import pytest

import fedsim

POWER_CUT = Path(__file__).parents[2] / "scenarios" / "power_cut.yaml"


@pytest.fixture(scope="module")
def resumed():
    return fedsim.run(POWER_CUT)


@pytest.fixture(scope="module")
def aborted():
    return fedsim.run(POWER_CUT, overrides={"interrupted": "abort", "server.interrupted": "abort"})


def rows(result, kind):
    return result.events[result.events["kind"] == kind]


def test_the_cut_is_one_instant_for_the_region_and_its_cell(resumed):
    down = rows(resumed, "down")
    cut = down[down["cause"] == "outage"]
    assert sorted(cut["time_s"].unique()) == [8.0, 38.0]
    assert set(cut["subject"]) == {f"region-{rank:02d}" for rank in range(6)}
    assert rows(resumed, "outage")["time_s"].tolist() == [8.0, 38.0]


def test_rounds_wait_for_the_region_and_the_server_and_all_count(resumed):
    rounds = rows(resumed, "round")
    assert rounds["counted"].all()
    begin_s = rounds["time_s"] - rounds["seconds"]
    for cut_s in (8.0, 38.0):
        [struck] = rounds[(begin_s < cut_s) & (cut_s < rounds["time_s"])].index
        assert rounds.loc[struck, "seconds"] > 6.0
        assert rounds.loc[struck, "answers"] == 10
    assert "server" not in set(rounds["closed_by"])


def test_aborted_the_same_misfortunes_cost_rounds_work_and_accuracy(resumed, aborted):
    """The luck is shared: the server crashes at the same instants."""
    crashes = [set(rows(result, "down").query("cause == 'server'")["time_s"]) for result in (resumed, aborted)]
    assert crashes[0] == crashes[1] != set()
    lost = rows(aborted, "round").query("closed_by == 'server'")
    assert set(lost["time_s"]) <= crashes[0]
    assert not lost["counted"].any()
    assert rows(aborted, "round")["counted"].sum() < len(rows(resumed, "round"))
    assert aborted.summary.final["accuracy"] < resumed.summary.final["accuracy"]
    assert aborted.summary.waste["outage"].usage.compute_s > 4 * resumed.summary.waste["outage"].usage.compute_s
    assert aborted.summary.waste["server"].usage.compute_s > 0


def test_waste_by_cause_is_the_record_s_and_the_devices(resumed, aborted):
    for result in (resumed, aborted):
        wasted, waste = rows(result, "wasted"), result.summary.waste
        assert {"fault", "resent", "corrupted", "duplicate"} <= set(waste)
        assert wasted["cause"].value_counts().to_dict() == {cause: found.pieces for cause, found in waste.items()}
        for cause, found in waste.items():
            of_cause = wasted[wasted["cause"] == cause]
            assert of_cause["compute_s"].sum() == pytest.approx(found.usage.compute_s)
            assert of_cause["sent_bytes"].sum() == pytest.approx(found.usage.sent_bytes)
        total_s = sum(found.usage.compute_s for found in waste.values())
        assert 0 < total_s < result.summary.spent.compute_s
        assert (wasted[["energy_j", "sent_bytes", "received_bytes", "compute_s"]] >= -1e-9).all().all()


@pytest.mark.parametrize("interrupted", ["abort", "pause", "resume"])
def test_peers_outlast_the_cut_under_every_policy(interrupted):
    """Half of a ring is away from 8 s to 14 s; whoever waits for a neighbour has its patience, and all go on."""
    words = {
        "interrupted": interrupted,
        "learner": {"name": "d-psgd", "epochs": 5},
        "protocol": {"name": "synchronous-gossip", "overlay": {"name": "ring"}, "patience": "5 s"},
        "stop": {"metric": "accuracy", "time": "30 s"},
    }
    result = fedsim.run(POWER_CUT, overrides=words)
    last_s = rows(result, "mixed").groupby("subject")["time_s"].max()
    assert len(last_s) == 12
    assert last_s.min() > 20.0
    lost_s = result.summary.waste["outage"].usage.compute_s if "outage" in result.summary.waste else 0.0
    assert (lost_s > 0) == (interrupted != "pause")
