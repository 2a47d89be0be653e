"""Names that other packages bring: Python entry points, loaded when their name is used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from fedsim.errors import FedsimError

Value = TypeVar("Value")


class Plugins(Mapping[str, Value]):
    """What ships, and then what the entry points of a group stand for.

    A package says in its ``pyproject.toml``

        [project.entry-points."fedsim.learners"]
        my-learner = "my_package.my_module:MyLearner"

    Looking a name up imports its module, and only then; ``make`` says what a catalogue keeps of the dataclass.

    Raises:
        FedsimError: if two packages, or a package and fedsim, use the same name; and, when a name is looked up, if what
            it stands for cannot be imported, is no dataclass, or is refused by ``make``. It names the package.
    """

    def __init__(self, shipped: Mapping[str, Value], group: str, make: Callable[[type[Any]], Value]) -> None:
        self._known = dict(shipped)
        self._make = make
        self._points: dict[str, EntryPoint] = {}
        for point in sorted(entry_points(group=group), key=lambda point: (point.name, _package(point))):
            if point.name in self:
                other = _package(self._points[point.name]) if point.name in self._points else "fedsim itself"
                raise FedsimError(_said(point, f"its name is that of a learner or model of {other}"))
            self._points[point.name] = point

    def __getitem__(self, name: str) -> Value:
        if name not in self._known and name in self._points:
            self._known[name] = self._made(self._points[name])
        return self._known[name]

    def _made(self, point: EntryPoint) -> Value:
        cls = _loaded(point)
        try:
            return self._make(cls)
        except FedsimError as error:
            raise FedsimError(_said(point, str(error))) from None

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self._known), **dict.fromkeys(self._points)})

    def __len__(self) -> int:
        return len(self._known.keys() | self._points.keys())

    def package(self, name: str) -> str:
        """The package that brings a name, "" for what ships."""
        return _package(self._points[name]) if name in self._points else ""


def _loaded(point: EntryPoint) -> type[Any]:
    try:
        cls = point.load()
    except Exception as error:
        raise FedsimError(_said(point, f"cannot be imported: {type(error).__name__}: {error}")) from error
    if not isinstance(cls, type) or not is_dataclass(cls):
        raise FedsimError(_said(point, "must be a dataclass, whose fields are the keys of its block"))
    return cls


def _said(point: EntryPoint, what: str) -> str:
    return f"package {_package(point)}: entry point {point.name} = {point.value} of {point.group}: {what}"


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "of no name"
