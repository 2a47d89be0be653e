"""SimPy's documented examples give their documented output here, as generators and as coroutines.

The documentation's own scripts are not part of this project. Where ``SIMPY_EXAMPLES`` names the folder
``docs/examples/code`` of SimPy's sources (release 4.1), they run here, unchanged. Everywhere else the same models in
our own words do, and what they print must have the digest of the documented output.
"""

import hashlib
import importlib.util
import os
import re
from pathlib import Path

import pytest
import simpy

from fedsim.kernel import Environment

PAGE = Path(__file__).parents[2] / "docs" / "kernel_examples.md"
BLOCKS = dict(re.findall(r"```python\n# (\w+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))

# SHA-256 of the output that SimPy's documentation shows for each.
DOCUMENTED = {
    "bank_renege": "060b287b4c0589346dac82134f9b812e4cea570b912564a1d1864e00467a908d",
    "gas_station_refuel": "ca972d3c6a1ce8b8be326f5491af6c95788b0f1474912f9ad212c6733a825a77",
    "machine_shop": "30e19127784ff341b5751bfe2487b9d701e0b91241cfd9dfa8cd6676adc44491",
    "movie_renege": "76fcdffd3db81a4cdf2664ba587cbdf76edcd6a065bf3866f6d6b40288995ab5",
    "process_communication": "1f75a33db2a753b09f95bc467bc0797012fa5e517c12b8a612b4d06ba17b084e",
}

each = pytest.mark.parametrize("name", sorted(DOCUMENTED))


def run(code, name):
    exec(compile(code, name, "exec"), {"__name__": "__main__"})  # noqa: S102  # an example is a script


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture(scope="module")
def models():
    spec = importlib.util.spec_from_file_location("simpy_models", Path(__file__).with_name("simpy_models.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each
@pytest.mark.parametrize("environment", [simpy.Environment, Environment], ids=["simpy", "here"])
def test_the_generators_print_what_simpy_documents(name, environment, models, capsys):
    getattr(models, name)(environment())
    assert digest(capsys.readouterr().out) == DOCUMENTED[name]


@each
def test_the_coroutines_of_our_documentation_print_the_same(name, capsys):
    run(BLOCKS[name], name)
    assert digest(capsys.readouterr().out) == DOCUMENTED[name]


@each
def test_the_original_runs_unchanged(name, monkeypatch, capsys):
    folder = os.environ.get("SIMPY_EXAMPLES")
    if folder is None:
        pytest.skip("SIMPY_EXAMPLES does not name a folder with SimPy's own examples")
    monkeypatch.setattr(simpy, "Environment", Environment)
    run((Path(folder) / f"{name}.py").read_text(encoding="utf-8"), name)
    assert digest(capsys.readouterr().out) == DOCUMENTED[name]


def test_the_page_has_all_of_them():
    assert BLOCKS.keys() == DOCUMENTED.keys()
