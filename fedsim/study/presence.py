"""Which share of a fleet is there, hour by hour."""

from typing import Final

import numpy as np
import pandas as pd

from fedsim.kernel import Simulation
from fedsim.scenario import Scenario
from fedsim.scenario.build import comings_and_goings

_MOST: Final = 20_000
"""Of a larger group so many are looked at, evenly: the standard error of a share is then at most 0.35 %."""


def presence_table(scenario: Scenario, *, lasts_s: float = 86_400.0, every_s: float = 600.0) -> pd.DataFrame:
    """A column ``time_s``, one of shares for each group, and ``all``, weighted by their sizes.

    Batteries do not count: nobody works, and the owner is there or not whatever the charge.

    Raises:
        FedsimError: if availability depends on data that do not go around.
    """
    fleet, groups = comings_and_goings(scenario, Simulation(seed=scenario.seed))
    times_s = np.arange(0.0, lasts_s + every_s / 2, every_s)
    shares = {}
    for group, presence in zip(fleet.groups, groups, strict=True):
        ranks = np.unique(np.linspace(0, group.count - 1, min(group.count, _MOST)).astype(np.int64))
        shares[group.name] = [float(presence.at(ranks, time_s)[0].mean()) for time_s in times_s.tolist()]
    counts = [group.count for group in fleet.groups]
    together = np.average(list(shares.values()), axis=0, weights=counts)
    return pd.DataFrame({"time_s": times_s, **shares, "all": together})
