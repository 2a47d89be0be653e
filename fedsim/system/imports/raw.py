"""A network as some file has it, before what it lacks is filled in."""

from dataclasses import dataclass

from fedsim.system.place import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class RawNode:
    """A node: its name, and what the file says of it. ``is_external`` marks another network's."""

    name: str
    kind: str | None = None
    place: Place | None = None
    is_external: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RawLink:
    """A link or, in a directed network, one way of it; None is what the file does not say.

    ``where`` is its line or key path in the file.
    """

    source: str
    target: str
    where: str
    capacity_bps: float | None = None
    delay_s: float | None = None
    length_m: float | None = None
    loss: float = 0.0
    medium: str | None = None
    is_half_duplex: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RawNetwork:
    """All nodes and links of a file; links may be parallel or lead from a node to itself."""

    nodes: tuple[RawNode, ...]
    links: tuple[RawLink, ...]
    is_directed: bool = False
