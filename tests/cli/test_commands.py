import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from fedsim.cli import app
from fedsim.report.listing import kinds
from fedsim.scenario import load
from fedsim.version import __version__

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def scenario(tiny):
    Path("tiny.yaml").write_text(yaml.safe_dump(tiny))
    return "tiny.yaml"


def fedsim(*arguments):
    return CliRunner().invoke(app, arguments)


def in_a_process(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def here():
    return sorted(path.name for path in Path().iterdir())


def test_run_prints_what_it_took_and_writes_a_folder(scenario):
    done = fedsim("run", scenario)
    assert done.exit_code == 0
    assert re.match(r"tiny, seed 1: target reached after [\d.]+ s\n  90 % mean accuracy +in [\d.]+ s\n", done.stdout)
    assert done.stdout.endswith("written to runs/tiny\n")
    assert re.search(r"^tiny  0 s  round 0  mean accuracy \d+\.\d %  0 J$", done.stderr, flags=re.MULTILINE)
    assert pd.read_parquet("runs/tiny/metrics.parquet")["mean_accuracy"].iloc[-1] >= 0.9


def test_a_second_run_goes_beside_the_first_and_is_the_same(scenario):
    assert fedsim("run", scenario).exit_code == fedsim("run", scenario).exit_code == 0
    for name in ("metrics.parquet", "events.parquet", "summary.json", "scenario.yaml"):
        assert Path("runs/tiny", name).read_bytes() == Path("runs/tiny-2", name).read_bytes()


def test_seed_set_out_and_quiet_matter(scenario):
    done = fedsim(
        "run", scenario, "--seed", "5", "--set", "stop.rounds=3", "--set", "name=mine", "--out", "a/b", "--quiet"
    )
    assert done.exit_code == 0
    assert (done.stdout, done.stderr) == (f"{Path('a/b').resolve()}\n", "")
    summary = json.loads(Path("a/b/summary.json").read_text())
    assert (summary["name"], summary["seed"], summary["rounds"]) == ("mine", 5, 3)
    assert load("a/b/scenario.yaml").seed == 5


def test_many_seeds_are_one_folder_and_one_table(scenario):
    done = fedsim("run", scenario, "--seeds", "2", "--seed", "4", "--workers", "1", "--set", "stop.rounds=3")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("tiny, 2 seeds from 4 to 5\n90 % mean accuracy: reached by ")
    assert done.stdout.endswith("written to runs/tiny-seeds\n")
    assert done.stderr.splitlines()[-1].startswith("2 of 2 runs  tiny, seed 5: mean accuracy ")
    assert json.loads(Path("runs/tiny-seeds/summary.json").read_text())["seeds"] == [4, 5]
    assert Path("runs/tiny-seeds/table.md").read_text().startswith("### tiny, 2 seeds from 4 to 5; 90 % mean accuracy")
    assert load("runs/tiny-seeds/runs/tiny-seed-5/scenario.yaml").seed == 5


@pytest.mark.parametrize("more", [(), ("--seeds", "2", "--workers", "1"), ("--dry-run",), ("--profile",)])
def test_json_is_one_object_and_nothing_else(scenario, more):
    done = fedsim("run", scenario, "--json", "--set", "stop.rounds=2", *more)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert told["kind"] == ("seeds" if "--seeds" in more else "run")
    assert {"folder": told["folder"], **json.loads(Path(told["folder"], "summary.json").read_text())} == told
    assert "tiny" in done.stderr  # how far it is goes elsewhere
    assert fedsim("run", scenario, "--json", "--quiet", "--set", "stop.rounds=2").stderr == ""


def test_json_says_nothing_where_something_is_wrong(scenario):
    done = fedsim("run", scenario, "--json", "--set", "stop.rounds=0")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "--set stop.rounds: stop.rounds: must be >= 1, got 0\n"


def test_profile_says_where_the_time_went(scenario):
    done = fedsim("run", scenario, "--profile", "--set", "stop.rounds=20")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"\nProcessor time of this machine\n(  [a-z -]+ [\d.]+ .?s +[\d.]+ %\n)+  all ", done.stdout)
    told = json.loads(Path("runs/tiny/profile.json").read_text())
    assert sum(told["parts_s"].values()) == pytest.approx(told["processor_s"])


def test_trace_is_written_by_run_and_again_from_its_folder(scenario, monkeypatch):
    assert fedsim("run", scenario, "--quiet", "--out", "one").exit_code == 0
    there = fedsim("trace", "one")
    assert (there.exit_code, there.stderr) == (
        2,
        "one/trace.json is there already: open that one, or name another with --out\n",
    )
    again = fedsim("trace", "one", "--out", "again.json")
    assert re.match(r"\d+ events in again.json\n", again.stdout)
    assert Path("again.json").read_bytes() == Path("one/trace.json").read_bytes()
    part = fedsim("trace", "one", "--out", "part.json", "--from", "1 s", "--until", "2 s")
    assert part.exit_code == 0
    starts = [event["ts"] for event in json.loads(Path("part.json").read_text())["traceEvents"] if event["ph"] == "X"]
    assert 1e6 <= min(starts) <= max(starts) < 2e6
    monkeypatch.setattr("fedsim.cli.run._TRACED", 20)
    done = fedsim("run", scenario, "--out", "two")
    assert re.search(r"^trace.json ends at [\d.]+ m?s: fedsim trace writes all of it$", done.stderr, flags=re.MULTILINE)
    assert len(Path("two/trace.json").read_text()) < len(Path("again.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "-1 s"], "--from must be >= 0 s, got -1 s"),
        (["--from", "2 s", "--until", "1 s"], "--until must be later than --from, got 1 s"),
        (["--until", "1 kg"], "'1 kg' is not a time"),
        ([], "nowhere: is no folder of results: it has no summary.json"),
        (["--out", "no/such/place.json"], "nowhere: is no folder"),
    ],
)
def test_trace_refuses_what_it_cannot_do(arguments, message):
    done = fedsim("trace", "nowhere", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(message)


def test_trace_leaves_nothing_where_it_cannot_be_written(scenario):
    fedsim("run", scenario, "--quiet", "--set", "stop.rounds=1", "--out", "one")
    done = fedsim("trace", "one", "--out", "no/such/place.json")
    assert (done.exit_code, done.stderr) == (2, "no/such/place.json cannot be written: No such file or directory\n")
    assert here() == ["one", "tiny.yaml"]


def test_options_that_do_not_go_together_are_refused(scenario):
    done = fedsim("run", scenario, "--profile", "--seeds", "2")
    assert (done.exit_code, done.stderr) == (2, "--profile is of one run: leave out --seeds\n")
    done = fedsim("run", scenario, "--workers", "2")
    assert (done.exit_code, done.stderr) == (2, "--workers share out many runs: say how many with --seeds\n")
    assert here() == ["tiny.yaml"]


def test_compare_takes_any_metric_that_all_scenarios_have(scenario):
    wishes = ("--metric", "train_loss", "--target", "0.8", "--out", "out", "--set", "stop.time=3 s")
    done = fedsim("compare", scenario, "--seeds", "1", "--workers", "1", *wishes)
    assert done.exit_code == 0, done.stderr
    assert "target: train loss at most 0.8\n" in done.stdout
    summary = json.loads(Path("out/summary.json").read_text())
    assert (summary["metric"], summary["target"], summary["falls"]) == ("train_loss", 0.8, True)


def test_a_stored_scenario_runs_again_to_the_same_bytes(scenario):
    fedsim("run", scenario, "--seed", "3", "--out", "one")
    fedsim("run", "one/scenario.yaml", "--out", "two")
    assert Path("one/events.parquet").read_bytes() == Path("two/events.parquet").read_bytes()


def test_mistakes_are_all_said_with_exit_2_and_nothing_written(scenario):
    done = fedsim("run", scenario, "--set", "learner.name=fedavgg", "--set", "stop.time=1 kg")
    assert done.exit_code == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert any("'fedavgg' is not a known learner; did you mean 'fedavg'?" in line for line in lines)
    assert here() == ["tiny.yaml"]


@pytest.mark.parametrize("command", ["run", "show", "compare"])
def test_a_missing_file_is_one_line(command):
    done = fedsim(command, "nowhere.yaml")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", "nowhere.yaml: no such file\n")


@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_full_folder_is_refused_before_anything_runs(scenario, command):
    Path("full").mkdir()
    Path("full/older").write_text("result")
    done = fedsim(command, scenario, "--out", "full")
    assert done.exit_code == 2
    assert done.stderr == "full: has files in it; give a new folder, or an empty one\n"
    assert Path("full/older").read_text() == "result"


def test_compare_prints_scenarios_side_by_side(scenario):
    Path("slow.yaml").write_text("extends: tiny.yaml\nname: slow\nlearner: {step_size: 0.1}\n")
    done = fedsim("compare", scenario, "slow.yaml", "--seeds", "2", "--workers", "1", "--set", "stop.time=5 s")
    assert done.exit_code == 0
    assert done.stdout.startswith("2 scenarios, 2 seeds; every run goes on for 5 s, the smallest stop.time\n")
    assert "target: 90 % mean accuracy" in done.stdout
    assert re.search(r"^ +tiny +slow$", done.stdout, flags=re.MULTILINE)
    assert "slow against tiny, seed by seed" in done.stdout
    assert done.stdout.endswith("written to runs/compare-tiny-slow\n")
    assert done.stderr.splitlines()[-1].startswith("4 of 4 runs  slow, seed 2: mean accuracy")
    folders = sorted(path.name for path in Path("runs/compare-tiny-slow/runs").iterdir())
    assert folders == ["slow-seed-1", "slow-seed-2", "tiny-seed-1", "tiny-seed-2"]
    assert load("runs/compare-tiny-slow/runs/tiny-seed-2/scenario.yaml").seed == 2


def test_metric_target_and_quiet_matter_to_compare(scenario):
    wishes = ("--metric", "worst_tenth", "--target", "30 %", "--quiet", "--out", "out")
    done = fedsim("compare", scenario, "--seeds", "1", "--workers", "1", "--set", "stop.time=3 s", *wishes)
    assert done.exit_code == 0
    assert (done.stdout, done.stderr) == (f"{Path('out').resolve()}\n", "")
    summary = json.loads(Path("out/summary.json").read_text())
    assert (summary["metric"], summary["target"], summary["horizon_s"]) == ("worst_tenth", 0.3, 3.0)


def test_the_mistakes_of_all_scenarios_are_said_at_once(scenario):
    Path("first.yaml").write_text("extends: tiny.yaml\nseed: -1\n")
    Path("second.yaml").write_text("extends: tiny.yaml\nlearner: fedavgg\n")
    done = fedsim("compare", scenario, "first.yaml", "second.yaml", "missing.yaml")
    assert done.exit_code == 2
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["first.yaml", "second.yaml", "missing.yaml"]
    assert here() == ["first.yaml", "second.yaml", "tiny.yaml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_output_is_one_line_and_a_reader_that_went_away_is_none():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fedsim", "list", "links"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "cannot print: No space left on device\n")
    reader = in_a_process("-m", "fedsim", "list", "links")
    reader.stdout.close()
    assert (reader.wait(), reader.stderr.read()) == (0, "")
    reader.stderr.close()


def test_a_bad_target_is_refused(scenario):
    done = fedsim("compare", scenario, "--target", "1 kg")
    assert done.exit_code == 2
    assert "'1 kg' is not a plain number or a share such as '30 %'" in done.stderr
    assert here() == ["tiny.yaml"]


def test_show_prints_a_scenario_that_loads_to_the_same(scenario):
    done = fedsim("show", scenario, "--set", "fleet.phones.count=7")
    assert done.exit_code == 0
    Path("shown.yaml").write_text(done.stdout)
    assert load("shown.yaml") == load(scenario, ["fleet.phones.count=7"])
    assert fedsim("show", "shown.yaml").stdout == done.stdout


def test_list_prints_names():
    done = fedsim("list", "overlays")
    assert done.exit_code == 0
    assert done.stdout.startswith("ring  Every peer talks to")


def test_help_names_every_list():
    named = re.findall(r"[a-z]+", fedsim("list", "--help").stdout)
    assert set(kinds()) <= set(named)


def test_an_unknown_list_is_refused():
    done = fedsim("list", "learner")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "did you mean 'learners'?" in done.stderr


def test_an_interrupt_leaves_nothing(scenario, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("fedsim.cli.run.run", interrupted)
    done = fedsim("run", scenario, "--quiet")
    assert (done.exit_code, done.stderr) == (130, "interrupted: nothing was written\n")
    assert here() == ["tiny.yaml"]


def test_version_and_help():
    assert fedsim("--version").stdout == f"fedsim {__version__}\n"
    assert "..." not in fedsim("--help").stdout.partition("Commands:")[2]
    for command in ([], ["run"], ["compare"], ["show"], ["list"], ["trace"]):
        done = fedsim(*command, "--help")
        assert done.exit_code == 0
        assert "Usage:" in done.stdout


def test_help_imports_nothing_slow():
    script = (
        "import sys; import fedsim.cli; "
        "print([name for name in ('numpy', 'pandas', 'pint', 'rich.table') if name in sys.modules])"
    )
    out, err = in_a_process("-c", script).communicate()
    assert (out, err) == ("[]\n", "")


def test_a_run_needs_neither_pyplot_nor_the_statistics_of_scipy():
    script = (
        "import sys; import fedsim.study.run; "
        "print([name for name in ('matplotlib', 'scipy.stats') if name in sys.modules])"
    )
    out, err = in_a_process("-c", script).communicate()
    assert (out, err) == ("[]\n", "")


def test_ctrl_c_in_the_middle_of_a_run(tiny, tmp_path):
    Path("long.yaml").write_text(yaml.safe_dump({**tiny, "stop": {"time": "1000 h"}}))
    running = in_a_process("-m", "fedsim", "run", "long.yaml", cwd=tmp_path)
    assert running.stderr.readline().startswith("tiny  0 s")  # it has begun
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "interrupted: nothing was written"
    assert "Traceback" not in err
    assert here() == ["long.yaml"]


def test_show_describes_and_draws_a_topology_of_any_format():
    Path("lines.csv").write_text("u,v,delay_s,capacity_bps\na,b,0.001,1e9\n")
    Path("ring.yaml").write_text("generate: ring\nnodes: 4\n")
    done = fedsim("show", "lines.csv", "--out", "lines.png")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("lines: imported from lines.csv\n  nodes              2 (2 router)\n")
    assert done.stderr == "drawn in lines.png\n"
    assert Path("lines.png").read_bytes().startswith(b"\x89PNG")
    done = fedsim("show", "ring.yaml", "--out", "ring.svg")
    assert "farthest in hops   2, node-0 to node-2" in done.stdout
    assert "<svg" in Path("ring.svg").read_text()


def test_show_draws_the_topology_of_a_scenario(scenario):
    done = fedsim("show", scenario, "--set", "seed=3", "--out", "tiny.svg")
    assert done.exit_code == 0
    assert yaml.safe_load(done.stdout)["seed"] == 3
    assert ">cell<" in Path("tiny.svg").read_text()


def test_show_draws_when_a_fleet_is_there(scenario):
    done = fedsim("show", scenario, "--availability", "day.png")
    assert (done.exit_code, done.stderr) == (0, "drawn in day.png\n")
    assert Path("day.png").read_bytes().startswith(b"\x89PNG")
    again = fedsim("show", scenario, "--availability", "day.png")
    assert (again.exit_code, again.stderr) == (2, "day.png is there already: nothing is written over\n")
    lost = fedsim("show", scenario, "--availability", "day.what")
    assert lost.exit_code == 2
    assert "day.what cannot be written" in lost.stderr


def test_show_says_and_draws_how_the_data_lie(scenario):
    done = fedsim("show", scenario, "--data", "data.png")
    assert (done.exit_code, done.stderr) == (0, "drawn in data.png\n")
    assert "# data: iris\n#   devices            4\n#   training examples  " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("#   label skew         mean 0.")
    assert Path("data.png").read_bytes().startswith(b"\x89PNG")
    assert fedsim("show", scenario, "--data", "data.png").stderr.startswith("data.png is there already")


def test_show_shows_a_scenario_whose_data_are_not_here(scenario):
    done = fedsim("show", scenario, "--set", "data=har")
    assert done.exit_code == 0
    assert "# data: cannot be shown\n#   tiny.yaml: data: har.npz: no data folder is named" in done.stdout
    assert yaml.safe_load(done.stdout)["data"]["name"] == "har"
    lost = fedsim("show", scenario, "--set", "data=har", "--data", "data.png")
    assert (lost.exit_code, lost.stdout) == (2, "")
    assert lost.stderr.startswith("tiny.yaml: data: har.npz: no data folder is named: set FEDSIM_DATA")


def test_show_refuses_what_it_cannot_do():
    Path("ring.yaml").write_text("generate: ring\n")
    assert (
        fedsim("show", "ring.yaml", "--set", "nodes=4").stderr == "ring.yaml: is a topology; --set is for scenarios\n"
    )
    assert fedsim("show", "ring.yaml", "--availability", "day.png").exit_code == 2
    assert (
        fedsim("show", "ring.yaml", "--data", "d.png").stderr == "ring.yaml: is a topology; --data is for scenarios\n"
    )
    done = fedsim("show", "ring.yaml", "--out", "ring.jpg")
    assert done.exit_code == 2
    assert "'.jpg' is not a known suffix of a picture" in done.stderr
    assert done.stdout == ""
    assert fedsim("show", "ring.yaml", "--out", "nowhere/ring.png").stderr == (
        "nowhere/ring.png: cannot be written: No such file or directory\n"
    )
    Path("bad.gml").write_text("graph [")
    done = fedsim("show", "bad.gml")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)


def test_calibrate_prints_the_fit_and_the_lines_to_paste():
    rows = ["flops,batch,steps,seconds", "1e6,10,100,2", "1e8,10,10,10.1", "1e8,20,10,20.1"]
    Path("times.csv").write_text("\n".join(rows))
    done = fedsim("calibrate", "times.csv")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"^  speed +1 GFLOP/s  \(95 %: ", done.stdout, flags=re.MULTILINE)
    assert "    speed: 1 GFLOP/s\n    step_overhead: 10 ms" in done.stdout
    Path("times.csv").write_text("\n".join(rows), encoding="utf-8-sig")  # as spreadsheets write it
    assert fedsim("calibrate", "times.csv").stdout == done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "flops,bach,steps,seconds\n1,1,1,1\n",
            "times.csv: batch: this column is missing (examples in a step); did you",
        ),
        ("flops,batch,steps,seconds\n1,1,x,-1\n", "times.csv: line 2: steps: must be a number > 0, got 'x'"),
        ("flops,batch,steps,seconds\n", "times.csv: has no rows"),
        ("flops,batch,steps,seconds\n1,1,1,1\n", "times.csv: measurements must differ in operations per step"),
        ("flops,batch,steps,seconds\n1,1,1,1,1\n", "times.csv: line 2: must have 4 cells, got more"),
        ("flops,batch,steps,seconds,flops\n1,1,1,1,2\n", "times.csv: flops: this column must be there once"),
        (f"flops,batch,steps,seconds\n{'1' * 200_000},1,1,1\n", "times.csv: cannot be read: field larger than"),
    ],
)
def test_measurements_that_say_nothing_are_refused(text, words):
    Path("times.csv").write_text(text)
    done = fedsim("calibrate", "times.csv")
    assert done.exit_code == 2
    assert words in done.stderr


def test_measurements_that_are_not_there_are_refused():
    done = fedsim("calibrate", "times.csv")
    assert (done.exit_code, "times.csv: cannot be read" in done.stderr) == (2, True)


def test_a_life_is_drawn_from_a_run_s_folder(scenario):
    fedsim("run", scenario, "--set", "lives=[phones-02]")
    done = fedsim("life", "runs/tiny", "phones-02")
    assert (done.exit_code, done.stdout) == (0, "phones-02.png\n")
    assert Path("phones-02.png").read_bytes().startswith(b"\x89PNG")
    assert "phones-02.png is there already" in fedsim("life", "runs/tiny", "phones-02").stderr
    assert "is not a known recorded life" in fedsim("life", "runs/tiny", "phones-01").stderr
    assert "cannot be written" in fedsim("life", "runs/tiny", "phones-02", "--out", "no/where.png").stderr


COUNTS = ["--set", "data={name: counts, examples: {uniform: [5, 200]}}", "--set", "stop={time: 3 s}"]


def test_a_dry_run_says_that_nothing_was_learned(scenario):
    done = fedsim("run", scenario, "--dry-run", "--set", "stop={rounds: 3}", "--out", "dry")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"^  timing run +nothing was learned$", done.stdout, flags=re.MULTILINE)
    assert "nan" not in (done.stdout + done.stderr).lower()
    assert json.loads(Path("dry/summary.json").read_text())["learned"] is False
    assert not Path("dry/quality.png").exists()


def test_timing_runs_are_compared_by_what_they_took_and_need_no_target(scenario):
    done = fedsim("compare", scenario, scenario, *COUNTS, "--seeds", "2", "--workers", "1", "--out", "both")
    assert done.exit_code == 0, done.stderr
    assert "timing runs: nothing was learned, and there is no quality to compare\n" in done.stdout
    assert re.search(r"^    energy +[\d.]+ m?J +[\d.]+ m?J$", done.stdout, flags=re.MULTILINE)
    assert not re.search("nan|accuracy|worst|to target", (done.stdout + done.stderr).lower())
    assert not Path("both/quality.png").exists()
    assert pd.read_csv("both/runs.csv")["mean_accuracy"].isna().all()


def test_a_target_for_timing_runs_is_refused(scenario):
    done = fedsim("compare", scenario, *COUNTS, "--target", "50 %")
    assert (done.exit_code, done.stderr) == (
        2,
        "target says nothing here: nothing is learned in timing runs, got 0.5\n",
    )
    assert here() == ["tiny.yaml"]


def test_a_timing_run_beside_one_that_learns_has_no_quality(scenario):
    words = yaml.safe_load(Path(scenario).read_text())
    Path("counts.yaml").write_text(yaml.safe_dump({**words, "name": "counts", "data": "counts"}))
    done = fedsim("compare", scenario, "counts.yaml", "--seeds", "2", "--workers", "1", "--set", "stop.time=3 s")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"^    mean accuracy +[\d.]+ % +-$", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^  mean accuracy +- +- +- +nothing to compare$", done.stdout, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("devices", "phone-mid  Redmi Note 8 class"),
        ("links", "paging_wait"),
        ("laws", "{weibull: {scale: 16005 s, shape: 0.656}}"),
        ("availabilities", "27 % of the time in the long run"),
        ("speeds", "phones-2023"),
    ],
)
def test_list_shows_numbers_of_devices_and_their_sources(what, words):
    done = fedsim("list", what)
    assert (done.exit_code, words in done.stdout) == (0, True)
    assert what == "laws" or "Sources" in done.stdout


def test_a_life_needs_a_run(scenario):
    done = fedsim("life", "nowhere", "phones-02")
    assert (done.exit_code, done.stderr) == (2, "nowhere is not the folder of a run: it has no events.parquet\n")
    assert here() == [scenario]
    Path("events.parquet").write_text("events")
    broken = fedsim("life", ".", "phones-02")
    assert (broken.exit_code, broken.stderr.startswith("events.parquet: cannot be read: ")) == (2, True)


def test_why_says_what_decided_how_long_a_run_took(scenario):
    fedsim("run", scenario, "--quiet")
    done = fedsim("why", "runs/tiny")
    assert done.exit_code == 0
    assert done.stdout.startswith("tiny, seed 1: the critical path of ")
    assert re.search(r"^\d+ % of the time to target is waking radios over 4g of \d devices", done.stdout, re.MULTILINE)
    for title in ("By phase", "By link", "By device", "Messages, by part"):
        assert f"\n{title}\n" in done.stdout


def test_why_of_what_is_no_run(scenario):
    fedsim("compare", scenario, "--seeds", "1", "--quiet", "--workers", "1")
    done = fedsim("why", "runs/compare-tiny")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "holds a comparison, not one run" in done.stderr


def test_whatif_ranks_changes_and_writes_a_folder(scenario):
    options = ("--only", "cohort-x2", "--only", "no-failures", "--seeds", "2", "--workers", "1")
    done = fedsim("whatif", scenario, *options)
    assert done.exit_code == 0, done.stderr
    assert "time to 90 % mean accuracy; most gain first" in done.stdout
    assert re.search(r"^  cohort-x2 +\d of 2 ", done.stdout, re.MULTILINE)
    assert re.search(r"^  no-failures +nothing fails$", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("written to runs/whatif-tiny\n")
    assert sorted(path.name for path in Path("runs/whatif-tiny/runs").iterdir()) == [
        *("as-it-is-seed-1", "as-it-is-seed-2", "cohort-x2-seed-1", "cohort-x2-seed-2")
    ]


def test_whatif_for_scripts(scenario):
    only = ("--only", "cohort-x2", "--seeds", "1", "--workers", "1", "--by", "bytes", "--out", "here")
    words = json.loads(fedsim("whatif", scenario, *only, "--json").stdout)
    assert (words["kind"], words["by"], Path(words["folder"]).name) == ("whatif", "bytes", "here")
    assert [row["change"] for row in words["table"]] == ["as-it-is", "cohort-x2"]
    assert fedsim("whatif", scenario, *only[:-1], "there", "--quiet").stdout.strip().endswith("there")


def test_whatif_lists_its_changes():
    done = fedsim("whatif", "--list")
    assert done.exit_code == 0
    assert re.search(r"^  ring +peers on a ring in place of the server$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a scenario, or ask for --list"),
        (("tiny.yaml", "--only", "wfi"), "did you mean 'wifi'"),
        (("tiny.yaml", "--by", "money"), "'money' is not a known way to rank"),
        (("absent.yaml",), "absent.yaml"),
    ],
)
def test_whatif_refuses_what_it_does_not_know(scenario, arguments, message):
    done = fedsim("whatif", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert here() == [scenario]
