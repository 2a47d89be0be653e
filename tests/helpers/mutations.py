"""Scenario files with something wrong in them: values, structure, or bytes."""

import copy
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

CHANGES = ("replace", "delete", "repeat", "swap", "scale", "add", "rename", "wrap", "borrow")

changes = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=4
)
"""Changes of a scenario's structure: which, where, and with what."""

flips = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255), st.booleans()), min_size=1, max_size=6)
"""Changes of a file's bytes: where, which byte, and whether it is put in between or in place of what is there."""


def changed(words: Any, others: list[Any], given: list[tuple[str, int, int]]) -> Any:
    """Words with changes; what is borrowed comes from other words."""
    words = copy.deepcopy(words)
    for change, where, what in given:
        spots = _spots(words)
        if spots:
            _change(change, *spots[where % len(spots)], what, spots, others)
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


def _change(change: str, node: Any, key: Any, what: int, spots: list[Any], others: list[Any]) -> None:
    value = node[key]
    odd = copy.deepcopy(ODD[what % len(ODD)])
    if change == "delete":
        del node[key]
    elif change == "repeat" and isinstance(node, list):
        node.insert(key, copy.deepcopy(value))
    elif change == "swap":
        other, place = spots[what % len(spots)]
        if not _holds(other[place], node) and not _holds(value, other):
            node[key], other[place] = other[place], value
    elif change == "scale" and isinstance(value, (int, float)) and not isinstance(value, bool):
        node[key] = [value * 10, -value, value + 1, value / 3, value * 10**6, 0][what % 6]
    elif change == "add" and isinstance(node, dict):
        node[KEYS[what % len(KEYS)]] = odd
    elif change == "rename" and isinstance(node, dict):
        node[KEYS[what % len(KEYS)]] = node.pop(key)
    elif change == "wrap":
        node[key] = [[value], {"name": value}, [value, copy.deepcopy(value)], {"x": value}][what % 4]
    elif change == "borrow":
        theirs, place = (found := _spots(others[what % len(others)]))[(what // len(others)) % len(found)]
        node[place if isinstance(node, dict) else key] = copy.deepcopy(theirs[place])
    else:
        node[key] = odd


def _holds(outer: Any, inner: Any) -> bool:
    if outer is inner:
        return True
    items = outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ()
    return any(_holds(item, inner) for item in items)
