"""Another protocol: a ring in place of the server, or nobody waits for anybody."""

from dataclasses import dataclass
from typing import Any, Final

from fedsim.scenario import Scenario
from fedsim.study.changes.change import DoesNotApplyError, scenario_of, words_of

_PEERS: Final = {"fedavg": "d-psgd", "fedem": "d-fedem"}
"""The decentralised learner that shares the local work of a central one."""

_SOLVER: Final = ("epochs", "batch_size", "step_size", "momentum", "weight_decay", "clip_norm", "decay", "precision")
_MIXTURE: Final = ("components", "keep_momentum", "spread")


@dataclass(frozen=True, kw_only=True, slots=True)
class RingForStar:
    """No server: every peer has a model of its own, and averages it with those of two neighbours on a ring.

    FedAvg becomes D-PSGD, FedEM D-FedEM, with the same local work; neighbours wait for each other, for as long as the
    rounds had as their deadline, or else 10 s. All peers take part in all rounds.
    """

    name: str = "ring"
    text: str = "peers on a ring in place of the server"

    @property
    def alters_rounds(self) -> bool:
        """Yes."""
        return True

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where there is no server, or the learner has no counterpart without one."""
        words = words_of(scenario)
        learner, protocol = words["learner"], words["protocol"]
        if scenario.learner.kind.family != "central":
            raise DoesNotApplyError("there is no server already")
        _check_plain(learner, protocol, _PEERS, "without a server")
        if words["compression"]["up"] is not None or words["compression"]["down"] is not None:
            raise DoesNotApplyError("peers have no codec for their messages")
        words["learner"] = {"name": _PEERS[learner["name"]], **_kept(learner, (*_SOLVER, *_MIXTURE))}
        words["protocol"] = {
            "name": "synchronous-gossip",
            "overlay": "ring",
            "patience": protocol["deadline"] or "10 s",
        }
        words["evaluate"]["unseen"] = None
        return scenario_of(words | {"edges": None})


@dataclass(frozen=True, kw_only=True, slots=True)
class Asynchronous:
    """Nobody waits: as many devices are at work as were invited, and the server steps at every third of a cohort.

    FedAvg becomes FedBuff with the same local work. A deadline becomes the time after which a device is given up.
    Peers in synchronous rounds average in pairs instead, on the same overlay.
    """

    name: str = "asynchronous"
    text: str = "nobody waits: buffered updates of the server, or averages of pairs of peers"

    @property
    def alters_rounds(self) -> bool:
        """Yes."""
        return True

    def changed(self, scenario: Scenario) -> Scenario:
        """Not where it does so already, or the learner takes no answers to older models."""
        words = words_of(scenario)
        learner, protocol = words["learner"], words["protocol"]
        if protocol["name"] in {"asynchronous-updates", "asynchronous-gossip"}:
            raise DoesNotApplyError("it is asynchronous already")
        if protocol["name"] == "synchronous-gossip":
            patience = protocol["patience"] or "10 s"
            words["protocol"] = {"name": "asynchronous-gossip", "overlay": protocol["overlay"], "patience": patience}
            return scenario_of(words)
        _check_plain(learner, protocol, {"fedavg": "fedbuff"}, "that is asynchronous")
        words["learner"] = {"name": "fedbuff", **_kept(learner, _SOLVER)}
        words["protocol"] = {
            "name": "asynchronous-updates",
            "concurrency": scenario.protocol.value.invited,
            "buffer": max(1, round(protocol["cohort"] / 3)),
            "timeout": protocol["deadline"],
        }
        return scenario_of(words)


def _check_plain(learner: dict[str, Any], protocol: dict[str, Any], known: dict[str, str], how: str) -> None:
    """There is a counterpart, and nothing that it would not have."""
    if protocol["name"] != "synchronous-rounds":
        raise DoesNotApplyError(f"it is for synchronous rounds, and these are {protocol['name']}")
    if learner["name"] not in known:
        raise DoesNotApplyError(f"{learner['name']!r} has no counterpart {how}")
    if learner.get("server", {"name": "none"}) != {"name": "none"}:
        raise DoesNotApplyError(f"the server's optimiser has no counterpart {how}")


def _kept(learner: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: learner[key] for key in keys if key in learner}
