"""What a figure shows, whoever draws it: the page, a file of a picture, or a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import matplotlib.figure

from fedsim.report.page.axis import Axis
from fedsim.report.page.table import Table

Values: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line, with the range around it where there is one. Values are SI."""

    name: str
    colour: int
    x: Values
    y: Values
    low: Values = ()
    high: Values = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A spot on a line that has a meaning, which ``text`` says."""

    x: float
    y: float
    colour: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """Lines over a common axis; ``steps`` where a value holds until the next; ``level`` is a value to be reached."""

    x: Axis
    y: Axis
    lines: tuple[Line, ...]
    steps: bool = True
    level: float | None = None
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """A bar for each category, made of parts that follow each other, or stand side by side.

    ``spans``, low and high for each category, are drawn over bars of one part.
    """

    value: Axis
    categories: tuple[str, ...]
    parts: Mapping[str, Values]
    stacked: bool = True
    spans: tuple[tuple[float, float] | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """The 5th, 25th, 50th, 75th and 95th percentile of so many values, and their mean."""

    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    mean: float
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Boxes:
    """A box for each category and series; None where there are no values."""

    value: Axis
    categories: tuple[str, ...]
    series: Mapping[str, tuple[Box | None, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dots:
    """Clouds of points, each with a name of its own."""

    x: Axis
    y: Axis
    series: Mapping[str, tuple[tuple[float, float, str], ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A picture that is drawn already: SVG to stand in the page, and what makes it a figure of matplotlib's."""

    svg: str
    figure: Callable[[], "matplotlib.figure.Figure"]


Body: TypeAlias = Lines | Bars | Boxes | Dots | Drawing


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One state of a figure, and the same numbers as a table."""

    body: Body
    table: Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """Something that a reader may choose."""

    text: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A figure with its views: one for each combination of options, the last control's changing fastest.

    ``alt`` says in words what is to be seen; ``note`` how to read it.
    """

    name: str
    title: str
    alt: str
    note: str
    views: tuple[View, ...]
    controls: tuple[Control, ...] = ()

    @property
    def drawn(self) -> bool:
        """Whether it stands in the page as it is, and needs no script."""
        return isinstance(self.views[0].body, Drawing)
