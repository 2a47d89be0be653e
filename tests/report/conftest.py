"""Folders of results that were really simulated, small enough to be made for every session."""

from copy import deepcopy

import pytest
import yaml

from fedsim.report.page.writing import write_report
from fedsim.scenario import check
from fedsim.study.compare import compare
from fedsim.study.folder import write, write_comparison
from fedsim.study.run import run
from fedsim.study.sweep import sweep

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
def pages(run_folder, comparison_folder, study_folder):
    """The reports of all three, by what they are of."""
    folders = {"run": run_folder, "comparison": comparison_folder, "study": study_folder}
    return {name: write_report(folder)[0] for name, folder in folders.items()}
