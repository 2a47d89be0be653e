"""Axes, colours and texts as plotly.js takes them."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from fedsim.report.page.axis import Axis
from fedsim.study.plot import COLOURS

_LONGEST: Final = 26


def plain(text: str) -> str:
    """A text that plotly shows as it is."""
    return escape(text, quote=False)


def colour(index: int) -> str:
    """One of seven that colour-blind readers tell apart."""
    return COLOURS[index % len(COLOURS)]


def drawn_axis(axis: Axis) -> dict[str, Any]:
    """With its title and unit; of a logarithmic one only the powers of ten are named."""
    return {
        "title": {"text": plain(axis.title)},
        "automargin": True,
        **({"type": "log", "dtick": 1} if axis.log else {"type": "linear"}),
    }


def category_axis(names: Sequence[str]) -> dict[str, Any]:
    """An axis downwards, by number: two names that are cut to the same are still two."""
    short = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    return {
        "type": "linear",
        "tickvals": list(range(len(names))),
        "ticktext": [plain(name) for name in short],
        "range": [len(names) - 0.5, -0.5],
        "automargin": True,
        "zeroline": False,
        "showgrid": False,
    }
