"""From a scenario file to a checked ``Scenario``, and back to words."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes, key_path, shown
from fedsim.scenario.catalogue import Catalogue, standard_catalogue
from fedsim.scenario.layers import Layers, assign, layers_of, read_layers, split_override
from fedsim.scenario.names import Known
from fedsim.scenario.refusal import mistakes_in
from fedsim.scenario.schema import Scenario
from fedsim.scenario.timed_rows import in_trace
from fedsim.scenario.underlay import open_underlay, parse_underlay, read_underlay
from fedsim.system.profiles import load_profiles
from fedsim.system.topology import Topology

Overrides = Mapping[str, Any] | Sequence[str]


def load(
    path: str | Path, overrides: Overrides = (), *, seed: int | None = None, catalogue: Catalogue | None = None
) -> Scenario:
    """The scenario in a file.

    Args:
        path: the file; paths in it are relative to it.
        overrides: ``{"key.path": value}``, or texts ``key.path=value`` with the value in YAML. An item of a list
            goes by its number, its ``name``, or ``*`` for all: ``fleet.low-3g.count=20``, ``fleet.*.link=wifi``.
            Paths of files are relative to the working folder.
        seed: in place of the file's.
        catalogue: what names stand for; the usual one if not given.

    Raises:
        ScenarioError: one line for every mistake: file, key path, value, rule, nearest valid name.
    """
    scenario = _checked(read_layers(Path(path)), overrides, seed, catalogue or standard_catalogue())
    return scenario.read_from(str(path))


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A value, as a file would hold it, for what stands at a path; ``source`` is who wants it, for messages."""

    path: str
    value: Any
    source: str


class Draft:
    """A scenario file, read once, of which many scenarios are made that differ in some settings."""

    def __init__(self, path: str | Path) -> None:
        """Read the file.

        Raises:
            ScenarioError: it, or one that it extends, cannot be read.
        """
        self._layers = read_layers(Path(path))
        topology = self._layers.words.get("topology")
        if isinstance(topology, str):
            with suppress(ScenarioError):  # what is wrong with it is said with everything else
                self._layers.words["topology"] = open_underlay(topology)
                self._layers.origins["topology",] = topology

    def scenario(self, settings: Sequence[Setting] = ()) -> Scenario:
        """The scenario with these settings, made in turn; paths of files are relative to the working folder.

        Raises:
            ScenarioError: one line for every mistake.
        """
        layers, mistakes = deepcopy(self._layers), Mistakes()
        for one in settings:
            try:
                assign(layers, one.path, one.value, one.source)
            except ScenarioError as error:
                mistakes.extend(error)
        return _validated(layers, standard_catalogue(), mistakes)


def check(
    words: Any, overrides: Overrides = (), *, seed: int | None = None, catalogue: Catalogue | None = None
) -> Scenario:
    """The scenario in a mapping such as a file holds; see ``load``. Paths are relative to the working folder."""
    layers = layers_of(words, "scenario", Path(), trusted=True)
    return _checked(layers, overrides, seed, catalogue or standard_catalogue())


def resolved(scenario: Scenario, *, catalogue: Catalogue | None = None) -> str:
    """The scenario as YAML with all defaults and the topology in it; loaded again, it is equal."""
    words = _words(scenario, catalogue or standard_catalogue())
    return yaml.safe_dump(words, sort_keys=False, allow_unicode=True, width=math.inf, default_flow_style=None)


def fingerprint(scenario: Scenario) -> str:
    """What tells scenarios apart, whatever their seed and however they were written: SHA-256 of all words, in hex.

    Of files that it names, such as data, it knows the names only.
    """
    words = _words(scenario.model_copy(update={"seed": 0}), standard_catalogue())
    return hashlib.sha256(json.dumps(words, ensure_ascii=False).encode()).hexdigest()


def _words(scenario: Scenario, catalogue: Catalogue) -> dict[str, Any]:
    return scenario.model_dump(by_alias=True, context=_known(catalogue, scenario.topology))


def _checked(layers: Layers, overrides: Overrides, seed: int | None, catalogue: Catalogue) -> Scenario:
    mistakes = Mistakes()
    _override(layers, overrides, seed, mistakes)
    return _validated(layers, catalogue, mistakes)


def _validated(layers: Layers, catalogue: Catalogue, mistakes: Mistakes) -> Scenario:
    """The scenario in the words, unless there are mistakes in them, or have been before."""
    known = _known(catalogue, _topology(layers, catalogue, mistakes))
    try:
        scenario = Scenario.model_validate(layers.words, context=known)
    except ValidationError as error:
        for found in mistakes_in(error, Scenario):
            keys, rule = in_trace(layers.words, *found)
            mistakes.add(layers.origin(keys), key_path(keys), rule)
        raise mistakes.error() from None
    mistakes.raise_any()
    return scenario


def _known(catalogue: Catalogue, topology: Topology | None) -> Known:
    return Known(catalogue=catalogue, profiles=load_profiles(), topology=topology)


def _override(layers: Layers, overrides: Overrides, seed: int | None, mistakes: Mistakes) -> None:
    for override in [*_items(overrides), *([] if seed is None else [("seed", seed)])]:
        try:
            path, value = split_override(override) if isinstance(override, str) else override
            assign(layers, path, value)
        except ScenarioError as error:
            mistakes.extend(error)


def _items(overrides: Overrides) -> Iterator[str | tuple[str, Any]]:
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            yield f"{path}={value}" if isinstance(value, str) else (path, value)
    else:
        yield from overrides


def _topology(layers: Layers, catalogue: Catalogue, mistakes: Mistakes) -> Topology | None:
    """The topology of the scenario, None where it has mistakes or is missing."""
    if "topology" not in layers.words:
        return None
    words, origin = layers.words["topology"], layers.origin(("topology",))
    seed = layers.words.get("seed", 0)
    luck = seed if isinstance(seed, int) else 0  # where it is no number, that is reported elsewhere
    try:
        if isinstance(words, Mapping):
            return parse_underlay(words, origin, "topology", seed=luck, catalogue=catalogue)
        if isinstance(words, str):
            return read_underlay(words, luck, catalogue)
    except ScenarioError as error:
        if isinstance(words, str) and not Path(words).exists():
            mistakes.add(origin, "topology", str(error))
        else:
            mistakes.extend(error)
        return None
    mistakes.add(origin, "topology", f"must be the path of a file or a mapping, got {shown(words)}")
    return None
