"""Scenario files with something wrong in them: values, structure, or bytes."""

import copy
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

ODD: list[Any] = [
    *(None, True, False, 0, -0.0, 1, -1, 2, 3, 0.5, 1.5, 1e-9, 1e9, 1e300, 10**12, 10**30, 2**63, float("inf")),
    *(float("-inf"), float("nan"), "", " ", "x", "a\0b", "é\u202e", "x" * 300, "[1, 2]", "null", "name", "server"),
    *(
        "1 s",
        "1 ns",
        "0 s",
        "-1 s",
        "1e6 d",
        "inf",
        "inf s",
        "50 %",
        "0 %",
        "101 %",
        "1 MB",
        "1 byte",
        "1 TB",
        "1 bit/s",
    ),
    *(
        "1 Tbit/s",
        "1e300 bit/s",
        "1 GFLOP/s",
        "1 W",
        "1 Wh",
        "3 furlongs",
        "3g",
        "wifi",
        "phone-low",
        "always",
        "average",
    ),
    *(
        "../x.yaml",
        "/etc/passwd",
        "../../../../etc/passwd",
        "/dev/zero",
        "/dev/stdin",
        "~",
        ".",
        "resume",
        "equal-split",
    ),
    *([], {}, [[]], [None], [0], {"name": "x"}, {"x": {"x": {}}}, {"name": None}, {1: 2}, {None: None}, {"": ""}),
    *({"uniform": [0, 1]}, {"uniform": ["1 s", "2 s"]}, {"exponential": {"mean": "1 ns"}}, {"choice": []}),
    *(
        {"scipy": {"name": "gamma", "a": 2}},
        {"lognormal": {"median": "1 s", "sigma": 50}},
        {"weibull": {"scale": "1 s"}},
    ),
]
"""What stands where something else should."""

KEYS = [
    "name",
    "at",
    "count",
    "every",
    "for",
    "from",
    "rate",
    "seed",
    "file",
    "trace",
    "extends",
    "",
    3,
    None,
    True,
    "x",
]

flips = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255), st.booleans()), min_size=1, max_size=6)
"""Changes of a file's bytes: where, which byte, and whether it is put in between or in place of what is there."""


def changed(words: Any, others: list[Any], given: list[tuple[str, int, int]]) -> Any:
    """Words with changes; what is borrowed comes from other words."""
    words = copy.deepcopy(words)
    for change, where, what in given:
        spots = _spots(words)
        if spots:
            node, key = spots[where % len(spots)]
            getattr(_Spot(node, key, what, spots, others), change)()
    return words


def flipped(content: bytes, given: list[tuple[int, int, bool]]) -> bytes:
    """A file's content with changed bytes."""
    found = bytearray(content)
    for where, byte, between in given:
        place = where % (len(found) + 1)
        found[place : place + (not between)] = bytes([byte])
    return bytes(found)


def _spots(words: Any) -> list[tuple[Any, Any]]:
    """Every container with every key of it."""
    found: list[tuple[Any, Any]] = []
    waiting = [words]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        found += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    return found


@dataclass(frozen=True)
class _Spot:
    """Where something changes: the value under ``key`` of ``node``; ``what`` says by which luck."""

    node: Any
    key: Any
    what: int
    spots: list[tuple[Any, Any]]
    others: list[Any]

    @property
    def value(self) -> Any:
        return self.node[self.key]

    def put(self, value: Any) -> None:
        self.node[self.key] = copy.deepcopy(value)

    def replace(self) -> None:
        self.put(self.of(ODD))

    def of(self, values: Any) -> Any:
        return values[self.what % len(values)]

    def delete(self) -> None:
        del self.node[self.key]

    def repeat(self) -> None:
        if isinstance(self.node, list):
            self.node.insert(self.key, copy.deepcopy(self.value))

    def swap(self) -> None:
        other, place = self.of(self.spots)
        if not _holds(other[place], self.node) and not _holds(self.value, other):
            self.node[self.key], other[place] = other[place], self.value

    def scale(self) -> None:
        value = self.value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.put(self.of([value * 10, -value, value + 1, value / 3, value * 10**6, 0]))

    def tune(self) -> None:
        value = self.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 10**15:
            self.put(type(value)(value * self.of([0.5, 2, 1.1, 0.9, 10, 0.1])))
        elif isinstance(value, str) and value[:1].isdigit():
            self.put(f"{self.of([1, 2, 5, 17])}{value[1:]}")

    def add(self) -> None:
        if isinstance(self.node, dict):
            self.node[self.of(KEYS)] = copy.deepcopy(self.of(ODD))

    def rename(self) -> None:
        if isinstance(self.node, dict):
            self.node[self.of(KEYS)] = self.node.pop(self.key)

    def wrap(self) -> None:
        value = self.value
        self.put(self.of([[value], {"name": value}, [value, value], {"x": value}]))

    def borrow(self) -> None:
        theirs, place = (found := _spots(self.of(self.others)))[(self.what // len(self.others)) % len(found)]
        self.node[place if isinstance(self.node, dict) else self.key] = copy.deepcopy(theirs[place])

    def lend(self) -> None:
        same = [theirs[place] for other in self.others for theirs, place in _spots(other) if place == self.key]
        self.put(self.of(same) if same else self.of(ODD))


CHANGES = (
    *("replace", "delete", "repeat", "swap", "scale", "add", "rename", "wrap", "borrow"),
    *("lend", "lend", "lend", "tune", "tune", "tune"),
)
"""Methods of a spot; those that leave a sound scenario more often."""

changes = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=4
)
"""Changes of a scenario's structure: which, where, and with what."""


def _holds(outer: Any, inner: Any) -> bool:
    if outer is inner:
        return True
    items = outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
    return any(_holds(item, inner) for item in items)
