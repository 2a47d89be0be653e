"""Files -> checked values: what a run is made of, with every mistake reported at once."""

from fedsim.scenario.load import check, load, resolved
from fedsim.scenario.schema import METRICS, Scenario

__all__ = ["METRICS", "Scenario", "check", "load", "resolved"]
