"""How large a difference is, in words."""

from fedsim.study.difference import Difference, Factor
from fedsim.study.interval import Interval

Ends = tuple[float | None, float | None]


def effect(name: str, of: Difference) -> str:
    """Of the scenario ``name`` against the first: ``ring is 1.8 x slower to the target (1.5 to 2.2)``.

    Of what is no time ``ring takes 1.8 x the energy to target``, of shares ``ring ends 2.1 pt lower in mean accuracy``.
    In brackets are the ends of the 95 % interval, where there is one. Where it is the slower one that missed the target
    with some seeds, the effect is ``at least`` as large. It is the name alone where there are no numbers.
    """
    bound = "at least " if of.is_a_bound else ""
    if of.factor is not None:
        to_target = of.measure.field == "time_to_target_s"
        return f"{name} {_slower(of.factor, bound) if to_target else _times(of, of.factor, bound)}"
    return f"{name} {_higher(of, of.interval, bound)}" if of.interval is not None else name


def _slower(factor: Factor, bound: str) -> str:
    if factor.mean >= 1:
        return f"is {bound}{digits(factor.mean)} x slower to the target{_to((factor.low, factor.high))}"
    ends = (factor.high and 1 / factor.high, factor.low and 1 / factor.low)
    return f"is {bound}{digits(1 / factor.mean)} x faster to the target{_to(ends)}"


def _times(of: Difference, factor: Factor, bound: str) -> str:
    verb = "takes" if of.measure.is_to_target else "ends with"
    bound = bound if factor.mean >= 1 else bound.replace("least", "most")
    return f"{verb} {bound}{digits(factor.mean)} x the {of.measure.text}{_to((factor.low, factor.high))}"


def _higher(of: Difference, found: Interval, bound: str) -> str:
    scale, unit = (100.0, " pt") if of.measure.is_share else (1.0, f" {of.measure.unit}".rstrip())
    way, sign = ("lower", -scale) if found.mean < 0 else ("higher", scale)
    ends = sorted(sign * end for end in (found.low, found.high) if end is not None)
    verb = "is" if of.measure.is_to_target else "ends"
    size = f"{digits(sign * found.mean)}{unit}"
    return f"{verb} {bound}{size} {way} in {of.measure.text}{_to((ends[0], ends[1]) if ends else (None, None))}"


def _to(ends: Ends) -> str:
    low, high = ends
    return "" if low is None or high is None else f" ({digits(low)} to {digits(high)})"


def digits(value: float) -> str:
    """Three significant digits, and no powers of ten where they are not needed."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if 100 <= abs(rounded) < 1e9 else f"{rounded:.3g}"
