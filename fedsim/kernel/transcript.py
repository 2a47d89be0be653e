"""A row of the event record as a line of text."""

from collections.abc import Mapping

from fedsim.kernel.columns import Value


def line(time_s: float, kind: str, fields: Mapping[str, Value], *, subject: str) -> str:
    """``    2.000  d3       trained steps=4``: seconds, subject, kind, fields; numbers in six digits."""
    who = str(fields.get(subject, ""))
    rest = " ".join(f"{name}={_text(value)}" for name, value in fields.items() if name != subject)
    return f"{time_s:9.3f}  {who:<8} {kind} {rest}".rstrip() + "\n"


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
