"""From words to a topology: written out, drawn by a generator, or imported from a file in another format.

    topology: ../topologies/village.yaml              # a topology file
    topology: {name: ..., nodes: ..., links: ...}     # its content
    topology: abilene.graphml                         # a file in another format, or a folder
    topology: {import: abilene.graphml, capacity: 1 Gbit/s, kinds: {Chicago: server}}
    topology: {generate: barabasi-albert, nodes: 50, links_per_node: 2, delay: 5 ms}

A topology file may hold any of these mappings, too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes, key_path, shown, unknown
from fedsim.scenario.block import read_block, write_block
from fedsim.scenario.catalogue import Catalogue
from fedsim.scenario.codec import Choices
from fedsim.scenario.named_files import beside, refusal
from fedsim.scenario.refusal import Refused, refuse
from fedsim.system.generators.generator import Generator, generate
from fedsim.system.imports.reader import SUFFIXES, Imported, import_topology
from fedsim.system.imports.rules import ImportRules
from fedsim.system.imports.source import TABLES
from fedsim.system.topology import Topology
from fedsim.system.topology_file import parse_topology
from fedsim.yamlfile import read_yaml


def read_underlay(path: str | Path, seed: int, catalogue: Catalogue) -> Topology:
    """The topology in a file of any format, or in a folder.

    Raises:
        ScenarioError: one line for each mistake.
    """
    return parse_underlay(open_underlay(str(path)), str(path), seed=seed, catalogue=catalogue)


def is_underlay(path: str) -> bool:
    """Whether a file is a topology and not a scenario: by its suffix, or by its keys; a folder, by its tables.

    Raises:
        ScenarioError: YAML that cannot be read.
    """
    if Path(path).is_dir():
        return any((Path(path) / name).exists() for name in TABLES)
    words = open_underlay(path)
    if not isinstance(words, Mapping) or {"topology", "fleet", "extends"} & words.keys():
        return False
    return bool({"nodes", "links", "import", "generate"} & words.keys())


def parse_underlay(words: Any, file: str, at: str = "", *, seed: int, catalogue: Catalogue) -> Topology:
    """The topology that a mapping describes; ``at`` is the key path under which ``file`` has it.

    Raises:
        ScenarioError: one line for each mistake: file, key path, value, rule, nearest valid name.
    """
    if not isinstance(words, Mapping) or not {"import", "generate"} & words.keys():
        return parse_topology(words, file, at)
    try:
        if "generate" in words:
            return _generated(words, seed, catalogue)
        return _imported(*_import_of(words, catalogue.choices), at)
    except Refused as refused:
        mistakes = Mistakes()
        for keys, rule in refused.mistakes:
            mistakes.add(file, key_path(((at,) if at else ()) + keys), rule)
        raise mistakes.error() from None


def redrawn(topology: Topology, seed: int) -> Topology:
    """The topology that the same words give with another seed of the scenario."""
    is_drawn = topology.recipe is not None and not isinstance(topology.recipe, Imported)
    return generate(topology.recipe, seed) if is_drawn else topology


def write_underlay(topology: Topology, catalogue: Catalogue) -> dict[str, Any]:
    """The words of a topology: its recipe's, with every default, or else all its nodes and links."""
    recipe = topology.recipe
    if recipe is None:
        return topology.words()
    if isinstance(recipe, Imported):
        return {"import": recipe.path, **write_block(recipe.rules, catalogue.choices)}
    [name] = [name for name, option in _options(catalogue).items() if type(recipe) is option]
    return {"generate": name, **write_block(recipe, catalogue.choices)}


def open_underlay(path: str) -> Any:
    """The mapping for which a path stands, so that its keys can be set one by one.

    Raises:
        ScenarioError: a file that is not YAML.
    """
    if Path(path).is_dir() or Path(path).suffix.lower() in SUFFIXES:
        return {"import": path}
    words, folder = read_yaml(Path(path)), Path(path).parent
    if not isinstance(words, Mapping) or not isinstance(words.get("import"), str):
        return words
    rule = refusal(folder, words["import"])
    if rule:
        raise ScenarioError(f"{path}: import: {rule}")
    return {**words, "import": str(beside(folder, words["import"]))}


def _generated(words: Mapping[Any, Any], seed: int, catalogue: Catalogue) -> Topology:
    options, name = _options(catalogue), words["generate"]
    if not isinstance(name, str) or name not in options:
        raise Refused([(("generate",), unknown(name, "generator", options))])
    generator = read_block(options[name], _without(words, "generate"), catalogue.choices)
    try:
        return generate(generator, seed)
    except ScenarioError as error:
        raise refuse(str(error)) from None


def _import_of(words: Mapping[Any, Any], choices: Choices) -> tuple[str, ImportRules]:
    if not isinstance(words["import"], str):
        raise Refused([(("import",), f"must be the path of a file or folder, got {shown(words['import'])}")])
    return words["import"], read_block(ImportRules, _without(words, "import"), choices)


def _imported(path: str, rules: ImportRules, at: str) -> Topology:
    try:
        return import_topology(path, rules)
    except ScenarioError as error:
        if not at or Path(path).exists():
            raise
        raise Refused([(("import",), str(error))]) from None  # missing: it is the scenario that is wrong


def _without(words: Mapping[Any, Any], key: str) -> dict[Any, Any]:
    return {other: value for other, value in words.items() if other != key}


def _options(catalogue: Catalogue) -> Mapping[str, type[Any]]:
    return catalogue.choices.get(Generator, {})
