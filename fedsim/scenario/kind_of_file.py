"""Tells scenarios, studies and topologies by their keys: who takes one for another is told so, and not of every key."""

from typing import Any, Final

from fedsim.errors import ScenarioError

_OF_A_SCENARIO: Final = frozenset({"fleet", "learner", "protocol", "topology", "extends"})
_OF_A_STUDY: Final = frozenset({"question", "scenario", "scenarios", "vary"})
_OF_A_TOPOLOGY: Final = frozenset({"nodes", "links", "import", "generate"})


def refuse_others(words: Any, source: str) -> None:
    """See to it that what should be a scenario is no study and no topology.

    Raises:
        ScenarioError: it is one.
    """
    if _is_of(words, _OF_A_STUDY, _OF_A_SCENARIO):
        raise ScenarioError(f"{source}: is a study, not a scenario: fedsim sweep runs it")
    if _is_of(words, _OF_A_TOPOLOGY, _OF_A_SCENARIO):
        raise ScenarioError(f"{source}: is a topology, not a scenario: fedsim show shows it, and a scenario names it")


def refuse_scenario(words: Any, source: str) -> None:
    """See to it that what should be a study is no scenario.

    Raises:
        ScenarioError: it is one.
    """
    if _is_of(words, _OF_A_SCENARIO, _OF_A_STUDY):
        raise ScenarioError(f"{source}: is a scenario, not a study: fedsim run runs it, and a study names it")


def _is_of(words: Any, some: frozenset[str], none: frozenset[str]) -> bool:
    """Whether there are keys of one kind of file, and none of the other's."""
    return isinstance(words, dict) and not some.isdisjoint(words) and none.isdisjoint(words)
