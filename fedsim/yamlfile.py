"""Reads a YAML file that a person wrote, and refuses with one clear line what cannot be used.

Beyond ``yaml.safe_load``: duplicate keys, tags, aliases that unfold into very much, and very deep nesting are
refused, and a date is a text like any other.
"""

from pathlib import Path
from typing import Any

import yaml

from fedsim.errors import ScenarioError
from fedsim.problems import nearest

_MOST_BYTES = 1_000_000
_MOST_VALUES = 100_000
_DEEPEST = 40


class _Loader(yaml.SafeLoader):
    """SafeLoader that counts what aliases unfold into, and refuses tags and duplicate keys."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML declares it without ClassVar
        start: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
        for start, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = 0
        self._depth = 0
        self._sizes: dict[yaml.Node, int] = {}  # values below each finished node, itself included

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        before, self._depth = self._values, self._depth + 1
        _refuse_if(self._depth > _DEEPEST, f"nested deeper than {_DEEPEST} levels", event)
        tag = getattr(event, "tag", None)
        _refuse_if(tag is not None, f"tag {tag!r} has no meaning here", event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None:
            is_alias = isinstance(event, yaml.AliasEvent)
            _refuse_if(is_alias and node not in self._sizes, "an alias inside what it stands for", event)
            self._values += self._sizes[node] if is_alias else 1
            self._sizes.setdefault(node, self._values - before)
        _refuse_if(self._values > _MOST_VALUES, f"more than {_MOST_VALUES:,} values, aliases unfolded", event)
        return node

    def compose_mapping_node(self, anchor: dict[str, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        first: dict[str, yaml.Node] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                earlier = first.setdefault(key.value, key)
                line = earlier.start_mark.line + 1
                _refuse_if(earlier is not key, f"key {key.value!r} is given twice (first in line {line})", key)
        return node


def _refuse_if(condition: bool, problem: str, spot: Any) -> None:  # noqa: FBT001  # it reads as a sentence
    if condition:
        raise yaml.MarkedYAMLError(None, None, problem, spot.start_mark)


def read_yaml(path: Path, shown_as: str = "") -> Any:
    """The value in a YAML file of at most 1 MB; messages call the file ``shown_as`` (its path as given).

    Raises:
        ScenarioError: the file is missing, unreadable, too large, empty, or not YAML; with line and column.
    """
    name = shown_as or str(path)
    value = parse_yaml(read_text(path, name), name)
    if value is None:
        raise ScenarioError(f"{name}: is empty")
    return value


def parse_yaml(text: str, shown_as: str) -> Any:
    """The value of a YAML text, None where it is empty.

    Raises:
        ScenarioError: the text is not YAML, or is refused; with line and column.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader with more refusals
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
        reason = error.problem or error.context or "is not YAML"
        raise ScenarioError(f"{shown_as}:{where} {_one_line(reason)}") from None
    except ValueError:  # from int() and float(); the rest of the safe types never fail
        raise ScenarioError(f"{shown_as}: is not YAML: a number in it cannot be read") from None
    except yaml.YAMLError as error:
        raise ScenarioError(f"{shown_as}: is not YAML: {_one_line(str(error))}") from None


def read_text(path: Path, shown_as: str = "") -> str:
    """The text of a file of at most 1 MB; messages call it ``shown_as`` (its path as given).

    Raises:
        ScenarioError: the file is missing, unreadable, too large, or not UTF-8.
    """
    name = shown_as or str(path)
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) <= _MOST_BYTES:
            return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(f"{name}: {missing(path).removeprefix(f'{path}: ')}") from None
    except IsADirectoryError:
        raise ScenarioError(f"{name}: is a folder: name a file{_scenario_in(path)}") from None
    except OSError as error:
        raise ScenarioError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: is not UTF-8 text: byte {error.start} cannot be decoded") from None
    raise ScenarioError(f"{name}: is larger than {_MOST_BYTES:,} bytes")


def _scenario_in(folder: Path) -> str:
    """A folder of a run has its scenario in it."""
    inside = folder / "scenario.yaml"
    return f", such as {inside}" if inside.is_file() else ""


def missing(path: Path) -> str:
    """What is said of a file that is not there."""
    return f"{path}: no such file{_hint(path)}"


def _hint(path: Path) -> str:
    """A file in the same folder with nearly this name."""
    folder = path.parent
    files = {file.stem: file for file in sorted(folder.glob("*.y*ml"))}
    near = nearest(path.stem, list(files))
    return f"; did you mean {str(files[near])!r}?" if near else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
