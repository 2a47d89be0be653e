import json
import math
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

import fedsim
from fedsim.errors import FedsimError


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny):
    """Two cohorts, two step sizes, two seeds; with the small steps nobody gets far."""
    place = tmp_path_factory.mktemp("study")
    (place / "tiny.yaml").write_text(yaml.safe_dump({**tiny, "stop": {"time": "6 s", "target": "80 %"}}))
    words = {
        "name": "study",
        "question": "Larger cohorts?",
        "scenario": "tiny.yaml",
        "vary": {"protocol.cohort": [2, 4], "learner.step_size": [0.5, 0.0001]},
        "seeds": 2,
        "metric": "mean_accuracy",
    }
    (place / "study.yaml").write_text(yaml.safe_dump(words, sort_keys=False))
    fedsim.sweep(place / "study.yaml", out=place / "out")
    return place / "out"


@pytest.fixture
def study(folder):
    return fedsim.read_study(folder)


def test_points_say_what_varies(study):
    assert study.points.columns.tolist() == ["protocol.cohort", "learner.step_size"]
    assert study.points.loc["cohort-4-step_size-0.5"].tolist() == [4, 0.5]
    assert (study.question, study.horizon_s, study.seeds) == ("Larger cohorts?", 6.0, (1, 2))


def test_runs_have_what_varies_and_the_figures_of_each(study):
    runs = study.runs()
    assert runs[["point", "protocol.cohort", "learner.step_size", "seed"]].iloc[-1].tolist() == [
        "cohort-4-step_size-0.0001", 4, 0.0001, 2,
    ]  # fmt: skip
    one = study.result("cohort-2-step_size-0.5", 2)
    row = runs[(runs["point"] == "cohort-2-step_size-0.5") & (runs["seed"] == 2)].iloc[0]
    assert row["time_to_target_s"] == one.time_to("mean_accuracy", 0.8)
    assert row["energy_j"] == one.energy_j
    assert math.isnan(runs.iloc[-1]["time_to_target_s"])


def test_a_table_has_medians_and_counts_those_that_reached_it(study):
    table = study.table().set_index("point")
    own = study.runs().query("point == 'cohort-4-step_size-0.5'")["time_to_target_s"]
    assert table.loc["cohort-4-step_size-0.5", "time_to_target_s"] == own.median()
    assert table["reached"].tolist() == [2, 0, 2, 0]
    assert math.isinf(table.loc["cohort-2-step_size-0.0001", "time_to_target_s"])


def test_the_best_point_is_the_fastest_or_the_most_accurate(study):
    table = study.table().set_index("point")
    assert study.best() == table["time_to_target_s"].astype(float).idxmin()
    assert study.best("mean_accuracy") == table["mean_accuracy"].idxmax()
    with pytest.raises(FedsimError, match="'time' is not a known measure"):
        study.best("time")


def test_the_best_point_of_another_metric_is_the_one_that_it_calls_better(folder, tmp_path):
    """With small steps the training accuracy is low, and the loss high; nobody reaches the target with them."""
    for metric, target in (("train_mean_accuracy", "99 %"), ("train_loss", 0.01)):
        words = {
            "name": metric,
            "question": "Smaller steps?",
            "scenario": str(folder.parent / "tiny.yaml"),
            "vary": {"learner.step_size": [0.5, 0.0001]},
            "seeds": 1,
            "metric": metric,
            "target": target,
        }
        study = fedsim.sweep(words, out=tmp_path / metric)
        assert study.best("goal_metric") == "step_size-0.5"
        assert study.table()["reached"].tolist() == [0, 0]
        assert (tmp_path / metric / "points.png").exists()  # an axis over more than a decade, and no mark on it
    assert fedsim.read_study(folder).best("reached") == "cohort-2-step_size-0.5"


def test_runs_on_their_own_terms_are_not_judged_beyond_their_own_time(folder, tmp_path):
    """The same runs, of which one is only watched for a while: that is no difference."""
    words = {
        "name": "own",
        "question": "Longer?",
        "terms": "own",
        "scenario": str(folder.parent / "tiny.yaml"),
        "vary": {"stop.time": ["0.3 s", "6 s"]},
        "seeds": 3,
        "metric": "mean_accuracy",
    }
    study = fedsim.sweep(words, out=tmp_path / "own")
    assert study.table()["reached"].tolist() == [0, 3]
    assert study.comparison().verdicts()["verdict"].tolist()[1:7] == ["nothing to compare"] * 6


def test_files_hold_the_same(study, folder):
    assert pd.read_csv(folder / "runs.csv")["energy_j"].tolist() == pytest.approx(study.runs()["energy_j"].tolist())
    assert pd.read_parquet(folder / "runs.parquet")["point"].tolist() == study.runs()["point"].tolist()
    assert pd.read_csv(folder / "table.csv")["reached"].tolist() == [2, 0, 2, 0]
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["kind"], summary["complete"], summary["best"]) == ("sweep", True, study.best())
    for name in ("quality.png", "points.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_results_are_read_one_at_a_time(study):
    results = study.results
    assert next(results).events.shape[0] > 0
    assert len(list(results)) == 7


def test_points_are_compared_with_the_first_seed_by_seed(study):
    found = study.comparison("cohort-4-step_size-0.5", "cohort-2-step_size-0.5")
    assert found.names == ("cohort-4-step_size-0.5", "cohort-2-step_size-0.5")
    assert (found.seeds, found.horizon_s, found.goal.metric) == ((1, 2), 6.0, "mean_accuracy")
    assert found.table()["reached"].tolist() == [2, 2]
    assert study.comparison().names == study.labels
    assert study.comparison("cohort-4-step_size-0.5").names == ("cohort-4-step_size-0.5",)


def test_only_seeds_that_all_have_are_compared(study, folder):
    gone = folder / "runs" / "cohort-4-step_size-0.5-seed-1"
    gone.rename(folder / "gone")
    try:
        part = fedsim.read_study(folder)
        assert part.comparison().seeds == (2,)
        assert len(part.runs()) == 7
        assert part.table()["seeds"].tolist() == [2, 2, 1, 2]
        with pytest.raises(FedsimError, match=r"cohort-4-step_size-0\.5 has not finished with seed 1"):
            part.result("cohort-4-step_size-0.5", 1)
    finally:
        (folder / "gone").rename(gone)


def test_a_picture_against_a_key_has_a_line_for_each_other_value(study):
    axes = study.plot("protocol.cohort", measure="energy_j")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("protocol.cohort", "energy (J)")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["step_size 0.5", "step_size 0.0001"]
    placed = np.asarray(axes.collections[-1].get_offsets())
    small = study.runs().query("`learner.step_size` == 0.0001").groupby("protocol.cohort")["energy_j"].median()
    np.testing.assert_array_equal(placed, list(small.items()))


def test_points_that_never_reach_the_target_have_no_mark(study):
    axes = Figure().add_subplot()
    assert study.plot(ax=axes) is axes
    marks = [one for one in axes.collections if one.get_label().startswith("step_size")]
    assert [len(one.get_offsets()) for one in marks] == [2, 0]


def test_a_point_that_most_seeds_did_not_bring_to_the_target_has_no_mark(tmp_path, tiny):
    """One of three seeds is there in time with a cohort of 2: the median is infinite, as in the table."""
    words = {
        "name": "late",
        "question": "Two or four?",
        "scenario": str(tmp_path / "tiny.yaml"),
        "vary": {"protocol.cohort": [2, 4]},
        "seeds": 3,
        "target": "80 %",
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({**tiny, "stop": {"time": "1.9 s"}}))
    study = fedsim.sweep(words, out=tmp_path / "out")
    assert study.table()["reached"].tolist() == [1, 2]
    marks = study.plot().collections[-1]
    assert [place for place, _ in marks.get_offsets()] == [4.0]


def test_a_map_has_a_cell_for_each_pair_and_says_never(study):
    axes = study.plot("protocol.cohort", "learner.step_size")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2", "4"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0.0001", "0.5"]
    texts = [text.get_text() for text in axes.texts]
    best = study.table().set_index("point")["time_to_target_s"]
    assert texts == ["never", "never", *(f"{best[f'cohort-{cohort}-step_size-0.5']:.3g}" for cohort in (2, 4))]


def test_unknown_keys_measures_and_points_are_refused_with_the_nearest(study):
    for attempt, rule in [
        (lambda: study.plot("protocol.cohrt"), "did you mean 'protocol.cohort'"),
        (lambda: study.plot(measure="energy"), "did you mean 'energy_j'"),
        (lambda: study.alone("cohort"), "is not a known point of this study"),
        (lambda: study.result("x", 1), "is not a known point of this study"),
    ]:
        with pytest.raises(FedsimError, match=rule):
            attempt()


def test_a_notebook_shows_a_table_in_which_words_are_words(study):
    first, *others = study.every_point
    asked = replace(study, question="<script>?", every_point=(replace(first, settings={"k": "<script>"}), *others))
    html = asked._repr_html_()
    assert html.startswith(f"<h4>Study(&#x27;{study.name}&#x27;: {len(study.labels)} points x ")
    assert "complete) &lt;script&gt;?</h4>" in html
    assert "cohort-4-step_size-0.0001" in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_what_is_no_study_is_refused(folder, tmp_path):
    with pytest.raises(FedsimError, match="holds a run, not a sweep"):
        fedsim.read_study(folder / "runs" / "cohort-2-step_size-0.5-seed-1")
    with pytest.raises(FedsimError, match="is no folder of results"):
        fedsim.read_study(tmp_path)


def test_nothing_opens_a_window(study):
    before = mpl.get_backend()
    study.plot()
    assert mpl.get_backend() == before
    assert Path(study.folder).is_dir()
