"""Asynchronous generators that have been started and not finished."""

import weakref
from collections.abc import AsyncGenerator, Iterator
from typing import Any

Generator = AsyncGenerator[Any, Any]


class OpenGenerators:
    """A weak set in order of insertion: generators that are left at the end are closed in order of their start."""

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[Generator]] = {}

    def add(self, generator: Generator) -> None:
        """It has been started."""
        key, references = id(generator), self._references
        references[key] = weakref.ref(generator, lambda _: references.pop(key, None))

    def discard(self, generator: Generator) -> None:
        """It is being closed."""
        self._references.pop(id(generator), None)

    def clear(self) -> None:
        """Forget all."""
        self._references.clear()

    def __len__(self) -> int:
        return len(self._references)

    def __iter__(self) -> Iterator[Generator]:
        found = [reference() for reference in self._references.values()]
        return iter([generator for generator in found if generator is not None])
