"""The overlay of a scenario, with its luck drawn."""

from fedsim.kernel import Simulation
from fedsim.report.overlay_summary import OverlayView
from fedsim.scenario import Scenario
from fedsim.scenario.build import build


def overlay_view(scenario: Scenario) -> OverlayView | None:
    """Who talks to whom in a run with the scenario's own seed; None where a server is in the middle.

    Raises:
        FedsimError: there is no such overlay among these devices.
    """
    overlay = getattr(scenario.protocol.value, "overlay", None)
    if overlay is None:
        return None
    world = build(scenario, Simulation(seed=scenario.seed), dry=True)
    return OverlayView(
        overlay=overlay,
        mixing=getattr(scenario.protocol.value, "mixing", None),
        peers=world.peers(),
        graph=overlay.graph(world.peers()),
        overlaps=bool(getattr(scenario.learner.value, "overlaps", False)),
        in_pairs=bool(getattr(scenario.protocol.value, "is_pairwise", False)),
    )
