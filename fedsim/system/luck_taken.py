"""Draws that are taken before it is certain that they are needed."""

from collections.abc import Mapping
from typing import Any

import numpy as np


class Taken:
    """Draws that were taken for what may not come: they can be given back."""

    __slots__ = ("_before",)

    def __init__(self) -> None:
        self._before: list[tuple[np.random.Generator, Mapping[str, Any]]] = []

    def keep(self, luck: np.random.Generator) -> np.random.Generator:
        """A stream from which one draw is taken now."""
        self._before.append((luck, luck.bit_generator.state))
        return luck

    def give_back(self) -> None:
        """It has not come: the streams are as they were."""
        for luck, state in reversed(self._before):
            luck.bit_generator.state = state
        self._before = []
