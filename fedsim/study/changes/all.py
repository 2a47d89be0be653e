"""All changes that ``fedsim whatif`` knows, in the order in which it lists them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.study.changes.access import AllOn
from fedsim.study.changes.change import Change
from fedsim.study.changes.cohort import Cohort, NoDeadline
from fedsim.study.changes.failures import NoAbsences, NoFailures
from fedsim.study.changes.message import HalfMessage
from fedsim.study.changes.power import Mains
from fedsim.study.changes.protocols import Asynchronous, RingForStar
from fedsim.study.changes.server_line import ServerLine
from fedsim.study.changes.slowest_devices import WithoutSlowest
from fedsim.study.changes.speed import FasterDevices

_ALL: Final[Sequence[Change]] = (
    AllOn(name="wifi", link="wifi", text="everybody on WiFi"),
    AllOn(name="5g", link="5g", text="everybody on 5G"),
    ServerLine(name="server-line-x2", factor=2.0, text="the server's line carries twice as much"),
    ServerLine(name="server-line-x10", factor=10.0, text="the server's line carries ten times as much"),
    HalfMessage(),
    FasterDevices(),
    WithoutSlowest(),
    NoFailures(),
    NoAbsences(),
    Mains(),
    Cohort(name="cohort-x2", factor=2.0, text="twice as many devices in a round"),
    Cohort(name="cohort-half", factor=0.5, text="half as many devices in a round"),
    NoDeadline(),
    Asynchronous(),
    RingForStar(),
)

CHANGES: Final[Mapping[str, Change]] = MappingProxyType({change.name: change for change in _ALL})
"""By name."""


def changes_named(names: Sequence[str] | None) -> tuple[Change, ...]:
    """These changes, in the order of the list; all if none are named.

    Raises:
        FedsimError: a name that no change has: a line for each.
    """
    strange = [name for name in names or () if name not in CHANGES]
    if strange:
        raise FedsimError("\n".join(unknown(name, "change", list(CHANGES)) for name in strange))
    return tuple(change for name, change in CHANGES.items() if names is None or name in names)
