"""The page that tells every key of a scenario file, in Markdown, made from the JSON Schema.

``python -m fedsim.scenario.reference > docs/scenario.md`` writes it anew.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import yaml

from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.definitions import Json
from fedsim.scenario.json_schema import scenario_schema, study_schema

_MANY: Final = 14
_LONG: Final = 60
_HEAD: Final = """\
# Scenario files: every key

Made from the types that read scenario files, by `python -m fedsim.scenario.reference > docs/scenario.md`; do not
change it by hand. Which files a scenario may name, and how much it may ask for, stands in [safety](safety.md).

`fedsim show SCENARIO` prints a scenario with every default in it. `fedsim schema` prints the same knowledge as JSON
Schema, with which editors complete keys and names and mark mistakes while one types:

    fedsim schema > fedsim.schema.json

and, as the first line of a scenario, for editors with the YAML language server (VS Code's YAML extension, Neovim,
Emacs, Helix, IntelliJ):

    # yaml-language-server: $schema=../fedsim.schema.json

Learners and models that other packages bring are in what the command prints, and not on this page.

A *part* (learner, model, overlay ...) is a mapping with a `name` and keys of its own, or just the name. Keys
without a default must be given, unless the text says where they come from; null stands for nothing only where it is
named.
"""

_PREFIXES: Final = """\
Prefixes are decimal (`MB`) or binary (`MiB`); `b` is a bit and `B` a byte. Where devices differ, a law stands for a
quantity: a mapping whose one key names it."""


def reference() -> str:
    """The page."""
    catalogue = standard_catalogue()
    page, study = _Page(scenario_schema(catalogue)["$defs"]), study_schema(catalogue)
    studies = _Page({**study["$defs"], "study": study}).study()
    return "\n".join([_HEAD, *page.quantities(), *page.chapters(), *studies]).rstrip() + "\n"


class _Page:
    """Definitions, and which of them have been told."""

    def __init__(self, definitions: Mapping[str, Json]) -> None:
        self._definitions = {name: made for name, made in definitions.items() if not name.endswith("-over-another")}
        self._told: set[str] = set()

    def quantities(self) -> Iterator[str]:
        """What numbers with a unit are, and laws."""
        yield "## Quantities and laws\n"
        yield "| what | for example | a plain number is in |\n|---|---|---|"
        for name, made in self._definitions.items():
            if "x-unit" in made:
                self._told.add(name)
                yield f"| {_words(name)} | `{made['examples'][0]}` | {made['x-unit']} |"
        yield f"\n{_PREFIXES}\n"
        yield "| law | its parameters |\n|---|---|"
        laws = self._definitions["law"]["anyOf"][1:]
        for law in laws:
            [(name, shape)] = law["properties"].items()
            yield f"| `{name}` | {_cell(shape['description'])} |"
        self._told |= {name for name in self._definitions if name == "law" or name.startswith("law-in")}
        yield ""

    def chapters(self) -> Iterator[str]:
        """The file, and then each of its keys with all that is below it."""
        top = self._definitions["scenario"]
        self._told.add("scenario")
        yield "## The file\n"
        yield from self._table(top)
        for key, shape in top["properties"].items():
            below = list(self._sections(shape))
            if below:
                yield from [f"## {key}\n", *below]

    def study(self) -> Iterator[str]:
        """Study files, which name scenarios and say what varies."""
        top = self._definitions["study"]
        yield f"## Study files\n\n{_escaped(top['description'])}\n"
        yield from self._table(top)
        yield from self._sections(top["properties"])

    def _sections(self, shape: Any) -> Iterator[str]:
        """Every definition to which a shape refers and that has not been told yet."""
        for name in dict.fromkeys(_references(shape)):
            if name not in self._told:
                self._told.add(name)
                yield from self._section(name, self._definitions[name])

    def _section(self, name: str, made: Json) -> Iterator[str]:
        blocks = [one for one in (made, *made.get("anyOf", ())) if "properties" in one]
        options = [_referred(one) for one in made.get("anyOf", ()) if "$ref" in one]
        named = [one for one in options if one.startswith((f"{name}.", "generator."))]
        self._told |= set(named)
        if blocks or named:
            yield f"### {_words(name)}\n"
        for block in blocks:
            yield from self._block(block)
        if named:
            yield f"One of {', '.join(f'`{_last(one)}`' for one in named)}.\n"
        for _, alike in groupby(named, key=self._content):
            names = list(alike)
            yield f"#### {_words(name)}: {', '.join(map(_last, names))}\n"
            yield from self._block(self._definitions[names[0]])
        for one in (*named, name):
            yield from self._sections(self._definitions[one])

    def _content(self, name: str) -> str:
        """What a definition says, whatever it is called: several sets of data have one kind of block."""
        made = self._definitions[name]
        return repr([made.get("description"), [item for item in made["properties"].items() if item[0] != "name"]])

    def _block(self, made: Json) -> Iterator[str]:
        if made.get("description"):
            yield f"{_escaped(made['description'])}\n"
        sources = [made["x-source"]] if "x-source" in made else []
        sources += [f"`{made['x-module']}`"] if "x-module" in made else []
        if sources:
            yield f"Source: {', '.join(sources)}.\n"
        yield from self._table(made)

    def _table(self, made: Json) -> Iterator[str]:
        keys = {key: shape for key, shape in made["properties"].items() if key != "name" or "const" not in shape}
        if keys:
            yield "| key | takes | default | meaning |\n|---|---|---|---|"
        for key, shape in keys.items():
            told = self._resolved(shape)
            default = self._default(key, told, made)
            yield f"| `{key}` | {_cell(self._takes(told))} | {default} | {_cell(told.get('description', ''))} |"
        if keys:
            yield ""

    def _resolved(self, shape: Json) -> Json:
        """The shape itself for one that stands with another definition's key."""
        if "/properties/" not in shape.get("$ref", ""):
            return shape
        name, _, key = shape["$ref"].removeprefix("#/$defs/").partition("/properties/")
        found: Json = self._definitions[name]["properties"][key]
        return found

    @staticmethod
    def _default(key: str, shape: Json, made: Json) -> str:
        if "default" not in shape:
            return "must be given" if key in made.get("required", ()) else ""
        text = _flow(shape["default"])
        if len(text) > _LONG and isinstance(shape["default"], dict):
            text = f"{{name: {shape['default']['name']}, ...}}" if "name" in shape["default"] else "{...}"
        return f"`{text}`".replace("|", "\\|")

    def _takes(self, shape: Json) -> str:
        rule = f", {shape['x-rule']}" if "x-rule" in shape else ""
        return self._kind(shape) + rule

    def _kind(self, shape: Json) -> str:
        if "$ref" in shape:
            return self._named(_referred(shape))
        if "anyOf" in shape:
            return " or ".join(dict.fromkeys(self._takes(one) for one in shape["anyOf"]))
        if shape.keys() & {"enum", "const"}:
            return ", ".join(f"`{_flow(one)}`" for one in shape.get("enum", [shape.get("const")]))
        if "items" in shape:
            return f"list of {self._takes(shape['items'])}"
        return self._mapping(shape) if shape.get("type") == "object" else _plain(shape)

    def _mapping(self, shape: Json) -> str:
        if "properties" in shape:
            return f"mapping of {', '.join(shape['properties'])}"
        return f"mapping of names to {self._takes(shape['additionalProperties'])}"

    def _named(self, name: str) -> str:
        made = self._definitions[name]
        if name.startswith("law"):
            unit = made["anyOf"][0]
            return f"{self._kind(unit)} or a law of it"
        if "x-unit" in made:
            return f"[{_words(name)}](#quantities-and-laws)"
        if "enum" in made:
            return "a name" if len(made["enum"]) > _MANY else self._kind(made)
        if "properties" in made or "anyOf" in made:
            return f"[{_words(name)}](#{name.replace('.', '')})"
        return self._kind(made)


def _plain(shape: Json) -> str:
    if "type" not in shape:
        return "anything"
    kinds = [shape["type"]] if isinstance(shape["type"], str) else shape["type"]
    low, high = shape.get("minimum"), shape.get("maximum")
    bounds = f" from {low:,}" if low is not None and high is None else f" from {low:,} to {high:,}" if high else ""
    words = {
        "integer": "whole number",
        "number": "number",
        "boolean": "`true` or `false`",
        "string": "text",
        "array": "pair",
    }
    return " or ".join(words.get(kind, kind) for kind in kinds) + bounds


def _references(shape: Any) -> Iterator[str]:
    """Names of the definitions to which a shape refers, in order."""
    if isinstance(shape, dict) and "$ref" in shape:
        yield _referred(shape)
    for below in shape.values() if isinstance(shape, dict) else shape if isinstance(shape, list) else ():
        if isinstance(below, (dict, list)):
            yield from _references(below)


def _referred(shape: Json) -> str:
    return str(shape["$ref"]).removeprefix("#/$defs/").partition("/")[0]


def _last(name: str) -> str:
    return name.partition(".")[2]


def _words(name: str) -> str:
    return name.replace("-", " ")


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _cell(text: str) -> str:
    return " ".join(_escaped(text).split()).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Text in which Markdown sees no tags; formulas are indented, and left alone."""
    lines = (line if line.startswith("    ") else re.sub(r"<(?=[\w/])", r"\<", line) for line in text.splitlines())
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(reference())
