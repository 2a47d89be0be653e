"""Pieces of a JSON Schema (draft 2020-12), each under a name of its own.

Schemas are plain mappings, as ``json.dumps`` takes them. A schema may be more generous than the reader, which knows
more rules; it never refuses what the reader takes.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from fedsim import units

Json = dict[str, Any]

_NUMBER = r"[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?inf"
_UNIT = r"%|[A-Za-zµμ]+(\s*/\s*[A-Za-z]+)?"
_QUANTITY = rf"^\s*({_NUMBER})\s*({_UNIT})?\s*$"

_MEASURES: Final = MappingProxyType({
    "1": "number",
    "s": "time",
    "bytes": "size",
    "bit/s": "rate-of-bits",
    "J": "energy",
    "W": "power",
    "flop": "operations",
    "flop/s": "computing-speed",
    "m": "length",
})  # fmt: skip


class Definitions:
    """What stands under ``$defs``; each definition is made once, when it is first asked for."""

    def __init__(self) -> None:
        self.made: dict[str, Json] = {}
        self._things: dict[str, object] = {}

    def ref(self, name: str, thing: object, make: Callable[[], Json]) -> Json:
        """A reference to the definition of a thing; another thing of the same name gets a number behind it."""
        names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(self._things) + 2))
        free = next(one for one in names if self._things.get(one, thing) == thing)
        if free not in self._things:
            self._things[free] = thing
            self.made[free] = {}  # it may be asked for again while it is made
            self.made[free] = make()
        return to(free)


def to(name: str) -> Json:
    """A reference to a definition by its name."""
    return {"$ref": f"#/$defs/{name}"}


def any_of(*schemas: Json) -> Json:
    """One of several; alternatives of an alternative are as good as its own."""
    flat: list[Json] = []
    for schema in schemas:
        flat += schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]
    return {"anyOf": [schema for index, schema in enumerate(flat) if schema not in flat[:index]]}


def or_null(schema: Json) -> Json:
    """The same, or null."""
    return any_of(schema, {"type": "null"})


def one_of_names(names: Iterable[Any]) -> Json:
    """One of some values."""
    return {"enum": list(names)}


def array(items: Json) -> Json:
    """A list."""
    return {"type": "array", "items": items}


def mapping(properties: Mapping[str, Json], required: Iterable[str] = ()) -> Json:
    """A mapping with these keys and no others."""
    must = list(required)
    return {
        "type": "object",
        "properties": dict(properties),
        **({"required": must} if must else {}),
        "additionalProperties": False,
    }


def quantity(unit: str) -> Json:
    """A number, or a text with a unit: a reference to one of ``quantities``."""
    return to(_MEASURES[unit])


def quantities() -> dict[str, Json]:
    """The definitions of quantities; the unit of plain numbers is an annotation of its own."""
    return {name: _quantity(unit) for unit, name in _MEASURES.items()}


def _quantity(unit: str) -> Json:
    text = {
        "type": ["number", "string"],
        "pattern": _QUANTITY,
        "description": f"{units.measure(unit).capitalize()}: a text with its unit, or a plain number{_in(unit)}.",
    }
    return {**text, "examples": [units.example(unit)], "x-unit": unit}


def _in(unit: str) -> str:
    return "" if unit == "1" else f" in {unit}"
