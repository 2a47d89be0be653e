"""Reads tables of things that happen at given times: CSV files of which every row begins with seconds."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedsim import problems
from fedsim.errors import ScenarioError
from fedsim.scenario.refusal import Keys, Mistake
from fedsim.yamlfile import read_text

_COLUMNS = {"from": "seconds", "at": "place"}
"""What a schedule's keys are called in a trace, where that differs."""


def read_rows(path: str, columns: Mapping[str, str], optional: Mapping[str, str]) -> list[dict[str, str]]:
    """Rows of a CSV file with a header, as a scenario file would say them.

    columns: names that the header must have, and the keys that they stand for    optional: names that it may have;
    an empty cell is left out.

    Raises:
        ScenarioError: the file cannot be read, its header is another, or a row is too short or too long.
    """
    header, lines = _table(path)
    keys = {**columns, **optional}
    for name in header:
        if name not in keys:
            raise ScenarioError(f"{path}: header: {problems.unknown(name, 'column', keys)}")
    missing = [name for name in columns if name not in header]
    if missing or len(set(header)) < len(header):
        raise ScenarioError(f"{path}: header: must have {', '.join(columns)}, each once, got {', '.join(header)}")
    rows = []
    for line, cells in lines:
        if len(cells) != len(header):
            raise ScenarioError(f"{path}: line {line}: must have {len(header)} cells, got {len(cells)}")
        rows.append({keys[name]: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()})
    return rows


def in_trace(words: Any, keys: Keys, rule: str) -> Mistake:
    """A mistake in a schedule which, in the words as they were given, is a trace: by its file and line there."""
    if "schedule" not in keys:
        return keys, rule
    cut = keys.index("schedule")
    for key in keys[:cut]:
        words = words[key]
    if not isinstance(words.get("trace"), str):
        return keys, rule
    place = [
        f"line {_table(words['trace'])[1][key][0]}" if isinstance(key, int) else _COLUMNS.get(key, key)
        for key in keys[cut + 1 :]
    ]
    return (*keys[:cut], "trace"), ": ".join(filter(None, [words["trace"], ", ".join(place), rule]))


def _table(path: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and each row with its line; blank lines say nothing."""
    reader = csv.reader(io.StringIO(read_text(Path(path)), newline=""))
    header = [name.strip() for name in next(reader, [])]
    if not header:
        raise ScenarioError(f"{path}: is empty")
    return header, [(reader.line_num, cells) for cells in reader if cells]
