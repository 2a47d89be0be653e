"""Scenario files of strangers: each runs within a small budget, or is refused in words that name it."""

import random
import re
import shutil
from functools import cache

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import CHANGES, changed, changes, flipped, flips
from pages import ROOT, pages, with_example, write_files
from strangers import attempt

from fedsim.errors import ScenarioError
from fedsim.scenario import check, load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.underlay import read_underlay
from fedsim.study.plan import read_plan

PLACE = "stranger.yaml"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what ships, and with the files that pages name."""
    for name in ("topologies", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path / "scenarios")
    write_files(tmp_path / "scenarios")
    return tmp_path / "scenarios"


@cache
def corpus(tiny_text):
    """Scenarios that ship, as they are and with all defaults; and examples of all pages in a tiny one."""
    tiny = yaml.safe_load(tiny_text)
    shipped = sorted((ROOT / "scenarios").glob("*.yaml"))
    examples = [with_example(tiny, one) for page in pages() for one in [*page.yaml(), *page.inline()]]
    whole = [yaml.safe_load(resolved(load(path))) for path in shipped]
    return [*(yaml.safe_load(path.read_text(encoding="utf-8")) for path in shipped), *whole, *examples]


def written(folder, content):
    path = folder / PLACE
    path.write_bytes(content)
    return path


def judged(path):
    """Whether it ran; a refusal names the file, or one that it names, in every line."""
    said = attempt(path)
    for line in said.splitlines():
        assert re.search(r"\.(ya?ml|csv|gz|graphml|gml|json|xml|npz)|\.\.\. and \d+ more", line), line
        assert "Traceback" not in line
        assert "root:" not in line  # what /etc/passwd has in it
    return not said


def as_yaml(words):
    return yaml.safe_dump(words, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")


NO_CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(deadline=None, max_examples=100, suppress_health_check=NO_CHECKS)
@given(number=st.integers(0, 10**6), what=changes)
def test_changed_scenarios_run_or_are_refused(folder, tiny, number, what):
    known = corpus(yaml.safe_dump(tiny))
    judged(written(folder, as_yaml(changed(known[number % len(known)], known, what))))


@settings(deadline=None, max_examples=100, suppress_health_check=NO_CHECKS)
@given(number=st.integers(0, 10**6), what=flips)
def test_files_with_flipped_bytes_run_or_are_refused(folder, tiny, number, what):
    known = corpus(yaml.safe_dump(tiny))
    judged(written(folder, flipped(as_yaml(known[number % len(known)]), what)))


@cache
def topologies():
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "topologies").glob("*.yaml"))]


@settings(deadline=None, max_examples=100, suppress_health_check=NO_CHECKS)
@given(number=st.integers(0, 10**6), what=changes)
def test_changed_topologies_are_read_or_refused(tmp_path, number, what):
    path = tmp_path / "net.yaml"
    path.write_bytes(as_yaml(changed(topologies()[number % len(topologies())], topologies(), what)))
    try:
        read_underlay(path, 1, standard_catalogue())
    except ScenarioError as error:
        assert all(str(path) in line or "more" in line for line in str(error).splitlines())  # noqa: PT017  # either is right


STUDY = {
    "name": "s",
    "scenario": "quickstart.yaml",
    "scenarios": [{"label": "a", "set": {"learner.epochs": 2}}],
    "vary": {"protocol.cohort": [5, 10], "protocol.deadline": {"uniform": ["1 s", "10 s"]}},
    "sample": {"random": 2},
    "seeds": 2,
    "set": {"stop.time": "1 min"},
}


@settings(deadline=None, max_examples=20, suppress_health_check=NO_CHECKS)
@given(what=changes)
def test_changed_studies_are_planned_or_refused(folder, what):
    path = folder / "study.yaml"
    path.write_bytes(as_yaml(changed(STUDY, [STUDY], what)))
    try:
        read_plan(path)
    except ScenarioError as error:
        assert str(error)  # noqa: PT017  # either is right


@settings(deadline=None, max_examples=60, suppress_health_check=NO_CHECKS)
@given(setting=st.text(max_size=30) | st.from_regex(r"[a-z*.0-9]{1,20}=[\[\]{}:,a-z0-9 .&*!-]{0,12}", fullmatch=True))
def test_any_setting_is_taken_or_refused(folder, tiny, setting):
    try:
        load(written(folder, as_yaml(tiny)), [setting])
    except ScenarioError as error:
        assert str(error)  # noqa: PT017  # either is right


@pytest.mark.long
def test_ten_thousand_strangers(folder, tiny):
    """Nine of ten changed in structure, the others in bytes; the same ten thousand every time."""
    known = corpus(yaml.safe_dump(tiny))
    ran = sum(judged(written(folder, stranger(known, seed))) for seed in range(10_000))
    assert ran > 500


def stranger(known, seed):
    """A file from luck."""
    luck = random.Random(seed)
    words = luck.choice(known)
    if luck.random() < 0.1:
        spots = [(luck.randrange(10**9), luck.randrange(256), luck.random() < 0.5) for _ in range(luck.randint(1, 5))]
        return flipped(as_yaml(words), spots)
    number = luck.choice([1, 1, 1, 2, 3, 4])
    what = [(luck.choice(CHANGES), luck.randrange(10**9), luck.randrange(10**9)) for _ in range(number)]
    return as_yaml(changed(words, known, what))


def test_what_is_not_broken_runs(folder, tiny):
    assert judged(written(folder, as_yaml(tiny)))
    assert check(tiny).name == "tiny"
