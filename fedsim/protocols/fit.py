"""Which learners a protocol is for: the one place that says why some are not."""

from typing import Any

from fedsim.errors import FedsimError
from fedsim.learners.compressed import OWN_MESSAGES, Compression
from fedsim.learners.learner import ExactLearner, PairwiseLearner, tells_all
from fedsim.protocols.overlay import ChangingOverlay

Misfit = tuple[str, str]
"""A field of the protocol, empty for all of it, and the reason, in words that follow its name."""


def misfits(protocol: Any, learner: Any, name: str, devices: int | None = None) -> list[Misfit]:
    """Why this learner, called ``name``, cannot learn by this protocol, on so many devices if they are counted.

    A protocol says what it does by its fields and properties: ``work_time_s``, ``effort`` and ``grace_s`` cut work
    short, ``late`` keeps stale answers, ``is_asynchronous`` and ``merges_edges`` speak for themselves.
    """
    return [
        *_partial(protocol, learner, name),
        *_stale(protocol, learner, name),
        *_merging(protocol, learner, name),
        *_everybody(protocol, learner, name, devices),
    ]


def compression_misfit(compression: Compression, learner: Any, name: str) -> str:
    """Why messages of this learner cannot be coded; empty if they can, or are not."""
    if compression == Compression():
        return ""
    if isinstance(learner, ExactLearner):
        return f"changes numbers on their way, and {name!r} {learner.needs_exact_messages}"
    if compression.shares and not tells_all(learner):
        return f"down: {name!r} {OWN_MESSAGES}"
    return ""


def check_fit(protocol: Any, learner: Any, devices: int) -> None:
    """Refuse a learner that is not for this protocol.

    Raises:
        FedsimError: with all reasons.
    """
    found = misfits(protocol, learner, type(learner).__name__, devices)
    if found:
        raise FedsimError("; ".join(f"{key or type(protocol).__name__} {reason}" for key, reason in found))


def check_mutual(graph: Any, learner: Any) -> None:
    """Refuse a graph of one-way edges for a learner whose neighbours must hear each other.

    ``peer_misfits`` says so beforehand of overlays that know it; others are known by their graphs.

    Raises:
        FedsimError: the graph is directed, and the learner says ``needs_mutual_neighbours``.
    """
    if graph.is_directed() and getattr(learner, "needs_mutual_neighbours", False):
        raise FedsimError("the learner needs neighbours that hear each other: take an overlay that is not directed")


def peer_misfits(protocol: Any, learner: Any, name: str) -> list[Misfit]:
    """Why this learner without a server, called ``name``, cannot learn by this gossip.

    A protocol that ``is_pairwise`` mixes two peers at a time, and takes an overlay that does not change and has no
    directions. Overlays that say ``directed`` have one-way edges.
    """
    one_way = getattr(_get(protocol, "overlay"), "directed", False)
    if not _get(protocol, "is_pairwise"):
        reason = f"has one-way edges, and {name!r} needs neighbours that hear each other: take one that is not directed"
        return [("overlay", reason)] if one_way and getattr(learner, "needs_mutual_neighbours", False) else []
    reason = f"mixes peers in the middle of their work, and {name!r} cannot: take synchronous gossip"
    found = [] if isinstance(learner, PairwiseLearner) else [("", reason)]
    if isinstance(protocol.overlay, ChangingOverlay):
        found.append(("overlay", "changes by the round, and there are no rounds: take synchronous gossip"))
    elif one_way:
        found.append(("overlay", "has one-way edges, and both of a pair change: take one that is not directed"))
    return found


def check_peer_fit(protocol: Any, learner: Any) -> None:
    """Refuse a learner that is not for this gossip.

    Raises:
        FedsimError: with all reasons.
    """
    found = peer_misfits(protocol, learner, type(learner).__name__)
    if found:
        raise FedsimError("; ".join(f"{key or type(protocol).__name__} {reason}" for key, reason in found))


def _partial(protocol: Any, learner: Any, name: str) -> list[Misfit]:
    cuts = [key for key in ("work_time", "grace") if _get(protocol, f"{key}_s") is not None]
    effort = _get(protocol, "effort")
    cuts += [] if effort is None or effort.is_whole else ["effort"]
    if learner.takes_partial_work:
        return []
    return [(key, f"cuts local work short, and {name!r} takes only whole work: leave it out") for key in cuts]


def _stale(protocol: Any, learner: Any, name: str) -> list[Misfit]:
    if learner.takes_stale_answers:
        return []
    reason = f"combines answers to older models, and {name!r} takes only answers to its present one"
    if _get(protocol, "is_asynchronous"):
        return [("", f"{reason}: take synchronous rounds")]
    if _get(protocol, "late") == "keep":
        return [("late", f"{reason}: take 'drop', or 'keep-anyway' if you know better")]
    return []


def _merging(protocol: Any, learner: Any, name: str) -> list[Misfit]:
    if not _get(protocol, "merges_edges"):
        return []
    obstacle = getattr(learner, "merge_obstacle", "has no way to merge")
    if not obstacle:
        return []
    return [("", f"merges what edge servers have combined, and {name!r} {obstacle}: take synchronous rounds")]


def _everybody(protocol: Any, learner: Any, name: str, devices: int | None) -> list[Misfit]:
    if not learner.needs_everybody:
        return []
    if _get(protocol, "is_asynchronous") or _get(protocol, "merges_edges"):
        return [("", f"combines some answers at a time, and {name!r} needs one from every device in every round")]
    wanted = {"cohort": _get(protocol, "cohort"), "quorum": _get(protocol, "quorum")}
    if devices is None:
        return []
    reason = f"must be {devices}, all devices, because {name!r} needs an answer from each in every round"
    return [(key, f"{reason}, got {count}") for key, count in wanted.items() if count is not None and count < devices]


def _get(protocol: Any, field: str) -> Any:
    """A protocol's own field, or that of the rounds inside it; None where it has none."""
    return getattr(protocol, field, getattr(getattr(protocol, "edge", None), field, None))
