"""The studies that ship: each loads, each of its scenarios runs, and at its full size it shows what it says."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fedsim.study.interval import t_interval
from fedsim.study.plan import read_plan
from fedsim.study.run import run
from fedsim.study.sweep import sweep

STUDIES = Path(__file__).parents[2] / "scenarios" / "studies"
PAGE = (STUDIES / "README.md").read_text(encoding="utf-8")
NAMES = sorted(path.stem for path in STUDIES.glob("*.yaml"))


def test_every_study_is_in_the_table_and_nothing_else():
    assert re.findall(r"^\| \[([a-z_]+)\]\(\1\.yaml\) \|", PAGE, flags=re.MULTILINE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_study_says_what_it_asks_and_shows(name):
    plan = read_plan(STUDIES / f"{name}.yaml")
    assert plan.study.name == name
    assert plan.study.question.endswith("?")
    assert f"| {plan.study.question} |" in PAGE
    assert plan.study.shows.endswith(".")
    assert 3 <= len(plan.seeds) <= 10
    assert plan.goal.target is not None


@pytest.mark.parametrize("name", NAMES)
def test_each_of_its_scenarios_runs(name):
    """The first point of each for two rounds, or a few seconds: that what it needs is there."""
    first = {point.settings.get("scenario"): point for point in reversed(read_plan(STUDIES / f"{name}.yaml").points)}
    for point in first.values():
        short = point.scenario.stop.model_copy(update={"rounds": 2})
        result = run(point.scenario.model_copy(update={"stop": short, "seed": 1}))
        assert result.summary.rounds >= 1, point.label
        assert math.isfinite(result.curve[point.scenario.stop.metric].iloc[-1])


class Swept:
    """A study at its full size."""

    def __init__(self, folder):
        self.folder = folder
        runs = pd.read_csv(folder / "runs.csv")
        self.times = runs.pivot_table(index="seed", columns="point", values="time_to_target_s", dropna=False)
        self.rounds = runs.pivot_table(index="seed", columns="point", values="rounds_to_target", dropna=False)

    def factor(self, slow, quick):
        """How many times as long one takes as the other: geometric mean and 95 % interval over seeds."""
        found = t_interval(np.log(self.times[slow] / self.times[quick]).dropna().tolist())
        return math.exp(found.mean), math.exp(found.low), math.exp(found.high)

    def reached(self, label):
        """With how many seeds."""
        return int(self.times[label].notna().sum()) if label in self.times else 0

    def at_the_end(self, label, figure):
        """A figure of each run's summary, in the order of seeds."""
        found = {}
        for file in self.folder.glob(f"runs/{label}-seed-*/summary.json"):
            words = json.loads(file.read_text())
            found[words["seed"]] = words["final"].get(figure, words.get(figure))
        return [found[seed] for seed in sorted(found)]

    def less(self, one, other, figure):
        """The difference at the end: mean and interval over seeds."""
        pairs = zip(self.at_the_end(one, figure), self.at_the_end(other, figure), strict=True)
        found = t_interval([a - b for a, b in pairs])
        return found.mean, found.low, found.high


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    def at_full_size(name):
        folder = tmp_path_factory.mktemp("studies") / name
        found = sweep(STUDIES / f"{name}.yaml", out=folder, workers=2)
        assert found.complete
        assert not found.failed
        return Swept(folder)

    return at_full_size


@pytest.mark.long
def test_mocha_bounds_a_round_and_mini_batches_pay_for_slow_links(swept):
    study = swept("mocha_data_units")
    over = {"wifi": "rtt-10s", "lte": "rtt-100s", "3g": "rtt-1000s"}
    for link in over.values():
        assert study.factor(f"cocoa-{link}", f"mocha-{link}")[1] > 2.2
        assert study.factor(f"mb-sdca-{link}", f"mocha-{link}")[1] > 1.1
    assert 2.8 < study.factor("mb-sgd-rtt-10s", "mocha-rtt-10s")[0] < 4.2
    assert 5.2 < study.factor("mb-sgd-rtt-1000s", "mocha-rtt-1000s")[0] < 7.8


@pytest.mark.long
def test_in_seconds_nobody_waits_for_data(swept):
    study = swept("mocha_data_links")
    for link in ("wifi", "4g", "3g"):
        for learner in ("cocoa", "mb-sdca"):
            assert 0.92 < study.factor(f"{learner}-link-{link}", f"mocha-link-{link}")[0] < 1.08
        assert 3.5 < study.factor(f"mb-sgd-link-{link}", f"mocha-link-{link}")[0] < 6.5
    assert study.factor("mocha-link-wifi", "mocha-link-4g")[1] > 1.8


@pytest.mark.long
def test_variability_costs_those_who_wait(swept):
    study = swept("mocha_systems")
    low, high = "share-uniform-0pct-10pct", "share-uniform-0pct-90pct"
    costs = [study.factor(f"{name}-{high}", f"{name}-{low}")[0] for name in ("mocha", "cocoa", "mb-sdca", "mb-sgd")]
    assert costs == sorted(costs)
    assert costs == pytest.approx([1.54, 1.93, 2.17, 3.05], rel=0.1)
    assert study.factor(f"cocoa-{high}", f"mocha-{high}")[1] > 5


@pytest.mark.long
def test_rounds_grow_with_drops_and_a_silent_device_moves_the_limit(swept):
    study = swept("mocha_faults")
    none = study.rounds["drop-0"].mean()
    for drop in (0.25, 0.5, 0.75):
        assert study.rounds[f"drop-{drop * 100:.0f}"].mean() / none == pytest.approx(1 / (1 - drop), rel=0.1)
    assert study.factor("drop-75", "drop-0")[2] < 2.8
    assert study.reached("one-silent") == 0
    last = study.folder / "runs" / "one-silent-seed-1" / "metrics.parquet"
    assert pd.read_parquet(last)["primal"].iloc[-1] == pytest.approx(1.0175 * 11.38569, rel=1e-3)


@pytest.mark.long
def test_drift_costs_most_and_thin_uplinks_cost_two_models(swept):
    study = swept("averaging")
    usual, thin = "up-8Mbit-s", "up-20kbit-s"
    assert study.factor(f"fedavg-{usual}", f"scaffold-{usual}")[1] > 3
    assert study.reached(f"fedavg-{usual}") == 4
    dearer = np.log(study.times[f"scaffold-{thin}"] / study.times[f"scaffold-{usual}"])
    dearer -= np.log(study.times[f"feddyn-{thin}"] / study.times[f"feddyn-{usual}"])
    assert math.exp(dearer.mean()) == pytest.approx(1.34, abs=0.05)
    assert study.factor(f"fedsgd-{usual}", f"scaffold-{usual}")[0] < 1.1


@pytest.mark.long
def test_a_mixture_ends_highest(swept):
    study = swept("mixture")
    assert study.reached("fedem") == 4
    for other in ("fedavg", "fedavg-tuned", "clustered", "pfedme", "local", "d-psgd"):
        assert study.less("fedem", other, "mean_accuracy")[1] > 0.02, other
        assert study.reached(other) == 0
    assert 0 < study.less("fedem", "d-fedem", "mean_accuracy")[0] < 0.09
    assert study.less("d-fedem", "d-psgd", "mean_accuracy")[0] > 0.03


@pytest.mark.long
def test_the_ring_s_lead_is_the_server_s_line(swept):
    study = swept("silos")
    assert study.factor("star", "ring")[1] > 2
    _, low, high = study.factor("star-wide", "ring")
    assert low < 1 < high
    assert study.factor("star", "star-wide")[0] == pytest.approx(5.06, rel=0.1)
    assert study.factor("mst", "ring")[1] > 1


@pytest.mark.long
def test_where_phones_come_and_go_only_the_star_arrives(swept):
    study = swept("city")
    assert [study.reached(label) for label in ("star", "ring", "delta-mbst", "matcha", "star-absences")] == [4] * 5
    assert [study.reached(f"{label}-absences") for label in ("ring", "delta-mbst", "matcha")] == [0] * 3
    assert study.factor("ring", "star")[2] > 1
    assert study.less("star-absences", "ring-absences", "accuracy")[1] > 0.2


@pytest.mark.long
def test_not_waiting_pays(swept):
    study = swept("stragglers")
    usual, slow = "speed-0.5GFLOP-s", "speed-0.3MFLOP-s"
    assert study.factor(f"synchronous-{usual}", f"asynchronous-{usual}")[1] > 3
    assert study.factor(f"synchronous-{usual}", f"buffered-{usual}")[1] > 4
    assert study.factor(f"synchronous-{slow}", f"synchronous-{usual}")[1] > 1.05
    assert study.factor(f"buffered-{slow}", f"buffered-{usual}")[0] < 1.35


@pytest.mark.long
def test_over_selection_is_worth_more_than_a_deadline(swept):
    study = swept("deadline")

    def label(over, deadline):
        return f"over_selection-{over}-deadline-{deadline}"

    assert study.factor(label("1", "10s"), label("1.3", "10s"))[1] > 2
    assert study.factor(label("1", "10s"), label("1", "1.5s"))[1] > 1.1
    assert study.factor(label("1.8", "10s"), label("1.8", "3s"))[0] == pytest.approx(1, abs=0.02)


@pytest.mark.long
def test_by_charge_nobody_runs_empty(swept):
    study = swept("battery")
    assert sum(study.at_the_end("uniform", "devices_spent")) > 20
    assert sum(study.at_the_end("fullest", "devices_spent")) == 0
    assert sum(study.at_the_end("full-enough", "devices_spent")) == 0
    assert study.less("uniform", "fullest", "accuracy")[1] > 0
    _, low, high = study.less("uniform", "full-enough", "accuracy")
    assert low < 0 < high


@pytest.mark.long
def test_a_dark_cell_is_outlived_by_inviting_more(swept):
    study = swept("outage")
    assert study.factor("wait", "no-outage")[1] > 1.5
    assert study.factor("deadline", "wait")[1] > 1
    assert study.factor("wait", "over-select")[1] > 1.05


@pytest.mark.long
def test_edge_servers_pay_when_the_cloud_is_far(swept):
    study = swept("hierarchical")
    assert study.factor("flat-far", "hierarchical-far")[1] > 1.2
    _, low, high = study.factor("flat", "hierarchical")
    assert low < 1 < high
