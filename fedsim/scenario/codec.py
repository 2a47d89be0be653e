"""How one field of a dataclass is read from a file and written back: by its type, with the unit in its name.

A field ``deadline_s: float`` is written ``deadline: 10 s``; the suffix says the unit. Other numbers are plain, and
may be given in per cent. A union of dataclasses, or a Protocol for which the catalogue lists the choices, is a
mapping whose ``name`` says which, or just that name where the defaults do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from functools import partial
from types import GenericAlias, MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Optional, Union, get_args, get_origin

from pydantic import PlainValidator, Strict

from fedsim import problems, units
from fedsim.errors import FedsimError
from fedsim.scenario.definitions import Definitions, Json, any_of, array, one_of_names, or_null, quantity
from fedsim.scenario.law_shape import law_shape
from fedsim.scenario.refusal import Mistake, Refused, refuse
from fedsim.system.law import Law
from fedsim.system.law_words import read_law, write_law

Choices = Mapping[Any, Mapping[str, type[Any]]]
"""For a Protocol: the dataclasses that may stand in its place, by their names in files."""

_UNITS = {
    "_flops_per_s": "flop/s",
    "_flops": "flop",
    "_bytes": "bytes",
    "_bps": "bit/s",
    "_s": "s",
    "_j": "J",
    "_w": "W",
    "_m": "m",
}

_JSON_TYPES: Final[Mapping[Any, str]] = MappingProxyType({int: "integer", bool: "boolean", str: "string"})


@dataclass(frozen=True, slots=True)
class Codec:
    """``type`` is what pydantic checks; ``write`` gives words for a checked value, ``describe`` a JSON Schema."""

    type: Any
    write: Callable[[Any], Any]
    describe: Callable[[Definitions], Json]


@dataclass(frozen=True, slots=True)
class Blocks:
    """How nested dataclasses are read, written and described.

    (class, words) -> value; value -> words; (class, its name among several or "", definitions) -> JSON Schema.
    """

    choices: Choices
    read: Callable[[type[Any], Any], Any]
    write: Callable[[Any], dict[str, Any]]
    describe: Callable[[type[Any], str, Definitions], Json]


def key_and_unit(field: str) -> tuple[str, str]:
    """``deadline_s`` is ``("deadline", "s")``; ``lambda_`` is ``("lambda", "")``, a plain number."""
    for suffix, unit in _UNITS.items():
        if field.endswith(suffix) and field != suffix:
            return field.removesuffix(suffix), unit
    return field.rstrip("_"), "1" if field.endswith("share") else ""


def read_quantity(unit: str, words: Any) -> float:
    """A number in words, for pydantic to call."""
    try:
        return units.parse(words, unit or "1")
    except FedsimError as error:
        raise refuse(str(error)) from None


def read_law_words(unit: str, words: Any) -> Law:
    """A law in words, for pydantic to call."""
    mistakes: list[Mistake] = []
    law = read_law(words, unit or "1", lambda keys, rule: mistakes.append((keys, rule)))
    if law is None:
        raise Refused(mistakes)
    return law


def read_name(what: str, known: Any, words: Any) -> Any:
    """One of the known values, for pydantic to call."""
    if not any(words == value and type(words) is type(value) for value in known):
        raise refuse(problems.unknown(words, what, known))
    return words


def codec(annotation: Any, unit: str, blocks: Blocks) -> Codec | None:
    """The codec of a field, None for a type that cannot be written in a file."""
    options = _options(annotation, blocks.choices)
    if options is not None:
        return _choice(options, blocks, _name_of(annotation))
    if get_origin(annotation) in {Union, UnionType}:
        return _optional(annotation, unit, blocks)
    if get_origin(annotation) is Literal:
        known = get_args(annotation)
        return Codec(_plain(partial(read_name, "value", known)), _as_it_is, lambda _: one_of_names(known))
    several = _several(annotation)
    if several is not None:
        return several(annotation, unit, blocks)
    if isinstance(annotation, type) and is_dataclass(annotation):
        inner = partial(blocks.describe, annotation, "")
        name = kebab(annotation.__name__)
        return Codec(
            _plain(partial(blocks.read, annotation)),
            blocks.write,
            lambda defs: defs.ref(name, annotation, partial(inner, defs)),
        )
    return _leaf(annotation, unit)


def _leaf(annotation: Any, unit: str) -> Codec | None:
    if annotation is Law:
        write = partial(write_law, unit=unit or "1")
        return Codec(_plain(partial(read_law_words, unit)), write, partial(law_shape, unit or "1"))
    if annotation is float:
        write_number = partial(_write_number, unit)
        return Codec(_plain(partial(read_quantity, unit)), write_number, lambda _: quantity(unit or "1"))
    if annotation in _JSON_TYPES:
        plain = {"type": _JSON_TYPES[annotation]}
        return Codec(Annotated[annotation, Strict()], _as_it_is, lambda _: plain)
    return None


def _options(annotation: Any, choices: Choices) -> Mapping[str, type[Any]] | None:
    if annotation in choices:
        return choices[annotation]
    members = [member for member in get_args(annotation) if member is not NoneType]
    if get_origin(annotation) in {Union, UnionType} and len(members) > 1 and all(map(is_dataclass, members)):
        return {kebab(member.__name__): member for member in members}
    return None


def _name_of(annotation: Any) -> str:
    """Under which its choices are described: a Protocol's, or a union's members'."""
    members = get_args(annotation) or (annotation,)
    return "-or-".join(kebab(member.__name__) for member in members if member is not NoneType)


def choice_shape(
    what: str, options: Mapping[str, Any], describe: Callable[[Any, str], Json], defs: Definitions
) -> Json:
    """A mapping whose ``name`` is one of the options, or just that name where the defaults do."""
    alternatives = (
        defs.ref(f"{what}.{name}", (what, name), partial(describe, option, name)) for name, option in options.items()
    )
    return any_of(one_of_names(options), *alternatives)


def _choice(options: Mapping[str, type[Any]], blocks: Blocks, called: str) -> Codec:
    def read(words: Any) -> Any:
        if isinstance(words, str):
            words = {"name": words}
        if not isinstance(words, Mapping) or "name" not in words:
            raise refuse(f"must say its name, one of {', '.join(options)}, got {problems.shown(words)}")
        name = words["name"]
        if not isinstance(name, str) or name not in options:
            raise Refused([(("name",), problems.unknown(name, "name", options))])
        return blocks.read(options[name], {key: value for key, value in words.items() if key != "name"})

    def write(value: Any) -> dict[str, Any]:
        [name] = [name for name, option in options.items() if type(value) is option]
        return {"name": name, **blocks.write(value)}

    def describe(defs: Definitions) -> Json:
        def make() -> Json:
            return choice_shape(called, options, lambda cls, name: blocks.describe(cls, name, defs), defs)

        return defs.ref(called, options, make)

    return Codec(_plain(read), write, describe)


def _optional(annotation: Any, unit: str, blocks: Blocks) -> Codec | None:
    members = [member for member in get_args(annotation) if member is not NoneType]
    inner = codec(members[0], unit, blocks) if len(members) == 1 else None
    if inner is None:
        return None
    optional: Any = Optional.__getitem__(inner.type)
    return Codec(
        optional,
        lambda value: None if value is None else inner.write(value),
        lambda defs: or_null(inner.describe(defs)),
    )


def _several(annotation: Any) -> Callable[[Any, str, Blocks], Codec | None] | None:
    if get_origin(annotation) is tuple and get_args(annotation)[1:] == (Ellipsis,):
        return _list
    return _mapping if get_origin(annotation) is Mapping and get_args(annotation)[0] is str else None


def _list(annotation: Any, unit: str, blocks: Blocks) -> Codec | None:
    inner = codec(get_args(annotation)[0], unit, blocks)
    if inner is None:
        return None
    listed = GenericAlias(tuple, (inner.type, ...))
    return Codec(
        listed, lambda values: [inner.write(value) for value in values], lambda defs: array(inner.describe(defs))
    )


def _mapping(annotation: Any, unit: str, blocks: Blocks) -> Codec | None:
    inner = codec(get_args(annotation)[1], unit, blocks)
    if inner is None:
        return None
    named = GenericAlias(dict, (Annotated[str, Strict()], inner.type))
    return Codec(
        named,
        lambda values: {name: inner.write(value) for name, value in values.items()},
        lambda defs: {"type": "object", "additionalProperties": inner.describe(defs)},
    )


def _write_number(unit: str, value: float) -> str | float:
    return units.show(value, unit) if unit else value


def _plain(read: Callable[[Any], Any]) -> Any:
    return Annotated[Any, PlainValidator(read)]


def _as_it_is(value: Any) -> Any:
    return value


def kebab(name: str) -> str:
    """``DualLoss`` as ``dual-loss``."""
    return "".join("-" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("-")
