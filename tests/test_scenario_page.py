"""docs/scenario.md is what the schema says, and what it says of ranges is what the reader does."""

import re
import runpy
from pathlib import Path

import pytest

from fedsim.errors import FedsimError
from fedsim.scenario.block import describe_block, read_block
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.definitions import Definitions
from fedsim.scenario.reference import reference
from fedsim.scenario.refusal import Refused

PAGE = Path(__file__).parents[1] / "docs" / "scenario.md"


def test_the_page_is_what_the_schema_says():
    assert reference() == PAGE.read_text(encoding="utf-8"), "write it anew: python -m fedsim.scenario.reference"


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # it is imported above
def test_the_command_that_the_page_names_writes_it(capsys):
    [command] = re.findall(r"`python (-m [\w.]+) > docs/scenario.md`", PAGE.read_text(encoding="utf-8"))
    runpy.run_module(command.removeprefix("-m "), run_name="__main__")
    assert capsys.readouterr().out == PAGE.read_text(encoding="utf-8")


def test_every_key_has_its_meaning():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    keys = [row.replace("\\|", "/").strip("|").split("|") for row in rows]
    assert len(keys) > 600
    assert [cells[0] for cells in keys if len(cells) == 4 and not cells[3].strip().endswith((".", ")"))] == []


BEYOND = {
    "> 0": [0, -1],
    ">= 0": [-1],
    ">= 1": [0, -1],
    ">= 2": [1, 0],
    "above 0 and at most 1": [0, 2],
    "at least 0 and below 1": [-1, 1],
    "between 0 and 1": [0, 1],
    "from 0 to 1": [-1, 2],
}
CATALOGUE = standard_catalogue()
BLOCKS = [
    *((kind.type, kind.provided) for kinds in CATALOGUE.kinds.values() for kind in (kinds[name] for name in kinds)),
    *((cls, {}) for options in CATALOGUE.choices.values() for cls in options.values()),
]


@pytest.mark.parametrize(("cls", "provided"), dict.fromkeys((cls, tuple(known.items())) for cls, known in BLOCKS))
def test_ranges_are_those_of_the_reader(cls, provided):
    told = describe_block(cls, CATALOGUE.choices, Definitions(), provided=dict(provided))
    needed = {key: _sound(told["properties"][key]) for key in told.get("required", ())}
    for key, shape in told["properties"].items():
        found = re.search(
            r"; (above 0 [\w ]+|at least 0 [\w ]+|between [\w ]+|from 0 to 1|>=? \d)\W", shape["description"]
        )
        for value in BEYOND[found[1]] if found else ():
            with pytest.raises((Refused, FedsimError), match=r"\w"):
                read_block(cls, {**needed, key: value}, CATALOGUE.choices, dict(provided))


def _sound(shape):
    return "x" if shape.get("type") == "string" else "ring" if "overlay" in shape.get("$ref", "") else 1
