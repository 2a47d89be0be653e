"""Files -> checked values: what a run is made of, with every mistake reported at once."""

from fedsim.scenario.load import check, fingerprint, load, resolved
from fedsim.scenario.metric import METRICS
from fedsim.scenario.schema import Scenario

__all__ = ["METRICS", "Scenario", "check", "fingerprint", "load", "resolved"]
