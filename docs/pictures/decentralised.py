"""Draws the measured pictures of decentralised.md: ``python docs/pictures/decentralised.py``, at the top of a checkout.

The others are drawn by ``fedsim show topologies/silos.yaml --out`` and ``fedsim show scenarios/silos_ring.yaml --out``.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsim import Result, run
from fedsim.learners.mixing import contraction
from fedsim.report.overlay_view import overlay_view
from fedsim.scenario import load
from fedsim.study.plot import COLOURS, GREY
from fedsim.system.cycle_time import critical_circuit

SCENARIO = "scenarios/silos_ring.yaml"
HERE = Path(__file__).parent
OVERLAYS = {
    "complete": ("complete", "metropolis"),
    "star": ("star", "metropolis"),
    "tree": ("mst", "metropolis"),
    "ring": ("{name: ring, order: tour}", "metropolis"),
    "ring, one way": ("{name: ring, order: tour, directed: true}", "equal-shares"),
}


def changes(name: str, *more: str) -> list[str]:
    """What makes the shipped ring another overlay."""
    overlay, mixing = OVERLAYS[name]
    return [f"protocol.overlay={overlay}", f"protocol.mixing={mixing}", *more]


def main() -> None:
    """Run, measure and draw."""
    averaging = ("learner={name: averaging}", "stop={rounds: 40, time: 5 min}", "evaluate.every_rounds=1")
    agreeing = {name: run(SCENARIO, overrides=changes(name, *averaging)) for name in OVERLAYS}
    learning = ("stop={rounds: 40, time: 60 s}", "evaluate.every_rounds=1")
    working = {name: run(SCENARIO, overrides=changes(name, *learning)) for name in OVERLAYS}
    _save(agreeing, draw_mixing, "mixing.png")
    _save(working, draw_cycles, "cycle_time.png")


def draw_mixing(axes: Axes, name: str, result: Result, colour: str) -> None:
    """Disagreement by rounds, and below it what the largest eigenvalue promises at worst."""
    rounds = result.curve["round"].to_numpy()
    apart = (result.curve["disagreement"] / result.curve["disagreement"].iloc[0]).to_numpy()
    scenario = load(SCENARIO, changes(name))
    view = overlay_view(scenario)
    left = contraction(view.mixing.weights(view.graph)) if view and view.mixing else np.nan
    axes.semilogy(rounds, apart, color=colour, lw=1.8, label=f"{name}: $\\lambda$ = {max(left, 0):.3f}")
    if left > 1e-6:
        axes.semilogy(rounds, left**rounds, color=colour, lw=0.8, ls="--")
    axes.set(xlabel="rounds", ylabel="disagreement, of that at the start", ylim=(1e-6, 1.5), xlim=(0, 40))
    axes.set_title("line: measured   ·   dashed: at worst, $\\lambda^k$", loc="left", fontsize="small", color=GREY)


def draw_cycles(axes: Axes, name: str, result: Result, colour: str) -> None:
    """When each round was over, and the pace that Karp's theorem predicts."""
    view = overlay_view(load(SCENARIO, changes(name)))
    if view is None or view.peers.reach is None:
        raise AssertionError
    pace_s = critical_circuit(view.peers.reach.delays(view.graph, overlaps=view.overlaps)).mean_s
    rounds, time_s = result.curve["round"].to_numpy(), result.curve["time_s"].to_numpy()
    width = 5.0 if name == "complete" else 1.8  # it lies below the star
    axes.plot(time_s, rounds, color=colour, lw=width, label=f"{name}: {1e3 * pace_s:.0f} ms a round")
    axes.plot(rounds * pace_s, rounds, color=colour, lw=0.8, ls="--")
    axes.set(xlabel="simulated time (s)", ylabel="rounds", xlim=(0, 40), ylim=(0, 40))
    axes.set_title("line: measured   ·   dashed: predicted pace", loc="left", fontsize="small", color=GREY)


def _save(results: dict[str, Result], draw: object, file: str) -> None:
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for (name, result), colour in zip(results.items(), COLOURS, strict=False):
        draw(axes, name, result, colour)  # type: ignore[operator]
    axes.grid(visible=True, color="#dddddd", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="lower right" if file == "cycle_time.png" else "lower left")
    figure.savefig(HERE / file, dpi=110)


if __name__ == "__main__":
    main()
