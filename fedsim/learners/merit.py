"""Which way a learner's own measures go as it learns better, so that a target can be set for them.

A learner declares those of its ``measures()`` that a run may be stopped by, as a class variable::

    merits: ClassVar[Merits] = OBJECTIVE

A measure that nobody declared counts as one that falls, as losses and gaps do.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Merit = Literal["falls", "rises"]
Merits = Mapping[str, Merit]

OBJECTIVE: Final[Merits] = MappingProxyType({"objective": "falls"})
AGREEMENT: Final[Merits] = MappingProxyType({"objective": "falls", "disagreement": "falls"})
PRIMAL: Final[Merits] = MappingProxyType({"primal": "falls"})
DUALITY: Final[Merits] = MappingProxyType({"primal": "falls", "dual": "rises", "gap": "falls"})
