"""Imports point down: a layer knows the layers below it, and nothing above or beside it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "fedsim"

BOTTOM = {"errors", "limits", "units", "problems", "yamlfile", "version"}
MAY_IMPORT = {
    "kernel": BOTTOM,
    "system": BOTTOM | {"kernel"},
    "tasks": BOTTOM,
    "learners": BOTTOM | {"tasks"},
    "protocols": BOTTOM | {"learners", "tasks"},
}
MAY_IMPORT["testing"] = BOTTOM | {"learners", "tasks"}
MAY_IMPORT["scenario"] = BOTTOM | {"kernel", "system", "tasks", "learners", "protocols"}
MAY_IMPORT["study"] = MAY_IMPORT["scenario"] | {"scenario"}
MAY_IMPORT["report"] = MAY_IMPORT["study"] | {"study"}
MAY_IMPORT["cli"] = MAY_IMPORT["report"] | {"report"}


def layer_of(file):
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(file):
    for node in ast.walk(ast.parse(file.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("fedsim."))


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_from_below(layer):
    for file in sorted((PACKAGE / layer).rglob("*.py")):
        above = set(imported_layers(file)) - MAY_IMPORT[layer] - {layer}
        assert not above, f"{file.relative_to(PACKAGE)} imports {', '.join(sorted(above))}"


def test_the_bottom_imports_only_the_bottom():
    for file in sorted(PACKAGE.glob("*.py")):
        if layer_of(file) in BOTTOM:
            assert set(imported_layers(file)) <= BOTTOM, file


def test_every_folder_is_a_layer():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == set(MAY_IMPORT)


@pytest.mark.parametrize("layer", ["tasks", "learners"])
def test_numerics_cannot_reach_a_clock(layer):
    for file in sorted((PACKAGE / layer).rglob("*.py")):
        tree = ast.parse(file.read_text())
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not modules & {"asyncio", "simpy", "time"}, file
        assert not [node for node in ast.walk(tree) if isinstance(node, (ast.AsyncFunctionDef, ast.Await))], file


def test_nothing_asks_the_host_what_time_it_is():
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time":
                may = file.parent.name == "kernel" or file.name in {"remaining.py", "host_profile.py"}
                assert may, f"{file}: time.{node.attr}"
