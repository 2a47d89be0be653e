"""A calibration for people, and the lines of a scenario that it makes."""

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from fedsim import units
from fedsim.report.grid import facts, heading_line
from fedsim.report.human import about
from fedsim.system.calibration import Calibration


def calibration_report(found: Calibration, source: str) -> RenderableType:
    """The fit, its error, and what to paste into a group of devices."""
    errors = np.abs(found.residuals)
    rows = [
        ("speed", f"{about(found.flops_per_s, 'flop/s')}  {_between(found.flops_per_s_interval, 'flop/s')}"),
        ("overhead per step", f"{about(found.overhead_s, 's')}  {_between(found.overhead_s_interval, 's')}"),
        ("measurements", str(len(errors))),
        ("relative error", f"median {_percent(np.median(errors))}, largest {_percent(errors.max())}"),
        ("R2 of seconds", f"{found.r2:.4f}"),
    ]
    return Group(
        heading_line(f"Calibration from {source}"),
        facts(rows),
        Text(),
        heading_line("For a group of devices in a scenario"),
        Text(scenario_lines(found)),
    )


def scenario_lines(found: Calibration) -> str:
    """Keys of a group, with four digits: ``speed`` and ``step_overhead``."""
    speed = units.show(float(f"{found.flops_per_s:.4g}"), "flop/s")
    overhead = units.show(float(f"{found.overhead_s:.4g}"), "s")
    return f"    speed: {speed}\n    step_overhead: {overhead}"


def _between(interval: tuple[float, float], unit: str) -> str:
    """The interval, but for one that says nothing, as from two rows."""
    low, high = interval
    return f"(95 %: {about(low, unit)} to {about(high, unit)})" if np.isfinite(high) else "(no interval: too few rows)"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
