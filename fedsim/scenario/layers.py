"""The words of a scenario from all the places that say something: base files, the file, and overrides.

``extends: base.yaml`` puts a file on top of another. Mappings are merged key by key; lists and plain values
replace; ``null`` takes a value away. A mapping with another ``name`` replaces the whole mapping below, so that
``learner: {name: mocha}`` inherits nothing from FedAvg; so does a topology with another ``generate`` or ``import``.
Paths are relative to the file that holds them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedsim import problems
from fedsim.errors import ScenarioError
from fedsim.scenario.kind_of_file import refuse_others
from fedsim.scenario.named_files import beside, refusal
from fedsim.scenario.refusal import Keys
from fedsim.scenario.underlay import open_underlay
from fedsim.yamlfile import missing, parse_yaml, read_yaml

PARTS = ("data", "model", "learner", "protocol")
"""Blocks of which a bare name says it all: ``learner: mocha``."""

_DEEPEST = 40


@dataclass
class Layers:
    """Merged words, and who said them: ``origins`` holds the file, or the override, of each key path."""

    words: dict[Any, Any] = field(default_factory=dict)
    origins: dict[Keys, str] = field(default_factory=dict)

    def origin(self, keys: Keys) -> str:
        """Who said what stands at ``keys``, or, where nothing does, around it."""
        nearest = (keys[:length] for length in range(len(keys), -1, -1) if keys[:length] in self.origins)
        return self.origins[next(nearest, ())]

    def put(self, words: Mapping[Any, Any], source: str) -> None:
        """Merge a layer on top."""
        self._merge(self.words, words, (), source)
        self.origins[()] = source

    def forget(self, keys: Keys) -> None:
        """Nothing is known any more of who said what below ``keys``."""
        below = [other for other in self.origins if len(other) > len(keys) and other[: len(keys)] == keys]
        for other in below:
            del self.origins[other]

    def _merge(self, below: dict[Any, Any], above: Mapping[Any, Any], keys: Keys, source: str) -> None:
        for key, value in above.items():
            here, old = (*keys, key), below.get(key)
            if isinstance(old, dict) and isinstance(value, Mapping) and not _is_renamed(old, value):
                self._merge(old, value, here, source)
            else:
                below[key] = unshared(value)
                self.forget(here)
                self.origins[here] = source


def read_layers(path: Path) -> Layers:
    """The words of a file and of those that it extends.

    Raises:
        ScenarioError: a file is missing, is not a mapping, or extends itself.
    """
    words = read_yaml(path)
    refuse_others(words, str(path))
    return layers_of(words, str(path), path.parent)


def layers_of(words: Any, source: str, folder: Path, *, trusted: bool = False) -> Layers:
    """Words that ``source`` gave, with relative paths from ``folder``, on top of what they extend.

    Words that are ``trusted`` may name any file; what they extend may not.
    """
    layers = Layers()
    for words_of_one, source_of_one in reversed(_chain(words, source, folder, trusted=trusted)):
        layers.put(words_of_one, source_of_one)
    return layers


def assign(layers: Layers, path: str, value: Any, source: str = "") -> None:
    """Set what stands at a path such as ``fleet.low-3g.count``, ``fleet.0.count`` or ``fleet.*.count``.

    Messages say that ``source`` wants it, by default ``--set`` and the path.

    Raises:
        ScenarioError: nothing can stand there.
    """
    keys = path.split(".")
    topology = layers.words.get("topology")
    if keys[0] == "topology" and len(keys) > 1 and isinstance(topology, str):
        layers.words["topology"] = open_underlay(topology)
        layers.origins["topology",] = topology
    if len(keys) == 1 and path in PARTS and isinstance(value, str):
        value = {"name": value}
    _Assignment(layers, source or f"--set {path}", value).go(layers.words, keys, ())


def split_override(text: str) -> tuple[str, Any]:
    """``key.path=value``, the value in YAML.

    Raises:
        ScenarioError: there is no ``=``, or the value is not YAML.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise ScenarioError(f"--set {text}: must be key.path=value")
    return path.strip(), parse_yaml(value, f"--set {path.strip()}")


def unshared(value: Any, depth: int = 0) -> Any:
    """A copy in which no mapping or list stands in two places."""
    if depth > _DEEPEST:
        raise ScenarioError(f"a value is nested deeper than {_DEEPEST} levels")
    if isinstance(value, Mapping):
        return {key: unshared(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [unshared(item, depth + 1) for item in value]
    return value


@dataclass(frozen=True)
class _Assignment:
    layers: Layers
    source: str
    value: Any

    def go(self, node: Any, keys: Sequence[str], done: Keys) -> None:
        """Set the value below ``node``, which stands at ``done``."""
        key, *rest = keys
        if isinstance(node, list):
            for index in self._indices(node, key, done):
                self._step(node, index, rest, done)
        elif isinstance(node, dict):
            self._step(node, key, rest, done)
        else:
            self._refuse(f"{problems.key_path(done)} is {problems.shown(node)}, which has no keys")

    def _step(self, node: Any, key: Any, rest: Sequence[str], done: Keys) -> None:
        here = (*done, key)
        if rest:
            if isinstance(node, dict) and node.get(key) is None:
                self._put(node, key, {}, here)
            self.go(node[key], rest, here)
            return
        if key == "name" and done and done[0] in PARTS and node.get("name") != self.value:
            node.clear()  # another name, other parameters
            self.layers.forget(done)
        self._put(node, key, unshared(self.value), here)

    def _put(self, node: Any, key: Any, value: Any, here: Keys) -> None:
        node[key] = value
        self.layers.forget(here)
        self.layers.origins[here] = self.source

    def _indices(self, items: list[Any], key: str, done: Keys) -> Sequence[int]:
        if key == "*":
            return range(len(items))
        if key.isdecimal() and int(key) < len(items):
            return [int(key)]
        names = [item.get("name") if isinstance(item, dict) else None for item in items]
        if key not in names:
            known = [name for name in names if name is not None] or [str(index) for index in range(len(items))]
            self._refuse(problems.unknown(key, f"item of {problems.key_path(done)}", known))
        return [names.index(key)]

    def _refuse(self, rule: str) -> None:
        raise ScenarioError(f"{self.source}: {rule}")


def _chain(words: Any, source: str, folder: Path, *, trusted: bool) -> list[tuple[dict[Any, Any], str]]:
    """A layer and all that it extends, topmost first."""
    chain: list[tuple[dict[Any, Any], str]] = []
    seen = [source]
    while True:
        layer = _tidied(words, source, folder, trusted=trusted and not chain)
        base = layer.pop("extends", None)
        chain.append((layer, source))
        if base is None:
            return chain
        if not isinstance(base, str):
            raise ScenarioError(f"{source}: extends: must be the path of a file, got {problems.shown(base)}")
        rule = "" if trusted and len(chain) == 1 else refusal(folder, base)
        if rule or "\0" in base:
            raise ScenarioError(f"{source}: extends: {rule or refusal(folder, base)}")
        path = beside(folder, base)
        if any(path.resolve() == Path(earlier).resolve() for earlier in seen):
            raise ScenarioError(f"{source}: extends: {base!r} leads in a circle: {' -> '.join([*seen, str(path)])}")
        seen.append(str(path))
        words, source, folder = _base(path, source), str(path), path.parent


def _base(path: Path, source: str) -> Any:
    if not path.exists():
        raise ScenarioError(f"{source}: extends: {missing(path)}")
    return read_yaml(path)


def _tidied(words: Any, source: str, folder: Path, *, trusted: bool) -> dict[Any, Any]:
    """A layer with bare names of parts as mappings, and all paths from the working folder.

    Raises:
        ScenarioError: it is no mapping, or names a file that it may not.
    """
    if not isinstance(words, Mapping):
        raise ScenarioError(f"{source}: must be a mapping of keys to values, got {problems.shown(words)}")
    layer: dict[Any, Any] = unshared(words)
    for key in PARTS:
        if isinstance(layer.get(key), str):
            layer[key] = {"name": layer[key]}
    mistakes = problems.Mistakes()
    for block, key in _with_paths(layer):
        rule = refusal(folder, block[key]) if not trusted or "\0" in block[key] else ""
        if rule:
            mistakes.add(source, problems.key_path((*_keys_of(layer, block), key)), rule)
        block[key] = str(beside(folder, block[key]))
    mistakes.raise_any()
    return layer


def _with_paths(layer: dict[Any, Any]) -> Iterator[tuple[dict[Any, Any], str]]:
    """Every block that names a file or folder, and under which key; not yet what the layer stands on."""
    topology, data, groups = layer.get("topology"), layer.get("data"), _blocks(layer.get("fleet"))
    named = [(layer, "topology"), *((group, "devices") for group in groups)]
    named += [(topology, "import")] if isinstance(topology, dict) else []
    named += [(data, "folder")] if isinstance(data, dict) else []
    named += [(block, "trace") for block in _with_traces(layer)]
    named += [(block, "file") for block in (*_with_speed_files(layer), *_with_edge_files(layer))]
    return ((block, key) for block, key in named if isinstance(block.get(key), str))


def _keys_of(node: Any, block: Any) -> Keys:
    """Where a block stands below a node; it stands in one place only."""
    waiting: list[tuple[Any, Keys]] = [(node, ())]
    while waiting:
        node, keys = waiting.pop()
        if node is block:
            return keys
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        waiting += [(below, (*keys, key)) for key, below in items]
    return ()


def _with_speed_files(layer: Mapping[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Blocks of groups that name a file of measured speeds."""
    groups = _blocks(layer.get("fleet"))
    groups = [one for group in groups for one in (group, *_blocks(group.get("mix")), *_blocks(group.get("devices")))]
    for group in groups:
        speed = group.get("speed")
        block = speed.get("csv") if isinstance(speed, dict) else None
        if isinstance(block, dict) and isinstance(block.get("file"), str):
            yield block


def _with_edge_files(layer: Mapping[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Blocks of overlays, or of what these are based on, that name a file."""
    protocol = layer.get("protocol")
    overlay = protocol.get("overlay") if isinstance(protocol, dict) else None
    base = overlay.get("base") if isinstance(overlay, dict) else None
    for block in (overlay, base):
        if isinstance(block, dict) and isinstance(block.get("file"), str):
            yield block


def _with_traces(layer: Mapping[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Blocks that name the file of a trace: outages, handovers, availabilities, and rates of groups, ways and links."""
    network, groups = layer.get("network"), _blocks(layer.get("fleet"))
    groups = [one for group in groups for one in (group, *_blocks(group.get("mix")), *_blocks(group.get("devices")))]
    handovers = _blocks([group.get("handover") for group in groups])
    stays = _blocks([group.get("availability") for group in groups])
    ways = [way for handover in handovers for way in _blocks(handover.get("to"))]
    links = _blocks(network.get("links") if isinstance(network, dict) else None)
    rates = _blocks([item.get("rate") for item in (*groups, *ways, *links)])
    directions = _blocks([rate.get(way) for rate in rates for way in ("up", "down")])
    for block in (*_blocks(layer.get("outages")), *handovers, *stays, *rates, *directions):
        if isinstance(block.get("trace"), str):
            yield block


def _blocks(items: Any) -> list[dict[Any, Any]]:
    """The mappings in what may be a list."""
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _is_renamed(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> bool:
    return any(key in new and new[key] != old.get(key) for key in ("name", "generate", "import"))
