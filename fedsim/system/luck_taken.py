"""Draws that are taken before it is certain that they are needed."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from fedsim.kernel import Draws


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
