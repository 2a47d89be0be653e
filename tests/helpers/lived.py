"""Runs in which one part of the world is another, or missing: for laws that hold both to the same life."""

import pytest
from hypothesis import strategies as st

from fedsim.kernel import Simulation
from fedsim.scenario import build
from fedsim.study import run


def lived(wanted, part, replacement, *, seed=1, meddle=None):
    """The world, its simulation and the monitor after a run, beside which somebody may meddle with the world.

    ``part`` is a name in ``fedsim.scenario.build``, such as Foresight, and ``replacement`` makes what stands for it.
    """

    def built(scenario, sim, **rest):
        world = build.build(scenario, sim, **rest)
        if meddle is not None:
            sim.spawn(meddle(world), name="meddler")
        return world

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, part, replacement)
        patch.setattr(run, "build", built)
        sim = Simulation(seed=seed)
        world, monitor = run.play(wanted, sim)
    return world, sim, monitor


def nothing(*_):
    """In place of a part that a world can do without."""


def phones(charges, unit, stay, away):
    """Groups of phones in words: what their batteries and links may be like, and for how long they stay and are away.

    stay, away: strategies of numbers, in this unit of time
    """
    return st.fixed_dictionaries(
        {},
        optional={
            "charge": st.sampled_from(charges),
            "link": st.sampled_from(["3g", "wifi", "5g"]),
            "availability": st.builds(
                lambda stay, away: {"stay": {"exponential": {"mean": f"{stay} {unit}"}}, "away": f"{away} {unit}"},
                stay,
                away,
            ),
        },
    )
