"""The page on sweeping stays true: its studies can be planned, and its table of variations says what they give."""

import re
from pathlib import Path

import pytest
import yaml

from fedsim.scenario.study_file import StudyFile
from fedsim.scenario.variation import Listed, read_variation
from fedsim.study.plan import read_plan

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sweeping.md").read_text(encoding="utf-8")
STUDIES = [block for block in re.findall(r"(?:^    .*\n)+", PAGE, flags=re.MULTILINE) if "scenario:" in block]


@pytest.mark.parametrize("block", STUDIES)
def test_every_study_of_the_page_can_be_planned(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    plan = read_plan(yaml.safe_load(block))
    assert {"deadlines": 24, "who": 3}[plan.study.name] == len(plan.points)


def test_every_key_is_explained():
    keys = {field.alias or name for name, field in StudyFile.model_fields.items()}
    assert {key for key in keys if not re.search(rf"^\| .*`{key}`.* \|", PAGE, flags=re.MULTILINE)} == set()


def test_every_variation_of_the_table_is_one():
    rows = re.findall(r"^\| `([\[{].*?[\]}])` \|", PAGE, flags=re.MULTILINE)
    found = [read_variation(yaml.safe_load(words)) for words in rows]
    assert len(found) == 7
    assert [one.values for one in found if isinstance(one, Listed)][1:] == [
        ("1 s", "4 s", "7 s", "10 s"), (0.01, 0.1, 1.0),
    ]  # fmt: skip


def test_the_study_that_ships_is_the_one_shown():
    plan = read_plan(ROOT / "scenarios" / "studies" / "deadline.yaml")
    shown = re.findall(r"^      (over_selection-\S+) ", PAGE, flags=re.MULTILINE)
    assert shown == [point.label for point in plan.points[:4]]
