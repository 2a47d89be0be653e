"""Quantities in words: ``20 Mbit/s`` in a file, ``20_000_000.0`` bit per second inside.

The unit inside is SI and named at every call: ``s``, ``bytes``, ``bit/s``, ``J``, ``J/bit``, ``W``, ``flop``,
``flop/s``, ``m`` or ``1`` (a share; ``30 %``). Prefixes are decimal (``MB`` is 1e6 bytes) or binary (``MiB``); ``b``
is a bit and ``B`` a byte, so ``Mb/s`` and ``Mbps`` are megabits and ``MB/s`` is eight times as much. The
vocabulary is closed: there are no months or barns to be mistaken for megabytes or bits, and ``m`` is a metre, never
a minute.
"""

import difflib
import math
import re
from decimal import Context, Decimal
from functools import cache, lru_cache
from typing import Any

import pint

from fedsim.errors import FedsimError

_DEFINITIONS = (
    "nano- = 1e-9 = n-",
    "micro- = 1e-6 = µ- = μ- = u-",
    "milli- = 1e-3 = m-",
    "kilo- = 1e3 = k-",
    "mega- = 1e6 = M-",
    "giga- = 1e9 = G-",
    "tera- = 1e12 = T-",
    "peta- = 1e15 = P-",
    "kibi- = 1024 = Ki-",
    "mebi- = 1048576 = Mi-",
    "gibi- = 1073741824 = Gi-",
    "second = [time] = s = sec",
    "minute = 60 * second = min",
    "hour = 3600 * second = h",
    "day = 86400 * second = d",
    "week = 604800 * second",
    "bit = [information] = b",
    "byte = 8 * bit = B",
    "bps = bit / second",
    "Bps = byte / second",
    "joule = [energy] = J",
    "watt = joule / second = W",
    "watt_hour = 3600 * joule = Wh",
    "flop = [operation] = flop = FLOP",
    "FLOPS = flop / second",
    "metre = [length] = m",
    "percent = 0.01",
)
_PINT_NAME = {"bytes": "byte", "1": ""}  # where it differs from ours
_EXAMPLE = {
    "s": "a time such as '250 ms'",
    "bytes": "a size such as '5 MB'",
    "bit/s": "a rate such as '20 Mbit/s'",
    "J": "an energy such as '15 Wh'",
    "J/bit": "an energy per bit such as '869 nJ/bit'",
    "W": "a power such as '3.5 W'",
    "flop": "a number of operations such as '10 MFLOP'",
    "flop/s": "a computing speed such as '10 GFLOP/s'",
    "m": "a length such as '12 km'",
    "1": "a plain number or a share such as '30 %'",
}
# What `show` may choose from, the first of equally short texts; a mistyped unit is compared with these, too.
_SHOWN = {
    "s": ("h", "min", "s", "ms", "us", "ns"),
    "bytes": ("bytes", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB"),
    "bit/s": ("bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"),
    "J": ("Wh", "J", "kJ", "MJ", "mJ"),
    "J/bit": ("nJ/bit", "uJ/bit", "J/bit"),
    "W": ("W", "mW", "uW", "kW", "MW"),
    "flop": ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"),
    "flop/s": ("FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", "PFLOP/s"),
    "m": ("m", "km"),
    "1": ("%",),
}
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf)"
    r"\s*(?P<unit>%|[A-Za-zµμ]+(?:\s*/\s*[A-Za-z]+)?)?",
    re.ASCII,
)
_LONGEST_TEXT = 64
_EXACT = Context(prec=60)


def parse(text: str | float, unit: str) -> float:
    """The value of ``text`` in ``unit``; a bare number is taken to be in that unit already.

    The product of number and unit is rounded once, so that ``57 %`` is 0.57. Infinity is a number (a link can
    be infinitely fast in a thought experiment), NaN is not; the sign is the caller's to check.

    Raises:
        FedsimError: ``text`` is not a quantity of this kind; the message says what was expected.
    """
    if unit not in _EXAMPLE:
        raise FedsimError(f"unit must be one of {', '.join(_EXAMPLE)}, got {unit!r}")
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise FedsimError(_refusal(text, unit))
    if isinstance(text, str):
        return _parse_text(text.strip(), unit)
    return _checked(text, unit)


def show(value: float, unit: str) -> str:
    """A short text that ``parse`` turns back into exactly ``value``.

    Raises:
        FedsimError: ``value`` is NaN, or the unit is unknown.
    """
    number = parse(value, unit)
    if math.isinf(number):
        return str(number)
    texts = [
        f"{_digits(_scaled(number, name, unit))} {name}" for name in _SHOWN[unit] if not _awkward(number, name, unit)
    ]
    exact = [text for text in texts if parse(text, unit) == number]
    si_name = "" if unit == "1" else unit
    return min(exact, key=len, default=f"{_digits(number)} {si_name}".strip())


def example(unit: str) -> str:
    """A text that stands for a quantity in this unit: ``250 ms`` for ``s``."""
    return _EXAMPLE[unit].split("'")[1]


def measure(unit: str) -> str:
    """What is measured in this unit: ``time`` for ``s``."""
    return _EXAMPLE[unit].split(" such as")[0].removeprefix("a ").removeprefix("an ")


def per_cent(share: float) -> str:
    """A share for a message: ``130 %`` for 1.3, with up to 12 digits."""
    return f"{100 * share:.12g} %"


def _checked(number: float, unit: str) -> float:
    try:
        value = float(number)
    except OverflowError:
        raise FedsimError(_refusal("a number", unit, "it is too large")) from None
    if math.isnan(value):
        raise FedsimError(_refusal(value, unit))
    return value


def _parse_text(text: str, unit: str) -> float:
    found = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if found is None:
        raise FedsimError(_refusal(text, unit))
    number, name = float(found["number"]), found["unit"]
    if math.isinf(number) and "inf" not in found["number"]:
        raise FedsimError(_refusal(text, unit, "the number is too large"))
    if name is None or math.isinf(number):
        return number
    return float(_EXACT.multiply(Decimal(found["number"]), _factor("".join(name.split()), unit, text)))


def _factor(name: str, unit: str, text: str) -> Decimal:
    try:
        return _conversion(name, unit)
    except pint.UndefinedUnitError:
        reason = f"unknown unit {name!r}{_near_unit(name, unit)}"
    except pint.DimensionalityError:
        reason = f"{name!r} measures something else{_near_unit(name, unit)}"
    except ValueError:  # pint's word on units such as 'nan' or '3 s'
        reason = f"{name!r} is not a unit"
    raise FedsimError(_refusal(text, unit, reason))


def _near_unit(name: str, unit: str) -> str:
    names = {known.lower(): known for known in _SHOWN[unit]}
    near = difflib.get_close_matches(name.lower(), list(names), n=1)
    return f"; did you mean {names[near[0]]!r}?" if near else ""


@lru_cache(maxsize=256)
def _conversion(name: str, unit: str) -> Decimal:
    registry = _registry()
    if re.match(r"(n|u|µ|μ|m)(b|bit|B|byte|flop|FLOP|bps|Bps|FLOPS)s?(/|$)", name):
        raise pint.UndefinedUnitError(name)  # 'mbit' is a slip of the shift key, not a thousandth of a bit
    source = registry.parse_units(name.replace("%", "percent"))
    return Decimal(registry.Quantity(Decimal(1), source).to(_PINT_NAME.get(unit, unit)).magnitude)


@cache
def _registry() -> Any:
    registry: Any = pint.UnitRegistry(None, non_int_type=Decimal)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


def _scaled(number: float, name: str, unit: str) -> float:
    return float(_EXACT.divide(Decimal(repr(number)), _conversion(name, unit)))


def _awkward(number: float, name: str, unit: str) -> bool:
    scaled = _scaled(number, name, unit)
    if unit == "1":  # a share reads well in percent only while it has few digits
        return len(_digits(scaled)) > 4 or not 0 <= scaled <= 100
    return not 1 <= abs(scaled) < 1e5


def _digits(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _refusal(text: object, unit: str, reason: str = "") -> str:
    shown = repr(text) if len(repr(text)) <= _LONGEST_TEXT else repr(text)[: _LONGEST_TEXT - 3] + "..."
    return f"{shown} is not {_EXAMPLE[unit]}" + (f": {reason}" if reason else "")
