"""One device's life, read from a run's record: power by cause, charge, and what became of its work."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.system.charger import Charger, Filling
from fedsim.system.meter import CAUSES

WORK: Final = ("received", "trained", "answered", "mixed", "passed", "wasted", "refused", "down")
"""Kinds of events that say what a device did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LifeBattery:
    """A battery as the record has it: what is in it at the start, and what arrives from its charger, if it has one."""

    capacity_j: float
    charge_share: float
    arriving_w: float
    taper_from_share: float

    def filling(self, load_w: float) -> Filling | None:
        """How its charge moves on the charger with this load; None without a charger."""
        if not self.arriving_w > 0:
            return None
        charger = Charger(power_w=self.arriving_w, efficiency=1.0, taper_from_share=self.taper_from_share)
        return Filling(charger, self.capacity_j, load_w)


@dataclass(frozen=True, kw_only=True, eq=False)
class Life:
    """``power`` has a row per stretch of constant power, ``events`` a row per thing that the device did.

    ``battery`` is None on the mains.
    """

    name: str
    power: pd.DataFrame
    events: pd.DataFrame
    battery: LifeBattery | None

    @property
    def end_s(self) -> float:
        """Until when it is known."""
        return float(self.power["to_s"].iloc[-1])


def read_events(folder: str | Path) -> pd.DataFrame:
    """The record in a run's folder.

    Raises:
        FedsimError: there is none, or it cannot be read.
    """
    path = Path(folder) / "events.parquet"
    if not path.is_file():
        raise FedsimError(f"{folder} is not the folder of a run: it has no events.parquet")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # what pyarrow cannot read is a ValueError
        raise FedsimError(f"{path}: cannot be read: {error}") from None


def life(events: pd.DataFrame, name: str) -> Life:
    """The life of one device.

    Raises:
        FedsimError: its life was not recorded.
    """
    rows = events[events["kind"] == "life"]
    known = sorted(rows["subject"].unique()) if len(rows) else []
    if name not in known:
        text = problems.unknown(name, "recorded life", known)
        raise FedsimError(f"{text}; name devices under 'lives' in the scenario, such as lives: [{name}]")
    own = events[events["subject"] == name]
    power = own[own["kind"] == "life"].dropna(axis="columns", how="all").sort_values("from_s", kind="stable")
    for cause in CAUSES:
        power[f"{cause}_w"] = power[f"{cause}_w"].to_numpy(float) if f"{cause}_w" in power else 0.0
    return Life(
        name=name,
        power=power.reset_index(drop=True),
        events=own[own["kind"].isin(WORK)],
        battery=_battery(own[own["kind"] == "battery"]),
    )


def _battery(rows: pd.DataFrame) -> LifeBattery | None:
    keys = ("capacity_j", "charge_share", "arriving_w", "taper_from_share")
    return LifeBattery(**{key: float(rows[key].iloc[0]) for key in keys}) if len(rows) else None


def energy_j(of: Life) -> dict[str, float]:
    """Joules by cause: the integral of the recorded power."""
    seconds = (of.power["to_s"] - of.power["from_s"]).to_numpy(float)
    return {cause: float(np.dot(of.power[f"{cause}_w"].to_numpy(float), seconds)) for cause in CAUSES}
