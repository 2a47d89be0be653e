"""One change of a scenario: what it is called, what it does, and the scenario that it makes."""

from collections.abc import Iterator
from typing import Any, Protocol

import yaml

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import Scenario, check, resolved

Words = dict[str, Any]
"""A scenario as its file would say it, every default in."""


class DoesNotApplyError(FedsimError):
    """A change says nothing in a scenario; the message is the reason."""


class Change(Protocol):
    """A small frozen value."""

    @property
    def name(self) -> str:
        """In one word, for the command line."""

    @property
    def text(self) -> str:
        """What it does, for people."""

    @property
    def alters_rounds(self) -> bool:
        """Whether a round is another thing with it, so that runs of as many rounds cannot be compared."""

    def changed(self, scenario: Scenario) -> Scenario:
        """The scenario with this change, and no other; with the same seed it has the same luck where it can.

        Raises:
            DoesNotApplyError: it would change nothing, or the scenario cannot be so.
        """


def words_of(scenario: Scenario) -> Words:
    """To be changed, and given to ``scenario_of``."""
    words: Words = yaml.safe_load(resolved(scenario))
    return words


def scenario_of(words: Words) -> Scenario:
    """The scenario that these words say.

    Raises:
        DoesNotApplyError: they break a rule.
    """
    try:
        return check(words)
    except ScenarioError as error:
        raise DoesNotApplyError(_rule(error)) from None


def _rule(error: ScenarioError) -> str:
    """The first mistake, without the place where it stands in no file."""
    first = str(error).splitlines()[0]
    return first.split(": ", 1)[-1]


def kinds(words: Words) -> Iterator[Words]:
    """The words of every kind of device: of groups, of the kinds that they mix, and of the devices that they list."""
    for group in words["fleet"]:
        yield group
        yield from group.get("mix") or ()
        yield from group.get("devices") or ()


def set_all(blocks: Iterator[Words], key: str, value: Any) -> bool:
    """Give a key this value in all blocks; whether that changed any."""
    before = [block.get(key) for block in blocks if _put(block, key, value)]
    return bool(before)


def _put(block: Words, key: str, value: Any) -> bool:
    if block.get(key) == value:
        return False
    block[key] = value
    return True
