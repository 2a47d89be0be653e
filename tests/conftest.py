"""Results that nobody simulated, with round numbers, for tests of what is made of results."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fedsim.scenario import Scenario, check
from fedsim.study.comparison import Comparison
from fedsim.study.goal import Goal
from fedsim.study.result import Attended, Result, Summary, Waste
from fedsim.study.slowest import Slowest
from fedsim.system.usage import Usage

TINY: dict[str, Any] = {
    "name": "tiny",
    "seed": 1,
    "topology": {
        "name": "pair",
        "nodes": {"server": {"kind": "server"}, "cell": {"kind": "cell"}},
        "links": [{"from": "server", "to": "cell", "capacity": "100 Mbit/s", "delay": "5 ms"}],
    },
    "server": {"at": "server"},
    "fleet": [{"name": "phones", "count": 4, "device": "phone-mid", "link": "4g", "at": "cell"}],
    "data": {"name": "iris", "partition": "iid"},
    "model": "softmax",
    "learner": {"name": "fedavg", "step_size": 0.5},
    "protocol": {"name": "synchronous-rounds", "cohort": 2},
    "stop": {"metric": "mean_accuracy", "target": "90 %", "time": "60 s", "rounds": 50},
}

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"
Row = tuple[float, float]


@pytest.fixture(scope="session")
def tiny() -> dict[str, Any]:
    """A scenario of four phones, in words: not to be changed."""
    return TINY


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """A result with the given curve: (time_s, mean accuracy) of each round, 10 J and 1 kB up a round."""
    scenario = check(TINY)

    def make(rows: Sequence[Row], *, name: str = "tiny", seed: int = 1, time_s: float = 60.0, **changes: Any) -> Result:
        stop = scenario.stop.model_copy(update={"time_s": time_s})
        renamed = scenario.model_copy(update={"name": name, "seed": seed, "stop": stop})
        return _result(renamed, rows, changes)

    return make


@pytest.fixture(scope="session")
def make_comparison(make_result: Callable[..., Result]) -> Callable[..., Comparison]:
    """A comparison of the given curves: for each scenario, a curve for each seed."""

    def make(curves: dict[str, Sequence[Sequence[Row]]], **changes: Any) -> Comparison:
        time_s = changes.get("horizon_s", 60.0)
        results = {
            name: tuple(
                make_result(rows, name=name, seed=seed, time_s=time_s) for seed, rows in enumerate(of_seed, start=1)
            )
            for name, of_seed in curves.items()
        }
        seeds = tuple(range(1, 1 + max(map(len, curves.values()))))
        goal = Goal(metric=changes.pop("metric", "mean_accuracy"), target=changes.pop("target", 0.9))
        return Comparison(seeds=seeds, results=results, **{"goal": goal, "horizon_s": 60.0, **changes})

    return make


@pytest.fixture(scope="session")
def underlays() -> Any:
    """Five published networks with their overlays and cycle times."""
    path = SHARED / "underlays" / "underlays.json.gz"
    if not path.exists():
        pytest.skip("needs shared/data/underlays beside the checkout")
    return json.loads(gzip.decompress(path.read_bytes()))


def usage(joules: float = 0.0, **changes: Any) -> Usage:
    """``joules`` of computing, and half of it of standby."""
    given = {"compute_s": joules, "sent_bytes": 100 * joules, "received_bytes": 200 * joules, **changes}
    energy_j = {"compute": joules, "send": 0.0, "receive": 0.0, "radio": 0.0, "idle": 0.0, "sleep": joules / 2}
    return Usage(**{"energy_j": energy_j, **given})


def _result(scenario: Scenario, rows: Sequence[Row], changes: dict[str, Any]) -> Result:
    curve = pd.DataFrame(
        [
            {
                "time_s": time_s,
                "round": float(number),
                "accuracy": value,
                "mean_accuracy": value,
                "worst_tenth": value / 2,
                "bottom_decile": value / 2,
                "energy_j": 10.0 * number,
                "up_bytes": 1000.0 * number,
                "down_bytes": 2000.0 * number,
            }
            for number, (time_s, value) in enumerate(rows)
        ]
    )
    events = pd.DataFrame({"time_s": [0.0, 1.0], "kind": ["a", "b"], "round": [None, 1.0], "flag": [None, True]})
    devices = pd.DataFrame({"device": ["phones-00", "phones-01"], "radio_tail_1_s": [5.0, 0.0]})
    reached = curve.loc[curve["mean_accuracy"] >= 0.9, "time_s"]
    last = curve.iloc[-1]
    given = {
        "name": scenario.name,
        "seed": scenario.seed,
        "version": "1.2.3",
        "stopped_because": "time is up",
        "simulated_s": float(last["time_s"]),
        "rounds": float(last["round"]),
        "metric": "mean_accuracy",
        "target": 0.9,
        "time_to_target_s": float(reached.iloc[0]) if len(reached) else None,
        "final": {name: float(last[name]) for name in ("accuracy", "mean_accuracy", "worst_tenth", "bottom_decile")},
        "spent": usage(float(last["energy_j"]), sent_bytes=last["up_bytes"], received_bytes=last["down_bytes"]),
        "server": usage(energy_j={**usage().energy_j, "compute": 20.0, "idle": 60.0}),
        "waste": {"late": Waste(pieces=1, usage=usage(1.0))},
        "slowest": Slowest(rounds=0, seconds={}, phase="", share=0.0, seconds_by_link={}, closers={}),
        "devices": 4,
        "devices_at_work": 4,
        "devices_spent": 0,
        "groups": {"phones": Attended(devices=4, at_work=4)},
        **changes,
    }
    links = pd.DataFrame({"source": ["cell"], "target": ["server"], "carried_bytes": [1000.0]})
    tables = {"curve": curve, "events": events, "devices": devices, "links": links}
    return Result(scenario=scenario, seed=scenario.seed, summary=Summary(**given), **tables)
