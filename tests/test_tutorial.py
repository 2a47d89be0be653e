"""The tutorial is true: its files are written, its commands run one after another, and print what it says."""

import re
import shlex
import shutil

import pytest
from pages import ROOT
from typer.testing import CliRunner

from fedsim.cli.app import app

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(yml|sh|text)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
FANS_OUT = {"compare", "sweep", "whatif"}


def words_of(text):
    """Its lines, each with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "topologies", tmp_path / "topologies")  # a link would lead out of the folder
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_the_question_to_the_report(folder):
    pytest.importorskip("plotly", reason="reports are an extra")
    printed, told = "", 0
    for language, text in BLOCKS:
        if language == "yml":
            (folder / re.match(r"# (\w+\.yaml)\n", text)[1]).write_text(text, encoding="utf-8")
        elif language == "sh":
            printed = "".join(printed_by(line) for line in text.splitlines())
        else:
            lines = words_of(printed)
            missing = [line for line in words_of(text) if not any(line in found for found in lines)]
            assert missing == [], printed
            told += 1
    assert told == sum(language == "text" for language, _ in BLOCKS)
    assert (folder / "runs" / "work" / "report.html").stat().st_size > 10_000


def printed_by(line):
    _, command, *arguments = shlex.split(line)
    one_process = ["--workers", "1"] if command in FANS_OUT else []
    outcome = CliRunner().invoke(app, [command, *arguments, *one_process])
    assert outcome.exit_code == 0, f"{line}\n{outcome.output}"
    return outcome.output
