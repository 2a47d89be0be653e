"""What a law looks like in a file, as JSON Schema; see ``fedsim.system.law_words``."""

from dataclasses import MISSING, fields
from typing import Any

from fedsim.scenario.definitions import Definitions, Json, any_of, array, mapping, quantity
from fedsim.scenario.field_docs import about
from fedsim.system.law_words import LAWS, LISTS, PLAIN
from fedsim.system.scipy_law import distributions


def law_name(unit: str) -> str:
    """The name of the definition of laws in this unit."""
    return "law" if unit == "1" else f"law-in-{unit.replace('/', '-per-')}"


def law_shape(unit: str, defs: Definitions) -> Json:
    """A quantity in this unit, or a distribution of it."""
    return defs.ref(law_name(unit), ("law", unit), lambda: any_of(quantity(unit), *_distributions(unit, defs)))


def _distributions(unit: str, defs: Definitions) -> list[Json]:
    return [
        *(_one_key(name, _parameters(name, cls, unit), about(cls)) for name, cls in LAWS.items()),
        _scipy(unit, defs),
    ]


def _one_key(name: str, parameters: Json, text: str) -> Json:
    return {**mapping({name: {**parameters, "description": text}}, [name]), "title": name}


def _parameters(name: str, cls: type[Any], unit: str) -> Json:
    measures = {one.name: quantity("1" if one.name in PLAIN else unit) for one in fields(cls)}
    shapes = {key: array(shape) if key in LISTS else shape for key, shape in measures.items()}
    whole = mapping(shapes, [one.name for one in fields(cls) if one.default is MISSING])
    if name == "uniform":
        return any_of({**array(quantity(unit)), "minItems": 2, "maxItems": 2}, whole)
    return any_of(array(quantity(unit)), whole) if name == "choice" else whole


def _scipy(unit: str, defs: Definitions) -> Json:
    names = defs.ref("scipy-distribution", "scipy", lambda: {"enum": list(distributions())})
    own = {"name": names, "loc": quantity(unit), "scale": quantity(unit)}
    shape = {"type": "object", "properties": own, "required": ["name"], "additionalProperties": quantity("1")}
    return _one_key("scipy", shape, "A distribution of scipy.stats; loc and scale have a unit, other parameters none.")
