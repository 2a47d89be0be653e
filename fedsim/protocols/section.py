"""Some of a crew, as a crew: those of one edge server, or those that have nothing to do."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fedsim.learners.learner import Array
from fedsim.protocols.node import Crew, DeviceNode


class Section:
    """The devices where ``among`` (n,) says so, at the time at which somebody asks: it may change meanwhile.

    Indices and arrays are those of the whole crew.
    """

    def __init__(self, crew: Crew, among: npt.NDArray[np.bool_]) -> None:
        self._crew = crew
        self._among = among

    @property
    def eligible(self) -> int:
        """As the crew."""
        return self._crew.eligible

    def __len__(self) -> int:
        return len(self._crew)

    def __getitem__(self, index: int, /) -> DeviceNode:
        return self._crew[index]

    def choose(self, wanted: int, number: int, among: npt.NDArray[np.bool_] | None = None) -> Sequence[DeviceNode]:
        """The lowest lots."""
        return self._crew.choose(wanted, number, self._among if among is None else self._among & among)

    def uniforms(self, number: int, attempt: int = 0) -> Array:
        """As the crew."""
        return self._crew.uniforms(number, attempt)

    def first(self, wanted: int, keys: npt.NDArray[np.generic]) -> Sequence[DeviceNode]:
        """The lowest keys."""
        return self._crew.first(wanted, np.where(self._among, keys, np.inf))

    def charge_share(self) -> Array:
        """As the crew."""
        return self._crew.charge_share()

    def speeds_flops_per_s(self) -> Array:
        """As the crew."""
        return self._crew.speeds_flops_per_s()

    async def gathered(self, quorum: int, among: npt.NDArray[np.bool_] | None = None) -> bool:
        """Wait until so many of these are there."""
        return await self._crew.gathered(quorum, self._among if among is None else self._among & among)
