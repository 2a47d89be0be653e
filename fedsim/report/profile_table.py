"""The table of where the host's time went."""

from rich.console import RenderableType

from fedsim.report.grid import grid
from fedsim.report.human import about
from fedsim.study.host_profile import HostProfile


def profile_table(profile: HostProfile) -> RenderableType:
    """Processor time by part of fedsim, the largest first."""
    whole = profile.seconds
    ranked = sorted(profile.parts.items(), key=lambda item: -item[1])
    rows = [(part, about(seconds, "s"), about(seconds / whole, "1")) for part, seconds in ranked]
    return grid([*rows, ("all", about(whole, "s"), "")], title="Processor time of this machine")
