"""A law that a learner keeps or breaks, and how values are compared to the last bit."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Law:
    """What every learner must keep, and what to do where it does not."""

    name: str
    mend: str

    def demand(self, kept: bool, what: str) -> None:  # noqa: FBT001  # a condition, as in assert
        """Say that the law is broken, and how, unless it was kept.

        Raises:
            AssertionError: if it was not.
        """
        if not kept:
            raise AssertionError(f"law broken: {self.name}: {what}. To mend it: {self.mend}")


PICKLES = Law(
    name="learner, states and memories pickle",
    mend="define classes at the top of a module, and keep no functions, locks or open files in them",
)


def fingerprint(value: Any) -> Any:
    """Something that is equal for equal values only, to the last bit of every number, and does not change later."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value).__name__, *(fingerprint(getattr(value, field.name)) for field in fields(value)))
    if isinstance(value, Mapping):
        return tuple((key, fingerprint(value[key])) for key in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(map(fingerprint, value))
    return _dumped(value, type(value).__name__)


def numbers(value: Any) -> list[Any]:
    """Every array and float in a value, as arrays."""
    if isinstance(value, np.ndarray):
        return [value] if np.issubdtype(value.dtype, np.number) else []
    if isinstance(value, float):
        return [np.asarray(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return [found for field in fields(value) for found in numbers(getattr(value, field.name))]
    if isinstance(value, Mapping):
        return [found for key in sorted(value) for found in numbers(value[key])]
    return [found for one in value for found in numbers(one)] if isinstance(value, list | tuple) else []


def finite(value: Any) -> bool:
    """Whether every number in it is."""
    return all(bool(np.isfinite(found).all()) for found in numbers(value))


def pickled(value: Any, what: str) -> Any:
    """The value after a journey through bytes.

    Raises:
        AssertionError: if it does not survive it.
    """
    copy = pickle.loads(_dumped(value, what))  # noqa: S301  # what was just written
    PICKLES.demand(fingerprint(copy) == fingerprint(value), f"{what} is another after pickling")
    return copy


def _dumped(value: Any, what: str) -> bytes:
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise AssertionError(f"law broken: {PICKLES.name}: {what}: {error}. To mend it: {PICKLES.mend}") from error
