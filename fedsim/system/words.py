"""Reads mappings, quantities and names out of a file's value, and collects what is wrong with them."""

from collections.abc import Callable, Iterable
from typing import Any

from fedsim import units
from fedsim.errors import FedsimError
from fedsim.problems import Mistakes, shown

WAYS = ("forward", "back")


class Words:
    """What a file says, below a key path that stands before every path in a message."""

    def __init__(self, file: str, prefix: str = "") -> None:
        self.mistakes = Mistakes()
        self.file = file
        self._prefix = prefix

    def refuse(self, path: str, rule: str) -> None:
        """Note that ``rule`` is broken at ``path``."""
        self.mistakes.add(self.file, (self._prefix + path).rstrip("."), rule)

    def refuse_unknown(self, path: str, value: object, what: str, known: Iterable[object]) -> None:
        """Note that ``value`` is not a known ``what``."""
        self.mistakes.add_unknown(self.file, (self._prefix + path).rstrip("."), value, what, known)

    def mapping(
        self, path: str, value: Any, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The known keys of a mapping; the others, and what is missing, are refused."""
        known = (*required, *optional)
        if not isinstance(value, dict):
            self.refuse(path, f"must be a mapping with the keys {', '.join(known)}, got {shown(value)}")
            return {}
        inside = f"{path}." if path else ""
        for key in value:
            if key not in known:
                self.refuse_unknown(f"{inside}{key}", key, "key", known)
        for key in required:
            if key not in value:
                self.refuse(path, f"must have the key {key!r}")
        return {key: value[key] for key in known if key in value}

    def one_of(self, path: str, value: Any, what: str, known: tuple[str, ...]) -> str:
        """A known name; another is refused and taken as the first."""
        if value in known:
            return str(value)
        self.refuse_unknown(path, value, what, known)
        return known[0]

    def both_ways(self, path: str, value: Any, read: Callable[[str, Any], float]) -> tuple[float, float]:
        """A quantity forward and back: one for both, or ``{forward: ..., back: ...}``."""
        if isinstance(value, dict):
            ways = self.mapping(path, value, required=WAYS)
            there, back = (read(f"{path}.{way}", ways[way]) if way in ways else 1.0 for way in WAYS)
            return there, back
        one = read(path, value)
        return one, one

    def quantity(self, path: str, value: Any, unit: str, holds: Callable[[float], bool], rule: str) -> float:
        """A quantity in words; one that cannot be read, or breaks the rule, is refused and taken as 1."""
        try:
            number = units.parse(value, unit)
        except FedsimError as error:
            self.refuse(path, str(error))
            return 1.0
        if not holds(number):
            self.refuse(path, f"{rule}, got {shown(value)}")
            return 1.0
        return number
