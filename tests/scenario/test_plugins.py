"""Learners and models of other packages: small distributions on the path, as pip would have installed them."""

import sys

import pytest
from rich.console import Console

from fedsim.errors import FedsimError, ScenarioError
from fedsim.learners.fedavg import FedAvg
from fedsim.report.grid import show
from fedsim.report.listing import listing
from fedsim.scenario import check
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.study.run import run

LEARNER = '''
from dataclasses import dataclass
from fedsim.learners.fedavg import FedAvg

@dataclass(frozen=True, kw_only=True, slots=True)
class Halving(FedAvg):
    """FedAvg that goes only a part of the way."""

    way: float = 0.5

    def aggregate(self, problem, state, answers):
        return state + self.way * (FedAvg.aggregate(self, problem, state, answers) - state)

@dataclass(frozen=True)
class Neither:
    """No learner."""

function = len
'''
MODEL = '''
from dataclasses import dataclass
from fedsim.tasks.softmax import Softmax

@dataclass(frozen=True, kw_only=True, slots=True)
class Warm(Softmax):
    """A softmax with a temperature."""

    temperature: float = 1.0

    def init(self, rng):
        return self.temperature * rng.normal(size=self.parameters)
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution on the path: its name, its modules, and its entry points by group."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)

    def make(name, modules, groups):
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
            for group, points in groups.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        standard_catalogue.cache_clear()

    yield make
    standard_catalogue.cache_clear()
    for module in set(sys.modules) - known:
        if module.startswith("other_"):
            del sys.modules[module]


def text_of(what, capsys):
    show(Console(width=100), listing(what))
    return capsys.readouterr().out


def test_a_learner_of_another_package_runs_by_its_name(install, tiny, capsys):
    install("other-learners", {"other_learners": LEARNER}, {"fedsim.learners": {"halving": "other_learners:Halving"}})
    assert "other_learners" not in sys.modules
    words = {**tiny, "learner": {"name": "halving", "way": 0.25, "step_size": 0.5}}
    result = run(check(words), seed=1)
    assert result.scenario.learner.value.way == 0.25
    assert result.rounds_to("mean_accuracy", 0.5) is not None
    assert "halving  FedAvg that goes only a part of the way." in text_of("learners", capsys)
    assert "other-learners" in text_of("learners", capsys)
    with pytest.raises(ScenarioError, match="'halvign' is not a known learner; did you mean 'halving'"):
        check({**tiny, "learner": "halvign"})
    with pytest.raises(ScenarioError, match=r"learner\.wya"):
        check({**tiny, "learner": {"name": "halving", "wya": 0.25}})


def test_a_model_of_another_package(install, tiny):
    install("other-models", {"other_models": MODEL}, {"fedsim.models": {"warm": "other_models:Warm"}})
    scenario = check({**tiny, "model": {"name": "warm", "temperature": 0.1}})
    assert scenario.model.make(features=4, classes=3).temperature == 0.1
    assert run(scenario, seed=1).curve["mean_accuracy"].iloc[-1] > 0.5


@pytest.mark.parametrize(
    ("point", "match"),
    [
        ("other_missing:Learner", "cannot be imported: ModuleNotFoundError: No module named 'other_missing'"),
        ("other_learners:Nobody", "cannot be imported: AttributeError"),
        ("other_broken:Learner", "cannot be imported: ZeroDivisionError: division by zero"),
        ("other_learners:function", "must be a dataclass"),
        ("other_learners:Neither", "learner Neither must have either aggregate .* or mix"),
    ],
)
def test_a_broken_entry_point_is_one_error_that_names_its_package(install, tiny, capsys, point, match):
    modules = {"other_learners": LEARNER, "other_broken": "1 / 0"}
    install("other-learners", modules, {"fedsim.learners": {"halving": point}})
    assert check(tiny).learner.value == FedAvg(solver=check(tiny).learner.value.solver)  # who does not use it is spared
    said = rf"learner.name: package other-learners: entry point halving = {point} of fedsim.learners: {match}"
    with pytest.raises(ScenarioError, match=said) as caught:
        check({**tiny, "learner": "halving"})
    assert len(str(caught.value).splitlines()) == 1
    told = " ".join(text_of("learners", capsys).split())
    assert "cannot be used" in told
    assert "package other-learners: entry point halving" in told
    assert all(name in told for name in standard_catalogue().kinds["learner"])


def test_a_name_that_is_taken_is_refused(install):
    install("other-learners", {"other_learners": LEARNER}, {"fedsim.learners": {"fedavg": "other_learners:Halving"}})
    with pytest.raises(FedsimError, match=r"package other-learners: .* its name is that of .* fedsim itself"):
        standard_catalogue()


def test_two_packages_with_one_name_are_refused(install):
    for name in ("other-ones", "other-twos"):
        module = name.replace("-", "_")
        install(name, {module: LEARNER}, {"fedsim.learners": {"halving": f"{module}:Halving"}})
    with pytest.raises(FedsimError, match=r"package other-twos: .* its name is that of .* other-ones"):
        standard_catalogue()
