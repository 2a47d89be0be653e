"""Laws in files: a plain quantity, or a mapping with one key that names the law.

charge: 80 %
charge: {uniform: [20 %, 100 %]}
every: {exponential: {mean: 10 min}}
up: {lognormal: {median: 1.2 Mbit/s, sigma: 0.54}}
away: {weibull: {scale: 16005 s, shape: 0.656}}
speed: {choice: [0.5 GFLOP/s, 1.5 GFLOP/s]}
speed: {choice: {values: [0.5 GFLOP/s, 1.5 GFLOP/s], weights: [3, 1]}}
away: {scipy: {name: gamma, a: 2, scale: 10 min}}

``scipy`` takes any continuous distribution of ``scipy.stats`` by name. Its parameters are scipy's own: ``loc`` and
``scale`` carry the unit, all others are plain numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from fedsim import problems, units
from fedsim.errors import FedsimError
from fedsim.system.law import Choice, Constant, Exponential, Law, Lognormal, Uniform, Weibull
from fedsim.system.scipy_law import ScipyLaw

Note = Callable[[tuple[str | int, ...], str], None]
"""Takes the place of a mistake, as keys below the value that was read, and the rule that it breaks."""

LAWS: dict[str, type[Any]] = {
    "uniform": Uniform,
    "exponential": Exponential,
    "lognormal": Lognormal,
    "weibull": Weibull,
    "choice": Choice,
}


@dataclass(frozen=True, slots=True)
class LawWords:
    """How a law is written, for people."""

    name: str
    about: str
    example: str


LAW_WORDS = (
    LawWords("a quantity", "Always the same.", "80 %"),
    LawWords("uniform", "Every value from low to high alike.", "{uniform: [20 %, 100 %]}"),
    LawWords("exponential", "Events at a constant rate.", "{exponential: {mean: 10 min}}"),
    LawWords("lognormal", "median * exp(sigma * Z), Z standard normal.", "{lognormal: {median: 50 min, sigma: 1.39}}"),
    LawWords("weibull", "P(X > x) = exp(-(x / scale)**shape).", "{weibull: {scale: 16005 s, shape: 0.656}}"),
    LawWords("choice", "One of some values.", "{choice: {values: [1 GFLOP/s, 4 GFLOP/s], weights: [3, 1]}}"),
    LawWords(
        "scipy",
        "A distribution of scipy.stats; loc and scale have a unit, other parameters have none.",
        "{scipy: {name: gamma, a: 2, scale: 10 min}}",
    ),
)
"""Every law that a file may name, with an example."""

_NAMES = (*LAWS, "scipy")
PLAIN = {"sigma", "shape", "weights"}  # parameters without the unit of what is drawn
_MEASURED = {"loc", "scale"}  # parameters of scipy's distributions with that unit
LISTS = {"values", "weights"}


def read_law(words: object, unit: str, note: Note) -> Law | None:
    """The law in ``words``, of something measured in ``unit``; None where a mistake was noted."""
    if not isinstance(words, Mapping):
        value = _number(words, unit, (), note)
        return None if value is None else Constant(value)
    if len(words) != 1:
        note(
            (),
            f"a law is a quantity or has one key that names it ({', '.join(_NAMES)}), got {len(words)} keys",
        )
        return None
    [(name, parameters)] = words.items()
    if name not in _NAMES:
        note((), problems.unknown(name, "law", _NAMES))
        return None
    if name == "scipy":
        return _read_scipy(parameters, unit, note)
    values = _parameters(name, parameters, unit, note)
    try:
        return None if values is None else LAWS[name](**values)
    except FedsimError as error:
        note((), str(error))
        return None


def write_law(law: Law, unit: str) -> Any:
    """Words for a law, plain enough for YAML; ``read_law`` turns them back into an equal law."""
    if isinstance(law, Constant):
        return units.show(law.value, unit)
    if isinstance(law, ScipyLaw):
        measured = {key: units.show(value, unit) if key in _MEASURED else value for key, value in law.parameters}
        return {"scipy": {"name": law.name, **measured}}
    name = type(law).__name__.lower()
    values = {field.name: getattr(law, field.name) for field in fields(LAWS[name])}
    written = {key: _write(key, value, unit) for key, value in values.items() if value != ()}
    if name == "uniform" or list(written) == ["values"]:
        return {name: [*written.values()] if name == "uniform" else written["values"]}
    return {name: written}


def _read_scipy(given: object, unit: str, note: Note) -> Law | None:
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        note(("scipy",), f"must give the name of a distribution and its parameters, got {problems.shown(given)}")
        return None
    values = {
        key: _number(words, unit if key in _MEASURED else "1", ("scipy", str(key)), note)
        for key, words in given.items()
        if key != "name"
    }
    sound = tuple((str(key), value) for key, value in values.items() if value is not None)
    if len(sound) < len(values):
        return None
    try:
        return ScipyLaw(given["name"], sound)
    except FedsimError as error:
        note(("scipy",), str(error))
        return None


def _parameters(name: str, given: object, unit: str, note: Note) -> dict[str, Any] | None:
    keys = [field.name for field in fields(LAWS[name])]
    if name == "choice" and isinstance(given, list):
        return _numbers(name, {"values": given}, unit, lambda at, rule: note((name, *at[2:]), rule))
    if name == "uniform" and isinstance(given, list) and len(given) == 2:
        bounds = dict(zip(keys, given, strict=True))
        return _numbers(name, bounds, unit, lambda at, rule: note((name, keys.index(str(at[1]))), rule))
    if not isinstance(given, Mapping):
        note((name,), f"must give {' and '.join(keys)}, got {problems.shown(given)}")
        return None
    wanted = [key for key in keys if key != "weights"]
    strange = [key for key in given if key not in keys]
    for key in strange:
        note((name, str(key)), problems.unknown(key, f"parameter of {name}", keys))
    absent = [key for key in wanted if key not in given]
    for key in absent:
        note((name, key), "is missing")
    sound = {key: given[key] for key in keys if key in given}
    values = _numbers(name, sound, unit, note)
    return None if strange or absent else values


def _numbers(name: str, given: Mapping[str, object], unit: str, note: Note) -> dict[str, Any] | None:
    values: dict[str, Any] = {}
    for key, words in given.items():
        measure = "1" if key in PLAIN else unit
        if key in LISTS:
            values[key] = _tuple(words, measure, (name, key), note)
        else:
            values[key] = _number(words, measure, (name, key), note)
    return None if None in values.values() else values


def _tuple(words: object, unit: str, path: tuple[str | int, ...], note: Note) -> tuple[float, ...] | None:
    if not isinstance(words, list):
        note(path, f"must be a list, got {problems.shown(words)}")
        return None
    numbers = [_number(word, unit, (*path, index), note) for index, word in enumerate(words)]
    sound = tuple(number for number in numbers if number is not None)
    return sound if len(sound) == len(numbers) else None


def _number(words: Any, unit: str, path: tuple[str | int, ...], note: Note) -> float | None:
    try:
        return units.parse(words, unit)
    except FedsimError as error:
        note(path, str(error))
        return None


def _write(key: str, value: Any, unit: str) -> Any:
    if isinstance(value, tuple):
        return [_write(key, item, unit) for item in value]
    return value if key in PLAIN else units.show(value, unit)
