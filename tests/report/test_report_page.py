"""The page that ``fedsim report`` makes, without a browser."""

import base64
import hashlib
import json
import re
import shutil
import sys
from dataclasses import replace
from io import StringIO
from itertools import pairwise

import pandas as pd
import pytest
from html_page import read_page
from typer.testing import CliRunner

from fedsim.cli.app import app
from fedsim.errors import FedsimError
from fedsim.report.human import about
from fedsim.report.page.compose import compose
from fedsim.report.page.subject import read_subject
from fedsim.report.page.writing import drawn, write_report
from fedsim.study.folder import write
from fedsim.study.reading import read_comparison, read_result
from fedsim.study.run import run
from fedsim.study.study import read_study

KINDS = ("run", "seeds", "comparison", "study", "whatif")


@pytest.fixture(scope="module")
def read(pages):
    """The pages, taken apart."""
    return {name: read_page(path) for name, path in pages.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_well_formed_and_its_headings_are_in_order(read, kind):
    page = read[kind]
    levels = [int(tag[1]) for tag, _ in page.headings]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [value["href"][1:] for tag, value in page.tags if tag == "a" and value["href"].startswith("#")]
    assert len(targets) > 5
    assert set(targets) <= set(ids)
    assert all(value.get("scope") in {"row", "col"} for tag, value in page.tags if tag == "th")
    assert all(value.get("aria-label") for tag, value in page.tags if value.get("role") == "img")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_nobody_for_anything(read, kind):
    page = read[kind]
    addresses = [value[name] for _, value in page.tags for name in ("src", "href", "action", "data") if name in value]
    assert all(address.startswith(("#", "data:text/csv")) for address in addresses)
    assert not re.search(r"url\(|@import|https?:", "".join(page.styles))
    [policy] = [value["content"] for tag, value in page.tags if value.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "https:" not in policy
    run = [text for kind_, text in page.scripts if kind_ == ""]
    for text in run:  # a browser runs these, and nothing that somebody may have put between them
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert sum(len(text) > 1_000_000 for text in run) == 1  # plotly, once


def test_the_same_folder_is_the_same_page(pages, folders, tmp_path):
    for kind in ("comparison", "study"):
        [again] = write_report(folders[kind], tmp_path / f"{kind}.html")
        assert again.read_bytes() == pages[kind].read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_texts(pages, read, kind):
    html = pages[kind].read_text()
    assert "<script>alert(1)" not in html
    assert "<b></script>" not in html
    assert "&lt;script&gt;alert(1)" in html
    names = {text for spec in read[kind].specs for view in spec for text in view["layout"]["yaxis"].get("ticktext", [])}
    assert not any("<" in text for text in names)
    assert any("&lt;/script&gt;" in text for text in names)  # as plotly is to be told


def test_the_question_of_a_study_is_its_title(read):
    assert read["study"].headings[0][1].startswith("Which step size? </script><script>alert(1)")
    assert any("Larger ones are <i>faster</i>." in text for text in read["study"].text)


def test_the_table_of_a_comparison_has_its_numbers(read, comparison):
    rows = {row[0]: row[1:] for row in read["comparison"].table("Scenarios side by side")}
    table = comparison.table().set_index("scenario")
    assert rows[""] == ["tiny", "slow"]
    for measure in comparison.measures:
        if measure.text in rows and table[measure.field].notna().all():
            finite = [value < float("inf") for value in table[measure.field]]
            cells = [text for text, is_finite in zip(rows[measure.text], finite, strict=True) if is_finite]
            figures = [about(value, measure.unit) for value in table[measure.field] if value < float("inf")]
            assert cells == figures
    assert rows["mean accuracy"] == [about(value, "1") for value in table["mean_accuracy"]]
    assert rows["energy"] == [about(value, "J") for value in table["energy_j"]]


def csv_of(page, name):
    """The CSV beside a table, by the name of its file."""
    [address] = [value["href"] for tag, value in page.tags if tag == "a" and value.get("download") == name]
    return pd.read_csv(StringIO(base64.b64decode(address.split(",", 1)[1]).decode()))


def test_a_table_is_there_in_full_as_csv(read, comparison):
    found = csv_of(read["comparison"], "scenarios-side-by-side.csv")
    pd.testing.assert_frame_equal(found, comparison.table(), check_dtype=False)


def test_the_curve_in_the_csv_is_that_of_the_run(run_folder):
    curve = read_result(run_folder).curve
    figure = figures(read_subject(run_folder))["quality-curves"]
    [full] = [
        view.table.full for view in figure.views if view.table.caption == "mean accuracy against energy of all devices"
    ]
    assert [row[1] for row in full.rows] == curve["energy_j"].tolist()
    assert [row[2] for row in full.rows] == curve["mean_accuracy"].tolist()


def figures(subject):
    return {figure.name: figure for section in compose(subject).sections for figure in section.figures}


def test_every_view_of_every_figure_is_a_table_too(read, run_folder):
    for figure in figures(read_subject(run_folder)).values():
        options = 1
        for control in figure.controls:
            options *= len(control.options)
        assert len(figure.views) == options
        assert all(view.table.rows for view in figure.views), figure.name


@pytest.mark.parametrize("kind", KINDS)
def test_plotly_knows_everything_that_it_is_told(read, kind):
    from plotly.graph_objects import Figure

    specs = read[kind].specs
    assert len(specs) >= 6
    for spec in specs:
        for view in spec:
            Figure(view)  # raises if a key or a value is none of plotly's


def test_the_points_of_a_study_have_their_numbers(read, study_folder):
    study = read_study(study_folder)
    rows = read["study"].table("Points: medians to the target, means at the end")
    table = study.table()
    assert [row[0] for row in rows[1:]] == table["point"].tolist()
    assert [row[rows[0].index("energy")] for row in rows[1:]] == [about(value, "J") for value in table["energy_j"]]
    assert study.best() in "".join(read["study"].text)


def test_a_figure_of_merit_stands_against_each_key(study_folder):
    """Over a key of four numbers as dots, over one of two as bars; a colour for each value of the other."""
    figure = figures(read_subject(study_folder))["points-merit"]
    table = read_study(study_folder).table()
    assert figure.controls[1].options == ("step_size", "cohort")
    energy = figure.controls[0].options.index("energy")
    over_steps, over_cohorts = (view.body for view in figure.views[2 * energy : 2 * energy + 2])
    own = table[table["protocol.cohort"] == 4]
    assert set(over_steps.series) == {"cohort 2", "cohort 4"}
    assert [point[:2] for point in over_steps.series["cohort 4"]] == list(
        zip(own["learner.step_size"], own["energy_j"], strict=True)
    )
    assert over_steps.x.log
    own = table[table["learner.step_size"] == 0.5].set_index("protocol.cohort")["energy_j"]
    assert over_cohorts.categories == ("2", "4")
    assert over_cohorts.parts["step_size 0.5"] == (own[2], own[4])


def test_changes_are_ranked_as_the_folder_has_them(read, changes_folder):
    table = pd.read_csv(changes_folder / "table.csv")
    rows = read["whatif"].table("Changes by what they gain in time")
    assert [row[0] for row in rows[1:]] == table["change"].tolist()
    assert [row[rows[0].index("time")] for row in rows[1:]] == [about(value, "s") for value in table["time_s"]]
    best = table.iloc[1]
    said = f"Most is gained by {best['change']} ({best['what']}): {about(best['gain_time_s'], 's')}"
    assert said in "".join(read["whatif"].text)


def test_seeds_of_one_scenario_are_one_line_with_a_band(read, seeds_folder):
    assert any(text.strip() == "1 scenario, 2 seeds" for text in read["seeds"].text)
    runs = [read_result(seeds_folder / "runs" / f"tiny-seed-{seed}") for seed in (1, 2)]
    reached = sum(run.summary.time_to_target_s is not None for run in runs)
    assert any(f"70 % mean accuracy was reached with {reached} of 2 seeds." in text for text in read["seeds"].text)
    view = figures(read_subject(seeds_folder))["quality-curves"].views[0]
    [line] = view.body.lines
    assert line.high[-1] == max(run.curve["mean_accuracy"].iloc[-1] for run in runs)
    assert line.low[-1] == min(run.curve["mean_accuracy"].iloc[-1] for run in runs)


def test_who_took_part_is_counted_in_the_record(run_folder):
    result = read_result(run_folder)
    [view] = figures(read_subject(run_folder))["participation-data"].views
    answered = result.events.loc[result.events["kind"] == "answered", "subject"].value_counts()
    parts = {row[0]: row[4] for row in view.table.rows}
    assert len(parts) == result.summary.devices
    assert {name: count for name, count in parts.items() if count} == answered.to_dict()


def test_devices_are_drawn_again_as_the_run_had_them(run_folder):
    from fedsim.kernel import Simulation
    from fedsim.report.page.fleet_facts import fleet_facts
    from fedsim.scenario.learning import learning_problem

    result = read_result(run_folder)
    facts = fleet_facts(result.scenario)
    problem = learning_problem(result.scenario, Simulation(seed=result.seed))
    assert facts.devices["examples"].tolist() == problem.sizes.tolist()
    assert facts.labels.sum(axis=1).tolist() == problem.sizes.tolist()
    known = result.devices.set_index("device")
    drawn = facts.devices.set_index("device").loc[known.index]
    assert drawn[["group", "link"]].equals(known[["group", "link"]])


def test_utilisation_is_the_mean_over_seeds(comparison_folder):
    comparison = read_comparison(comparison_folder)
    figure = figures(read_subject(comparison_folder))["busiest-links"]
    uses = [run.links.set_index(["source", "target"])["utilisation"] for run in comparison.results["slow"]]
    mean = sum(use.reindex(uses[0].index.union(uses[1].index), fill_value=0.0) for use in uses) / 2
    view = figure.views[figure.controls[0].options.index("slow")]
    for source, target, utilisation, *_ in view.table.rows:
        assert utilisation == pytest.approx(mean[source, target])


def test_an_older_report_is_replaced_and_another_file_is_not(run_folder, tmp_path):
    page = write_report(run_folder, tmp_path / "page.html")[0]
    assert write_report(run_folder, page)[0].read_bytes() == page.read_bytes()
    (tmp_path / "mine.html").write_text("<!doctype html><title>mine</title>")
    with pytest.raises(FedsimError, match=r"mine\.html: is there already, and is no report of fedsim's"):
        write_report(run_folder, tmp_path / "mine.html")
    assert (tmp_path / "mine.html").read_text() == "<!doctype html><title>mine</title>"
    with pytest.raises(FedsimError, match=r"no/where\.html: cannot be written: No such file or directory"):
        write_report(run_folder, tmp_path / "no" / "where.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.html", "page.html"]


def test_figures_are_pictures_where_one_asks_for_them(run_folder, tmp_path, monkeypatch):
    """Every kind of figure, and of one all views."""

    def few(subject):
        page = compose(subject)
        return replace(page, sections=tuple(map(thinned, page.sections)))

    def thinned(section):
        return replace(section, figures=tuple(map(first_view, section.figures)))

    def first_view(figure):
        keep = figure.name == "device-energy"
        return figure if keep else replace(figure, views=figure.views[:1], controls=())

    monkeypatch.setattr("fedsim.report.page.writing.compose", few)
    folder = shutil.copytree(run_folder, tmp_path / "run")
    page, *pictures = write_report(folder, pictures="png")
    assert page == folder / "report.html"
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    names = {path.stem for path in pictures}
    assert names >= {"quality-curves", "topology", "participation-data", "energy-causes"}
    assert {name for name in names if name.startswith("device-energy")} == {
        "device-energy-kind-of-device",
        "device-energy-link",
    }
    assert {path.name for path in (folder / "pictures").iterdir()} == {path.name for path in pictures}


def test_pictures_are_svg_as_well_and_the_same_every_time(run_folder):
    figure = figures(read_subject(run_folder))["energy-causes"]
    [(name, content)] = drawn(figure, "svg")
    assert name == "energy-causes"
    assert b">radio awake</text>" in content
    assert drawn(figure, "svg") == [(name, content)]


@pytest.mark.parametrize("name", ["jinja2", "plotly.offline"])
def test_what_is_not_installed_is_said(run_folder, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(FedsimError, match=r"fedsim report needs .*: pip install 'fedsim-des\[report\]'"):
        write_report(run_folder, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(FedsimError, match="is no folder of results"):
        write_report(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FedsimError, match=r"notes\.txt: is a file: name the folder of results$"):
        write_report(tmp_path / "notes.txt")


def test_the_command_makes_a_page_and_says_where_it_is(run_folder, tmp_path):
    done = CliRunner().invoke(app, ["report", str(run_folder), "--out", str(tmp_path / "page.html")])
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{tmp_path / 'page.html'}\n", "")
    refused = CliRunner().invoke(app, ["report", str(run_folder), "--pictures", "pgn"])
    assert refused.exit_code == 2
    assert refused.stderr.startswith("--pictures: 'pgn' is not a known format of pictures; did you mean 'png'?")
    lost = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert (lost.exit_code, lost.stdout) == (2, "")
    assert "is no folder of results" in lost.stderr


def test_a_timing_run_has_a_page_without_quality(evil, tmp_path):
    folder = write(run(evil, dry=True), tmp_path / "dry")
    page = read_page(write_report(folder)[0])
    assert any("nothing was learned" in text for text in page.text)
    titles = [text for _, text in page.headings]
    assert "Quality" not in titles
    assert "Time and energy of devices" in titles
    assert "nan" not in "".join(page.text).lower()


@pytest.mark.parametrize(("key", "value"), [("table", None), ("seeds", ["one"]), ("by", None)])
def test_a_damaged_summary_is_one_line(changes_folder, tmp_path, key, value):
    words = json.loads((changes_folder / "summary.json").read_text())
    del words[key]
    (tmp_path / "summary.json").write_text(json.dumps(words if value is None else {**words, key: value}))
    with pytest.raises(FedsimError, match=r"summary\.json: is not what fedsim writes: "):
        write_report(tmp_path)


def test_a_network_without_loads_is_drawn_all_the_same(evil, tmp_path):
    """Where messages take the time of a model of delays, links carry nothing."""
    words = {**evil, "network": {"sharing": "equal-split", "transport": "ideal"}, "learner": "d-psgd"}
    words["protocol"] = {"name": "synchronous-gossip", "overlay": "ring"}
    page = read_page(write_report(write(run(words, overrides={"stop.time": "1 s"}), tmp_path / "run"))[0])
    assert any("What links carried is not in the record" in text for text in page.text)
    lines = [value for tag, value in page.tags if tag == "line" and value["class"] == "load0"]
    assert len(lines) == 2  # the link, and what it means in the legend
    assert "busiest-links" not in {value.get("id") for _, value in page.tags}
