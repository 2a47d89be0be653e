"""Folders of results that were really simulated, small enough to be made for every session."""

from copy import deepcopy

import pytest
import yaml

from fedsim.report.page.writing import write_report
from fedsim.scenario import check
from fedsim.study.compare import compare
from fedsim.study.folder import origin, write, write_comparison, write_json, write_run
from fedsim.study.run import run
from fedsim.study.sweep import sweep
from fedsim.study.whatif import whatif
from fedsim.study.whatif_folder import write_whatif

EVIL = "</script><script>alert(1)</script>\"'&"
"""A name that a node of a topology may have."""


@pytest.fixture(scope="session")
def evil(tiny):
    """A scenario whose texts would be markup, where they are not escaped."""
    words = deepcopy(tiny)
    words["topology"] = {
        "name": "pair",
        "about": f"<b>{EVIL}</b>",
        "nodes": {"server": {"kind": "server"}, EVIL: {"kind": "cell"}},
        "links": [{"from": "server", "to": EVIL, "capacity": "100 Mbit/s", "delay": "5 ms"}],
    }
    words["fleet"][0]["at"] = EVIL
    words["fleet"] += [{**words["fleet"][0], "name": "tablets", "link": "wifi", "count": 2}]
    words["stop"] = {"metric": "mean_accuracy", "target": "70 %", "time": "20 s", "rounds": 20}
    return words


@pytest.fixture(scope="session")
def run_folder(evil, tmp_path_factory):
    return write(run(evil), tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="session")
def comparison(evil):
    slow = {**evil, "name": "slow", "learner": {"name": "fedavg", "step_size": 0.02}}
    return compare([check(evil), check(slow)], [1, 2], metric="mean_accuracy")


@pytest.fixture(scope="session")
def comparison_folder(comparison, tmp_path_factory):
    return write_comparison(comparison, tmp_path_factory.mktemp("report") / "comparison")


@pytest.fixture(scope="session")
def study_folder(evil, tmp_path_factory):
    place = tmp_path_factory.mktemp("report")
    (place / "tiny.yaml").write_text(yaml.safe_dump(evil))
    study = {
        "name": "steps",
        "question": f"Which step size? {EVIL}",
        "shows": "Larger ones are <i>faster</i>.",
        "scenario": str(place / "tiny.yaml"),
        "vary": {"learner.step_size": [0.02, 0.1, 0.5, 1.0], "protocol.cohort": [2, 4]},
        "seeds": [1],
    }
    sweep(study, out=place / "study")
    return place / "study"


@pytest.fixture(scope="session")
def changes_folder(evil, tmp_path_factory):
    found = whatif(check(evil), seeds=[1, 2, 3], changes=["wifi", "cohort-x2"])
    return write_whatif(found, tmp_path_factory.mktemp("report") / "whatif")


@pytest.fixture(scope="session")
def seeds_folder(evil, tmp_path_factory):
    """As ``fedsim run --seeds`` writes it."""
    runs = [run(evil, seed=seed) for seed in (1, 2)]
    folder = tmp_path_factory.mktemp("report") / "seeds"
    for run_ in runs:
        inside = folder / "runs" / f"tiny-seed-{run_.seed}"
        inside.mkdir(parents=True)
        write_run(run_, inside)
    write_json({**origin("seeds"), "name": "tiny", "seeds": [run_.seed for run_ in runs]}, folder / "summary.json")
    return folder


@pytest.fixture(scope="session")
def folders(run_folder, seeds_folder, comparison_folder, study_folder, changes_folder):
    """One of each kind."""
    return {
        "run": run_folder,
        "seeds": seeds_folder,
        "comparison": comparison_folder,
        "study": study_folder,
        "whatif": changes_folder,
    }


@pytest.fixture(scope="session")
def pages(folders):
    """The reports, by what they are of."""
    return {name: write_report(folder)[0] for name, folder in folders.items()}
