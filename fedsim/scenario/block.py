"""Blocks of a scenario that become a dataclass: their keys, types and defaults are the dataclass's own.

A dataclass inside a dataclass is flattened: ``FedAvg.solver: Sgd`` gives ``learner: {name: fedavg, epochs: 5}``.
Where one of its keys is taken already, all of it is a block of its own under the field's name. A field whose type
cannot be written in a file keeps its default.
"""

from collections.abc import Hashable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any, cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from fedsim.errors import FedsimError
from fedsim.scenario.codec import Blocks, Choices, Codec, codec, key_and_unit
from fedsim.scenario.definitions import Definitions, Json, mapping
from fedsim.scenario.field_docs import about, field_docs
from fedsim.scenario.refusal import Refused, mistakes_in, refuse

Path = tuple[str, ...]

_STRICT = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A key of a block, and the field at the end of ``path`` that it fills."""

    key: str
    path: Path
    codec: Codec
    default: Any  # MISSING where there is none
    owner: type  # the dataclass whose field it is


def read_block(cls: type[Any], words: Any, choices: Choices, provided: Mapping[str, Any] | None = None) -> Any:
    """An object of the dataclass ``cls`` from its block; fields in ``provided`` are not the file's to give.

    Raises:
        Refused: with every mistake in the block.
    """
    given = dict(provided or {})
    slots, model = _slots_and_model(cls, choices, given)
    try:
        checked = model.model_validate(words)
    except ValidationError as error:
        raise Refused(mistakes_in(error, model)) from None
    values = {slot.path: getattr(checked, f"slot_{i}") for i, slot in enumerate(slots)}
    try:
        return _build(cls, {**values, **{(name,): value for name, value in given.items()}})
    except (FedsimError, ValueError) as error:
        raise refuse(str(error)) from None


def write_block(value: Any, choices: Choices, provided: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The block of a dataclass object: every key, in words."""
    slots, _ = _slots_and_model(type(value), choices, provided or {})
    return {slot.key: slot.codec.write(_reach(value, slot.path)) for slot in slots}


def block_keys(cls: type[Any], choices: Choices, provided: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every key of a dataclass's block, and its default in words; MISSING where it must be given."""
    slots = _slots(cls, _blocks(choices), hidden=frozenset(provided or ()))
    return {slot.key: MISSING if slot.default is MISSING else slot.codec.write(slot.default) for slot in slots}


def describe_block(
    cls: type[Any], choices: Choices, defs: Definitions, *, name: str = "", provided: Mapping[str, Any] | None = None
) -> Json:
    """What the block of a dataclass may hold; ``name`` is that of the alternative that it is, if it is one."""
    slots = _slots(cls, _blocks(choices), hidden=frozenset(provided or ()))
    head: dict[str, Json] = {"name": {"const": name}} if name else {}
    found = mapping(
        {**head, **{slot.key: _described(slot, defs) for slot in slots}},
        required=[*head, *(slot.key for slot in slots if slot.default is MISSING)],
    )
    return {"title": name or cls.__name__, "description": about(cls), **_sources(cls), **found}


def _sources(cls: type[Any]) -> Json:
    """Where to read on: the paper of what has one of its own, and the module."""
    return {**({"x-source": cls.source} if hasattr(cls, "source") else {}), "x-module": cls.__module__}


def _described(slot: _Slot, defs: Definitions) -> Json:
    found = dict(slot.codec.describe(defs))
    found["description"] = field_docs(slot.owner).get(slot.path[-1], "")
    return found if slot.default is MISSING else {**found, "default": slot.codec.write(slot.default)}


def _slots_and_model(
    cls: type[Any], choices: Choices, provided: Mapping[str, Any]
) -> tuple[list[_Slot], type[BaseModel]]:
    return _checker(cast("Hashable", cls), frozenset(provided), _Itself(choices))


class _Itself:
    """A mapping as a key: equal to itself, and one without anything in it to any other such."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and (self.choices is other.choices or not (self.choices or other.choices))

    def __hash__(self) -> int:
        return id(self.choices) if self.choices else 0


@lru_cache(maxsize=1024)
def _checker(cls: Hashable, hidden: frozenset[str], choices: _Itself) -> tuple[list[_Slot], type[BaseModel]]:
    """What checks a block of a class: made once, because pydantic takes longer to make it than to use it."""
    slots = _slots(cast("type[Any]", cls), _blocks(choices.choices), hidden=hidden)
    return slots, _model(slots)


def _blocks(choices: Choices) -> Blocks:
    return Blocks(
        choices,
        read=lambda cls, words: read_block(cls, words, choices),
        write=lambda value: write_block(value, choices),
        describe=lambda cls, name, defs: describe_block(cls, choices, defs, name=name),
    )


def _slots(
    cls: type[Any], blocks: Blocks, *, hidden: frozenset[str] = frozenset(), start: Any = MISSING
) -> list[_Slot]:
    """The slots of a dataclass in the order of its fields; defaults are those of ``start``, if there is one."""
    hints = get_type_hints(cls)
    slots: list[_Slot] = []
    own_keys = {key_and_unit(field.name)[0] for field in fields(cls)}
    for field in fields(cls):
        if not field.init or field.name in hidden:
            continue
        default = _default(field) if start is MISSING else getattr(start, field.name)
        inner = _inner_slots(hints[field.name], field.name, blocks, default)
        taken = (own_keys - {field.name}) | {slot.key for slot in slots}
        if inner and not taken & {slot.key for slot in inner}:
            slots += inner
        else:
            slots += _own_slot(cls, field.name, hints[field.name], blocks, default)
    return slots


def _inner_slots(annotation: Any, name: str, blocks: Blocks, default: Any) -> list[_Slot]:
    if annotation in blocks.choices or not is_dataclass(annotation) or not isinstance(annotation, type):
        return []
    inner = _slots(annotation, blocks, start=default)
    return [_Slot(slot.key, (name, *slot.path), slot.codec, slot.default, slot.owner) for slot in inner]


def _own_slot(cls: type[Any], name: str, annotation: Any, blocks: Blocks, default: Any) -> list[_Slot]:
    key, unit = key_and_unit(name)
    found = codec(annotation, unit, blocks)
    if found is None and default is MISSING:
        raise FedsimError(f"{cls.__name__}.{name} must be given, and no scenario file can: {annotation!r}")
    return [] if found is None else [_Slot(key, (name,), found, default, cls)]


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _model(slots: list[_Slot]) -> type[BaseModel]:
    """A pydantic model with one field per slot; keys are aliases, so that none can hide a method of the model."""
    definitions: dict[str, Any] = {
        f"slot_{i}": (
            slot.codec.type,
            Field(alias=slot.key) if slot.default is MISSING else Field(slot.default, alias=slot.key),
        )
        for i, slot in enumerate(slots)
    }
    return create_model("Block", __config__=_STRICT, **definitions)


def _build(cls: type[Any], values: Mapping[Path, Any]) -> Any:
    hints = get_type_hints(cls)
    arguments = {path[0]: value for path, value in values.items() if len(path) == 1}
    for name in {path[0]: None for path in values if len(path) > 1}:
        inner = {path[1:]: value for path, value in values.items() if path[0] == name}
        arguments[name] = _build(hints[name], inner)
    return cls(**arguments)


def _reach(value: Any, path: Path) -> Any:
    for name in path:
        value = getattr(value, name)
    return value
