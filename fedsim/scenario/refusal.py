"""Turns what pydantic found into mistakes: keys below the checked value, and the rule that is broken."""

from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fedsim import problems

Keys = tuple[str | int, ...]
Mistake = tuple[Keys, str]

_RULES = {
    "missing": "is missing",
    "int_type": "must be a whole number, got {value}",
    "bool_type": "must be true or false, got {value}",
    "string_type": "must be a text, got {value}",
    "string_pattern_mismatch": "must be a name of letters, digits, '-' and '_', got {value}",
    "tuple_type": "must be a list, got {value}",
    "model_type": "must be a mapping, got {value}",
    "invalid_key": "must have texts as keys, got {value}",
    "greater_than": "must be > {gt}, got {value}",
    "greater_than_equal": "must be >= {ge}, got {value}",
    "less_than_equal": "must be <= {le}, got {value}",
    "too_short": "must have at least {min_length} item, got {actual_length}",
}


class Refused(ValueError):  # noqa: N818  # pydantic collects ValueErrors; this one never leaves the loader
    """One value with several mistakes; their keys are counted from the value."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(rule for _, rule in mistakes))
        self.mistakes = tuple(mistakes)


def refuse(rule: str) -> Refused:
    """A refusal of the value as a whole."""
    return Refused([((), rule)])


def mistakes_in(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Every mistake in a pydantic error about ``model``, in our words."""
    return [mistake for one in error.errors(include_url=False) for mistake in _mistakes(one, model)]


def _mistakes(one: Any, model: type[BaseModel]) -> Iterable[Mistake]:
    keys: Keys = one["loc"]
    cause = one.get("ctx", {}).get("error")
    if isinstance(cause, Refused):
        return [((*keys, *below), rule) for below, rule in cause.mistakes]
    if one["type"] == "extra_forbidden":
        return [(keys, problems.unknown(keys[-1], "key", _known_keys(model, keys[:-1])))]
    rule = _RULES.get(one["type"], one["msg"][:1].lower() + one["msg"][1:] + ", got {value}")
    return [(keys, rule.format(value=problems.shown(one["input"]), **one.get("ctx", {})))]


def _known_keys(model: type[BaseModel], keys: Keys) -> list[str]:
    """The keys of the model that stands at ``keys`` below ``model``."""
    for key in keys:
        if isinstance(key, str):
            model = _model_in(_by_alias(model)[key]) or model
    return list(_by_alias(model))


def _by_alias(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)
