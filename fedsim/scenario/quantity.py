"""Types of the schema's own fields: quantities and laws in words, each with the range that it must lie in."""

import math
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from fedsim import units
from fedsim.problems import shown
from fedsim.scenario.codec import read_law_words, read_quantity
from fedsim.scenario.definitions import quantity, to
from fedsim.scenario.law_shape import law_name
from fedsim.scenario.refusal import refuse
from fedsim.system.law import Choice, Constant, Law
from fedsim.system.law_words import write_law


def _number(unit: str, holds: Callable[[float], bool], rule: str) -> PlainValidator:
    def read(words: Any) -> float:
        value = read_quantity(unit, words)
        if not holds(value):
            raise refuse(f"{rule}, got {shown(words)}")
        return value

    return PlainValidator(read)


def _law(unit: str, *checks: Callable[[Law], str], show: Callable[[float, str], str] = units.show) -> PlainValidator:
    def read(words: Any) -> Law:
        law = read_law_words(unit, words)
        broken = [rule for check in checks if (rule := check(law))]
        if broken:
            low, high = (show(bound, unit) for bound in law.support)
            raise refuse(f"{broken[0]}, got {low if low == high else f'{low} to {high}'}")
        return law

    return PlainValidator(read)


def _positive(law: Law) -> str:
    low, high = law.support
    may_be_zero = low == 0 and not isinstance(law, (Constant, Choice))  # with probability 0
    return "" if (low > 0 or may_be_zero) and high > 0 else "must be > 0"


def _not_negative(law: Law) -> str:
    return "" if law.support[0] >= 0 else "must be >= 0"


def _finite(law: Law) -> str:
    return "" if math.isfinite(law.mean) else "must be finite"


def _within_whole(law: Law) -> str:
    low, high = law.support
    return "" if low >= 0 and high <= 1 else "must lie between 0 % and 100 %"


def _shown_in(unit: str) -> PlainSerializer:
    return PlainSerializer(lambda value: units.show(value, unit))


def _law_in(unit: str) -> PlainSerializer:
    return PlainSerializer(lambda law: write_law(law, unit))


def _is_positive(value: float) -> bool:
    return 0 < value < math.inf


def _is_amount(value: float) -> bool:
    return 0 <= value < math.inf


def _in(unit: str, rule: str, **bounds: float) -> WithJsonSchema:
    return WithJsonSchema({**quantity(unit), "x-rule": rule, **bounds})


def _laws_in(unit: str, rule: str) -> WithJsonSchema:
    return WithJsonSchema({**to(law_name(unit)), "x-rule": rule})


_ABOVE_0 = "must be > 0 and finite"
_FROM_0 = "must be >= 0 and finite"
_SOME = "must be above 0 % and at most 100 %"
_ANY = "must be from 0 % to 100 %"
_NOT_ALL = "must be at least 0 % and below 100 %"


Time = Annotated[float, _number("s", _is_positive, _ABOVE_0), _shown_in("s"), _in("s", _ABOVE_0, exclusiveMinimum=0)]
Delay = Annotated[float, _number("s", _is_amount, _FROM_0), _shown_in("s"), _in("s", _FROM_0, minimum=0)]
Energy = Annotated[float, _number("J", _is_positive, _ABOVE_0), _shown_in("J"), _in("J", _ABOVE_0, exclusiveMinimum=0)]
Power = Annotated[float, _number("W", _is_amount, _FROM_0), _shown_in("W"), _in("W", _FROM_0, minimum=0)]
Target = Annotated[float, _number("1", math.isfinite, "must be finite"), _in("1", "must be finite")]
Gain = Annotated[float, _number("1", _is_amount, _FROM_0), _in("1", _FROM_0, minimum=0)]
PositiveShare = Annotated[
    float,
    _number("1", lambda value: 0 < value <= 1, _SOME),
    _shown_in("1"),
    _in("1", _SOME, exclusiveMinimum=0, maximum=1),
]
Share = Annotated[
    float, _number("1", lambda value: 0 <= value <= 1, _ANY), _shown_in("1"), _in("1", _ANY, minimum=0, maximum=1)
]
LossShare = Annotated[
    float,
    _number("1", lambda value: 0 <= value < 1, _NOT_ALL),
    _shown_in("1"),
    _in("1", _NOT_ALL, minimum=0, exclusiveMaximum=1),
]
Size = Annotated[
    float,
    _number("bytes", _is_positive, _ABOVE_0),
    _shown_in("bytes"),
    _in("bytes", _ABOVE_0, exclusiveMinimum=0),
]
Factor = Annotated[float, _number("1", _is_positive, _ABOVE_0), _in("1", _ABOVE_0, exclusiveMinimum=0)]
FactorLaw = Annotated[Law, _law("1", _positive, _finite), _law_in("1"), _laws_in("1", _ABOVE_0)]
DurationLaw = Annotated[Law, _law("s", _positive, _finite), _law_in("s"), _laws_in("s", _ABOVE_0)]
DelayLaw = Annotated[Law, _law("s", _not_negative, _finite), _law_in("s"), _laws_in("s", _FROM_0)]
OffsetLaw = Annotated[Law, _law("s", _finite), _law_in("s"), _laws_in("s", "must be finite")]
RateLaw = Annotated[Law, _law("bit/s", _positive), _law_in("bit/s"), _laws_in("bit/s", "must be > 0")]
SpeedLaw = Annotated[Law, _law("flop/s", _positive), _law_in("flop/s"), _laws_in("flop/s", "must be > 0")]
ShareLaw = Annotated[
    Law,
    _law("1", _within_whole, show=lambda share, _: units.per_cent(share)),
    _law_in("1"),
    _laws_in("1", "must lie between 0 % and 100 %"),
]
