"""fedsim: how long will federated learning really take? Real learning in simulated time.

import fedsim
result = fedsim.run("scenarios/quickstart.yaml", seed=1)
result.time_to("accuracy", 0.9)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fedsim.errors import FedsimError, ScenarioError
from fedsim.version import __version__

if TYPE_CHECKING:
    from fedsim.scenario import Scenario
    from fedsim.study.compare import compare
    from fedsim.study.comparison import Comparison
    from fedsim.study.finished import compare_results
    from fedsim.study.reading import read_comparison, read_result
    from fedsim.study.result import Result
    from fedsim.study.run import run
    from fedsim.study.study import Study, read_study
    from fedsim.study.sweep import sweep
    from fedsim.study.whatif import whatif

__all__ = [
    "Comparison",
    "FedsimError",
    "Result",
    "Scenario",
    "ScenarioError",
    "Study",
    "__version__",
    "compare",
    "compare_results",
    "read_comparison",
    "read_result",
    "read_study",
    "run",
    "sweep",
    "whatif",
]


def __getattr__(name: str) -> Any:
    """Import what is slow to import when it is first asked for: ``fedsim --help`` must not wait for it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = {
        "Result": "study.result",
        "Scenario": "scenario",
        "Comparison": "study.comparison",
        "compare": "study.compare",
        "compare_results": "study.finished",
        "read_comparison": "study.reading",
        "Study": "study.study",
        "read_result": "study.reading",
        "read_study": "study.study",
        "run": "study.run",
        "sweep": "study.sweep",
        "whatif": "study.whatif",
    }[name]
    value = getattr(import_module(f"fedsim.{home}"), name)
    globals()[name] = value
    return value
