"""Availability that depends on the labels of a device's examples: whether the data have such labels."""

from collections.abc import Iterator, Sequence

from fedsim.scenario.catalogue import Part
from fedsim.scenario.comings import Conditions, Habit, Leaning
from fedsim.scenario.data import Bundled, Counts
from fedsim.scenario.group import DeviceGroup
from fedsim.scenario.refusal import Keys, Mistake
from fedsim.tasks.datasets import load


def label_mistakes(fleet: Sequence[DeviceGroup], data: Part) -> list[Mistake]:
    """Which groups lean by labels that these data do not have; keys are counted from the scenario.

    Of data that come with scikit-learn; others are asked when the run is built.
    """
    leanings = [
        (("fleet", number, "availability", *keys, "leaning"), leaning)
        for number, group in enumerate(fleet)
        for keys, leaning in _leanings(group)
        if leaning.by == "labels"
    ]
    if not leanings:
        return []
    if isinstance(data.value, Counts):
        return [((*keys, "by"), "labels need data, and 'counts' are none: lean by slowness") for keys, _ in leanings]
    if not isinstance(data.value, Bundled):
        return []  # known when the data are read
    classes = load(data.name).classes  # read only here, where labels matter
    return [
        ((*keys, "labels", place), _unknown(label, data.name, classes))
        for keys, leaning in leanings
        for place, label in enumerate(leaning.labels)
        if not 0 <= label < classes
    ]


def _unknown(label: int, data: str, classes: int) -> str:
    near = min(max(label, 0), classes - 1)
    return f"{label} is not a known class of {data}; did you mean {near}? (known: 0 to {classes - 1})"


def _leanings(group: DeviceGroup) -> Iterator[tuple[Keys, Leaning]]:
    """Those of a group, each with its keys below ``availability``."""
    there = group.availability
    if isinstance(there, Habit) and there.leaning is not None:
        yield (), there.leaning
    if isinstance(there, Conditions):
        for name, habit in there:
            if isinstance(habit, Habit) and habit.leaning is not None:
                yield (name,), habit.leaning
