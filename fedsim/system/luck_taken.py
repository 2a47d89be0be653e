"""Draws that are taken before it is certain that they are needed."""

from collections.abc import Mapping
from typing import Any, Final, cast

import numpy as np

_SPARE: Final = 11
_FINEST: Final = 2.0**-53
"""A number is the first 53 of 64 random bits, as in ``Generator.random``."""


class Draws:
    """Uniform numbers on [0, 1) of a stream, one by one. Those that are given back come again."""

    __slots__ = ("_again", "_luck")

    def __init__(self, luck: np.random.Generator) -> None:
        self._luck = luck.bit_generator  # all that is left of it then: half as large
        self._again: tuple[float, ...] = ()  # the next one last

    def take(self) -> float:
        """The next one."""
        if self._again:
            draw, self._again = self._again[-1], self._again[:-1]
            return draw
        return (self._luck.random_raw() >> _SPARE) * _FINEST

    def give_back(self, draw: float) -> None:
        """The latest that was taken and not given back yet."""
        self._again += (draw,)


class Taken:
    """Draws that were taken for what may not come: they can be given back."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: list[tuple[Draws, float] | tuple[np.random.Generator, Mapping[str, Any]]] = []

    def uniform(self, draws: Draws) -> float:
        """A number that is taken now."""
        draw = draws.take()
        self._given.append((draws, draw))
        return draw

    def keep(self, luck: np.random.Generator) -> np.random.Generator:
        """A stream from which one draw of any kind is taken now: that costs a copy of where the stream stands."""
        self._given.append((luck, luck.bit_generator.state))
        return luck

    def give_back(self) -> None:
        """It has not come: the streams are as they were."""
        given, self._given = self._given, []
        for source, what in reversed(given):
            if isinstance(source, Draws):
                source.give_back(cast("float", what))
            else:
                source.bit_generator.state = what
