"""A small scenario as words, and a catalogue of dataclasses that only these tests know."""

import copy
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

import pytest

from fedsim.scenario.catalogue import Catalogue, Kind, standard_catalogue
from fedsim.scenario.data import Bundled
from fedsim.system.law import Constant, Law


class Prior(Protocol):
    """What a learner believes."""


@dataclass(frozen=True, kw_only=True)
class Flat:
    """Nothing."""


@dataclass(frozen=True, kw_only=True)
class Peaked:
    """Something."""

    at: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Descent:
    """A solver inside a learner."""

    epochs: int = 1
    step_size: float = 0.1
    batch_size: int | None = 10


@dataclass(frozen=True, kw_only=True)
class Average:
    """A central learner."""

    solver: Descent = field(default_factory=lambda: Descent(epochs=2))
    prior: Prior = field(default_factory=Flat)
    weights: Literal["examples", "equal"] = "examples"
    lambda_: float = 1e-3
    takes_partial_work: ClassVar[bool] = False
    takes_stale_answers: ClassVar[bool] = False
    needs_everybody: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.lambda_ > 0:
            raise ValueError(f"lambda must be > 0, got {self.lambda_!r}")


@dataclass(frozen=True, kw_only=True)
class Chat:
    """A decentralised learner."""

    loud: bool = False


@dataclass(frozen=True, kw_only=True)
class Linear:
    """A model whose size the data say."""

    features: int
    bias: bool = True


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """A central protocol with every kind of unit."""

    cohort: int
    deadline_s: float | None = None
    chunk_bytes: float = 1e6
    limit_bps: float = 1e6
    budget_j: float = 10.0
    floor_w: float = 1.0
    work_flops: float = 1e9
    speed_flops_per_s: float = 1e9
    waits_s: tuple[float, ...] = ()
    drop_share: float = 0.25
    think_s: Law = field(default_factory=lambda: Constant(1.0))
    shape: Flat | Peaked = field(default_factory=Peaked)
    label: str = "x"


@dataclass(frozen=True, kw_only=True)
class Talk:
    """A decentralised protocol."""

    patience_s: float = 10.0


WORDS = {
    "name": "small",
    "seed": 1,
    "topology": {
        "name": "village",
        "nodes": {"hub": {"kind": "server"}, "cell-a": {"kind": "cell"}, "cell-b": {"kind": "cell"}},
        "links": [
            {"from": "hub", "to": "cell-a", "capacity": "8 Mbit/s", "delay": "5 ms"},
            {"from": "hub", "to": "cell-b", "capacity": {"forward": "8 Mbit/s", "back": "1 Mbit/s"}, "delay": 0},
        ],
    },
    "fleet": [
        {
            "name": "low",
            "count": 4,
            "device": "phone-low",
            "link": "3g",
            "at": ["cell-a", "cell-b"],
            "charge": {"uniform": ["20 %", "100 %"]},
            "availability": {"stay": {"exponential": {"mean": "1 h"}}, "away": "10 min"},
        },
        {"name": "lap", "count": 2, "device": "laptop", "link": "wifi", "at": "cell-a"},
    ],
    "server": {"at": "hub"},
    "data": {"name": "digits", "partition": {"name": "dirichlet", "alpha": 0.5}},
    "model": {"name": "linear"},
    "learner": {"name": "average", "epochs": 5},
    "protocol": {"name": "rounds", "cohort": 3, "deadline": "10 s"},
    "stop": {"target": "90 %", "time": "30 min"},
}


@pytest.fixture
def words():
    return copy.deepcopy(WORDS)


@pytest.fixture(scope="session")
def catalogue():
    standard = standard_catalogue()
    return Catalogue(
        kinds={
            **standard.kinds,
            "data": {"digits": Kind(type=Bundled), "iris": Kind(type=Bundled)},
            "model": {"linear": Kind(type=Linear, provided={"features": 1}), "other": Kind(type=Flat)},
            "learner": {
                "average": Kind(type=Average, family="central", models=("linear",)),
                "chat": Kind(type=Chat, family="decentralised"),
            },
            "protocol": {
                "rounds": Kind(type=Rounds, family="central"),
                "talk": Kind(type=Talk, family="decentralised"),
            },
        },
        choices={**standard.choices, Prior: {"flat": Flat, "peaked": Peaked}},
    )
