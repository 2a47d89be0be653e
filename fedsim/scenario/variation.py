"""What a study varies: the values that a key takes, listed, spaced evenly, or drawn.

    protocol.cohort: [5, 10, 20]
    protocol.deadline: {grid: {from: 1 s, to: 10 s, points: 4}}      # 1, 4, 7 and 10 s
    learner.step_size: {log_grid: {from: 0.01, to: 1, points: 3}}    # 0.01, 0.1 and 1
    protocol.deadline: {uniform: [1 s, 10 s]}                        # drawn: the study says how many samples
    learner.step_size: {log_uniform: [0.001, 1]}
    protocol.cohort: {integers: [5, 20]}                             # both ends included
    fleet.*.link: {choice: [3g, 4g, wifi]}

What is drawn is a function of a share from 0 to 1, its quantile, so that a sample may be random or stratified.
Numbers that are computed are rounded to four significant digits: they are to be read, and end up in names of folders.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fedsim import problems, units
from fedsim.errors import FedsimError
from fedsim.scenario.codec import read_quantity
from fedsim.scenario.definitions import Json, any_of, array, mapping
from fedsim.scenario.refusal import Refused, refuse

MOST_VALUES = 10_000
_KINDS = ("1", "s", "bytes", "bit/s", "J", "J/bit", "W", "flop", "flop/s", "m")
_DIGITS = 4
_SAID = {
    "values": "These, each crossed with those of other keys.",
    "grid": "So many points, evenly spaced, both ends included.",
    "log_grid": "So many points, each the same factor apart, both ends included.",
    "uniform": "Drawn: any number from low to high alike.",
    "log_uniform": "Drawn: any number from low to high, each factor alike.",
    "integers": "Drawn: any whole number from low to high, both included.",
    "choice": "Drawn: one of these.",
}


class Drawn(Protocol):
    """Something that a sample draws."""

    def at(self, share: float) -> Any:
        """The value, in words, below which ``share`` of all draws lie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """These values, each crossed with those of other keys."""

    values: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uniform:
    """Any number from ``low`` to ``high`` alike; ``unit`` as in ``fedsim.units``, empty for a plain number."""

    low: float
    high: float
    unit: str = ""

    def at(self, share: float) -> Any:
        """The value at this share of the way."""
        return in_words(self.low + share * (self.high - self.low), (self.low, self.high), self.unit)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogUniform:
    """Any number from ``low`` to ``high``, each factor alike."""

    low: float
    high: float
    unit: str = ""

    def at(self, share: float) -> Any:
        """The value at this share of the way on a logarithmic scale."""
        value = math.exp((1 - share) * math.log(self.low) + share * math.log(self.high))
        return in_words(value, (self.low, self.high), self.unit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Integers:
    """Any whole number from ``low`` to ``high``, both included."""

    low: int
    high: int

    def at(self, share: float) -> int:
        """The number below which ``share`` of all draws lie."""
        return min(self.high, self.low + math.floor(share * (self.high - self.low + 1)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Any of the values alike."""

    values: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value in whose part ``share`` lies."""
        return self.values[min(len(self.values) - 1, math.floor(share * len(self.values)))]


Variation = Listed | Uniform | LogUniform | Integers | Choice


def read_variation(words: Any) -> Variation:
    """How a key varies, for pydantic to call.

    Raises:
        Refused: with every mistake.
    """
    if isinstance(words, list):
        return Listed(values=_values(words))
    if not isinstance(words, Mapping) or len(words) != 1:
        raise refuse(f"must be a list of values, or have one key of {', '.join(_READERS)}, got {problems.shown(words)}")
    [(name, inner)] = words.items()
    if name not in _READERS:
        raise refuse(problems.unknown(name, "variation", _READERS))
    try:
        return _READERS[name](inner)
    except Refused as refused:
        raise Refused([((name, *keys), rule) for keys, rule in refused.mistakes]) from None


def variation_shape() -> Json:
    """What ``read_variation`` takes, as JSON Schema."""
    values, pair = {**array({}), "minItems": 1}, {**array({}), "minItems": 2, "maxItems": 2}
    end = {"type": ["number", "string"]}
    grid = mapping({"from": end, "to": end, "points": {"type": "integer", "minimum": 2}}, ["from", "to", "points"])
    shapes = {"values": values, "choice": values, "grid": grid, "log_grid": grid}
    shapes |= dict.fromkeys(("uniform", "log_uniform", "integers"), pair)
    return any_of(values, *(mapping({name: {**shapes[name], "description": _SAID[name]}}, [name]) for name in _READERS))


def in_words(value: float, bounds: tuple[float, float], unit: str) -> Any:
    """A computed number to four significant digits, within its bounds, with its unit."""
    low, high = bounds
    rounded = min(max(float(f"{value:.{_DIGITS}g}"), low), high)
    return units.show(rounded, unit) if unit not in {"", "1"} else rounded


def _values(words: Any) -> tuple[Any, ...]:
    if not isinstance(words, list) or not words:
        raise refuse(f"must be a list with at least one value, got {problems.shown(words)}")
    twice = [i for i, value in enumerate(words) if any(_same(value, earlier) for earlier in words[:i])]
    if twice:
        raise Refused([((i,), f"{problems.shown(words[i])} is there already") for i in twice])
    return tuple(words)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _bounds(words: Any) -> tuple[float, float, str]:
    if not isinstance(words, list) or len(words) != 2:
        raise refuse(f"must be [low, high], got {problems.shown(words)}")
    unit = _unit(words)
    low, high = (read_quantity(unit, word) for word in words)
    if not -math.inf < low < high < math.inf:
        raise refuse(f"must be [low, high] with low < high, got {problems.shown(words)}")
    return low, high, unit


def _unit(words: list[Any]) -> str:
    """The unit in which both are; empty for two plain numbers."""
    if all(isinstance(word, (int, float)) and not isinstance(word, bool) for word in words):
        return ""
    for unit in _KINDS:
        if all(isinstance(word, str) and _is_in(word, unit) for word in words):
            return unit
    raise refuse(f"must be two numbers, or two quantities of one kind such as ['1 s', '10 s'], got {words!r}")


def _is_in(text: str, unit: str) -> bool:
    try:
        units.parse(text, unit)
    except FedsimError:
        return False
    return True


def _positive(bounds: tuple[float, float, str]) -> tuple[float, float, str]:
    if not bounds[0] > 0:
        raise refuse(f"must be > 0 on a logarithmic scale, got {bounds[0]!r}")
    return bounds


def _uniform(words: Any) -> Uniform:
    low, high, unit = _bounds(words)
    return Uniform(low=low, high=high, unit=unit)


def _log_uniform(words: Any) -> LogUniform:
    low, high, unit = _positive(_bounds(words))
    return LogUniform(low=low, high=high, unit=unit)


def _integers(words: Any) -> Integers:
    whole = isinstance(words, list) and len(words) == 2 and all(type(word) is int for word in words)
    if not whole or not words[0] < words[1]:
        raise refuse(f"must be [low, high], two whole numbers with low < high, got {problems.shown(words)}")
    return Integers(low=words[0], high=words[1])


def _grid(words: Any, law: Callable[[Any], Uniform | LogUniform]) -> Listed:
    """Values from one end to the other, both included."""
    keys = {"from", "to", "points"}
    if not isinstance(words, Mapping) or set(words) != keys:
        raise refuse(f"must have the keys from, to and points, got {problems.shown(words)}")
    points = words["points"]
    if type(points) is not int or not 2 <= points <= MOST_VALUES:
        raise Refused(
            [(("points",), f"must be a whole number from 2 to {MOST_VALUES:,}, got {problems.shown(points)}")]
        )
    spread = law([words["from"], words["to"]])
    return Listed(values=tuple(dict.fromkeys(spread.at(i / (points - 1)) for i in range(points))))


_READERS: Mapping[str, Callable[[Any], Variation]] = {
    "values": lambda words: Listed(values=_values(words)),
    "grid": lambda words: _grid(words, _uniform),
    "log_grid": lambda words: _grid(words, _log_uniform),
    "uniform": _uniform,
    "log_uniform": _log_uniform,
    "integers": _integers,
    "choice": lambda words: Choice(values=_values(words)),
}
