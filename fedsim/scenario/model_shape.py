"""What a pydantic model of the schema looks like in a file, as JSON Schema.

A field says what its words are by ``pydantic.WithJsonSchema`` where its type does not, and a model what it takes beside
its fields (short forms, keys that a profile fills in) by ``json_schema_extra`` of its ``model_config``.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import BaseModel, StringConstraints, WithJsonSchema
from pydantic.fields import FieldInfo

from fedsim.errors import FedsimError
from fedsim.scenario.codec import kebab
from fedsim.scenario.definitions import Definitions, Json, any_of, array, mapping, one_of_names
from fedsim.scenario.field_docs import about, field_docs

_PLAIN: Final[Mapping[Any, str]] = {int: "integer", float: "number", bool: "boolean", str: "string", NoneType: "null"}


def model_ref(model: type[BaseModel], defs: Definitions, known: Any) -> Json:
    """A reference to the definition of a model; ``known`` is what its defaults are written with."""
    return defs.ref(kebab(model.__name__), model, partial(model_shape, model, defs, known))


def model_shape(model: type[BaseModel], defs: Definitions, known: Any) -> Json:
    """What a model looks like in a file."""
    fields = model.model_fields
    properties = {field.alias or name: _field(model, name, field, defs, known) for name, field in fields.items()}
    required = [field.alias or name for name, field in fields.items() if field.is_required()]
    found: Json = {"title": kebab(model.__name__), "description": about(model), **mapping(properties, required)}
    extra: Any = model.model_config.get("json_schema_extra")
    if extra is not None:
        extra(found)
    return found


def _field(model: type[BaseModel], name: str, field: FieldInfo, defs: Definitions, known: Any) -> Json:
    found = dict(_shape(field.annotation, field.metadata, defs, known))
    found["description"] = field_docs(model).get(name, "")
    if field.is_required():
        return found
    value = field.get_default(call_default_factory=True)
    if field.validate_default:  # it is in words already
        return {**found, "default": value}
    start = model.model_construct(**{name: value})
    words = start.model_dump(by_alias=True, context=known, include={name}, warnings=False)
    return {**found, "default": words[field.alias or name]}


def _shape(annotation: Any, said: list[Any], defs: Definitions, known: Any) -> Json:
    """The shape of a type with what ``Annotated`` says beside it."""
    shapes = [one for one in said if isinstance(one, WithJsonSchema)]
    if shapes:
        return dict(shapes[-1].json_schema or {})
    below = partial(_shape, said=[], defs=defs, known=known)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _shape(arguments[0], [*arguments[1:], *said], defs, known)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return model_ref(annotation, defs, known)
    return {**_plain(annotation, origin, arguments, below), **dict(_bounds(said))}


def _plain(annotation: Any, origin: Any, arguments: tuple[Any, ...], below: Callable[[Any], Json]) -> Json:
    if origin in {Union, UnionType}:
        return any_of(*map(below, arguments))
    if origin is Literal:
        return one_of_names(arguments)
    if origin is tuple:
        return _tuple(arguments, below)
    if origin is dict:
        return {"type": "object", "additionalProperties": below(arguments[1])}
    if annotation is Any:
        return {}
    if annotation not in _PLAIN:
        raise FedsimError(f"{annotation!r} says nothing about its words: give it WithJsonSchema")
    return {"type": _PLAIN[annotation]}


def _tuple(arguments: tuple[Any, ...], below: Callable[[Any], Json]) -> Json:
    if arguments[1:] == (Ellipsis,):
        return array(below(arguments[0]))
    items = [below(one) for one in arguments]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _bounds(said: list[Any]) -> Iterator[tuple[str, Any]]:
    for one in said:
        for constraint in getattr(one, "metadata", [one]):  # Field() keeps its constraints in a list
            if isinstance(constraint, Ge):
                yield "minimum", constraint.ge
            elif isinstance(constraint, Gt):
                yield "exclusiveMinimum", constraint.gt
            elif isinstance(constraint, Le):
                yield "maximum", constraint.le
            elif isinstance(constraint, MinLen):
                yield "minItems", constraint.min_length
            elif isinstance(constraint, MaxLen):
                yield "maxItems", constraint.max_length
            elif isinstance(constraint, StringConstraints):
                yield from _text_bounds(constraint)


def _text_bounds(constraint: StringConstraints) -> Iterator[tuple[str, Any]]:
    if constraint.pattern is not None:
        yield "pattern", constraint.pattern
    if constraint.max_length is not None:
        yield "maxLength", constraint.max_length
