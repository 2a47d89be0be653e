"""Collects everything that is wrong with what a person wrote, to report it at once.

One mistake is one line with file, key path, value, rule, and the nearest valid name:

    scenarios/x.yaml: fleet[2].link: '6g' is not a known link; did you mean '5g'? (known: 3g, 4g, 5g)
"""

import difflib
import reprlib
from collections.abc import Iterable, Sequence

from fedsim.errors import ScenarioError

_MOST_LINES = 50
_MOST_NAMES = 12
_LONGEST_VALUE = 60


class Mistakes:
    """Mistakes found so far, in the order in which they were found."""

    def __init__(self) -> None:
        self._lines: dict[str, None] = {}  # a set that remembers its order

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def lines(self) -> tuple[str, ...]:
        """One line per mistake: file, key path, and what is wrong."""
        return tuple(self._lines)

    def add(self, file: str, path: str, rule: str) -> None:
        """Note that ``rule``, a phrase with the value in it, is broken at ``path`` of ``file``."""
        line = ": ".join(part for part in (file, path, rule) if part)
        self._lines[" ".join(line.split())] = None

    def add_unknown(self, file: str, path: str, value: object, what: str, known: Iterable[object]) -> None:
        """Note that ``value`` is not a known ``what`` (such as "link"), and name the nearest of ``known``."""
        self.add(file, path, unknown(value, what, known))

    def extend(self, error: ScenarioError) -> None:
        """Take over the lines of an error that another reader raised."""
        for line in str(error).splitlines():
            self._lines[line] = None

    def raise_any(self) -> None:
        """Raise all mistakes as one error, if there are any.

        Raises:
            ScenarioError: one line per mistake.
        """
        if self._lines:
            raise self.error()

    def error(self) -> ScenarioError:
        """All mistakes as one error; beyond the first fifty only their number."""
        lines = list(self._lines)
        left_out = len(lines) - _MOST_LINES
        more = [f"... and {left_out} more"] if left_out > 0 else []
        return ScenarioError("\n".join(lines[:_MOST_LINES] + more))


def unknown(value: object, what: str, known: Iterable[object]) -> str:
    """``'6g' is not a known link; did you mean '5g'? (known: 3g, 4g, 5g)``."""
    names = [str(name) for name in known]
    near = nearest(value, names)
    hint = f"; did you mean {near!r}?" if near is not None else ""
    listed = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
    return f"{shown(value)} is not a known {what}{hint} (known: {listed or 'none'})"


def nearest(value: object, known: Sequence[str]) -> str | None:
    """The known name most like ``value``, or None where nothing is much like it."""
    text = str(value)[:_LONGEST_VALUE]
    lowered = {name.lower(): name for name in reversed(known)}
    near = difflib.get_close_matches(text.lower(), list(lowered), n=1, cutoff=0.5)
    return lowered[near[0]] if near else None


def shown(value: object) -> str:
    """``value`` as a file has it, cut to fit in a line."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    short = reprlib.Repr()
    short.maxstring = short.maxother = _LONGEST_VALUE
    short.maxlist = short.maxdict = 4
    return short.repr(value)


def key_path(keys: Iterable[str | int]) -> str:
    """``("fleet", 2, "link")`` as ``fleet[2].link``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text
