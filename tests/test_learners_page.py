"""docs/learners.md stays true: the file shown is the file shipped, its examples load, its tables are the code's.

That its Python runs is seen with that of all pages.
"""

import re
from pathlib import Path

import pytest
import yaml

from fedsim.scenario import check
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.testing import small_problem

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "learners.md").read_text(encoding="utf-8")
LEARNERS = standard_catalogue().kinds["learner"]


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def rows(heading):
    """The cells of a table, by its first column."""
    start = PAGE.index(f"| {heading} |")
    lines = PAGE[start:].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_the_file_shown_is_the_file_shipped():
    shipped = (ROOT / "fedsim" / "learners" / "fedprox.py").read_text(encoding="utf-8")
    assert shipped in blocks("python")
    assert len([line for line in shipped.splitlines() if line.strip()]) < 40


def test_every_learner_stands_there_with_all_its_parameters_at_their_defaults():
    catalogue = standard_catalogue()
    lines = [line for block in blocks("text") for line in block.splitlines() if line.startswith("learner: {name")]
    said = [yaml.safe_load(line)["learner"] for line in lines]
    ships = [catalogue.write(catalogue.read("learner", name)) for name in LEARNERS if not LEARNERS.package(name)]
    assert said == ships


def test_examples_load(tiny):
    for example in re.findall(r"^    (learner: \{.*\})$", PAGE, flags=re.MULTILINE):
        check({**tiny, **yaml.safe_load(example)})
    for words in re.findall(r"`(\{name: (?:exponential|milestones)[^`]*\})`", PAGE):
        check({**tiny, "learner": {"name": "fedavg", "decay": yaml.safe_load(words)}})


def test_every_learner_is_in_the_table():
    assert list(rows("name")) == list(LEARNERS)


@pytest.mark.parametrize("name", ["fedsgd", "fedavg", "fedprox", "scaffold", "feddyn"])
def test_messages_and_operations(name):
    _, down, up, operations, _ = rows("name")[name]
    learner, plain, problem = LEARNERS[name].type(), LEARNERS["fedavg"].type(), small_problem()
    models = 4 * problem.model.parameters
    assert (learner.down_bytes(problem) / models, learner.up_bytes(problem) / models) == (float(down), float(up))
    cost, base = learner.local_cost(problem, 0), plain.local_cost(problem, 0)
    d = int(operations.split()[0])
    assert cost.step_flops - base.step_flops == pytest.approx(d * problem.model.parameters)
    a_round = re.search(r"; (\d) d a round", operations)
    assert cost.begin_flops == (int(a_round[1]) if a_round else 0) * problem.model.parameters


def test_defaults_of_the_servers_optimisers():
    catalogue = standard_catalogue()
    for name, (_, defaults) in rows("`server`").items():
        words = dict(item.split() for item in defaults.split(", ")) if defaults else {}
        if defaults == "as `adam`":
            continue
        written = catalogue.write(catalogue.read("learner", {"name": "fedavg", "server": name}))["server"]
        assert {key: float(value) for key, value in words.items()} == {k: v for k, v in written.items() if k != "name"}
    adam, yogi = (
        catalogue.write(catalogue.read("learner", {"name": "fedavg", "server": name}))["server"]
        for name in ("adam", "yogi")
    )
    assert {**adam, "name": "yogi"} == yogi


def test_links_and_files_are_there():
    files = re.findall(r"`((?:fedsim|tests|scenarios)/[\w/.]+)`", PAGE)
    assert len(files) >= 4
    assert all((ROOT / file).exists() for file in files)
