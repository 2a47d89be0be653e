"""The README stays true: its Python runs, its commands are the ones that are checked, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_python_example_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    (example,) = blocks("python")
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # our own words
    printed = capsys.readouterr().out
    seconds = float(re.search(r"90 % after ([\d.]+) s", printed)[1])
    assert 1 < seconds < 120
    assert "pieces of work lost to surplus" in printed


def test_the_test_command_is_what_ci_runs():
    (command,) = [block.strip() for block in blocks("sh") if "pytest" in block]
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_commands_name_files_that_are_there():
    words = [word for block in blocks("sh") for word in shlex.split(block, comments=True)]
    files = [word for word in words if word.endswith(".yaml")]
    assert len(files) >= 4
    assert all((ROOT / file).is_file() for file in files)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()
