"""Reads devices from a CSV file: one line a device.

    name,   device,    link, at,     charge, speed [GFLOP/s], up [Mbit/s]
    ada,    phone-mid, wifi, home,   80 %,   1.5,             25
    bob,    phone-low, 3g,   cell-a, 35 %,   0.4,

Columns are the keys of a device in a scenario; only ``name`` must be there. Cells are written as in a scenario file,
with their unit; under a header with a unit in brackets they are plain numbers in that unit. What an empty cell or a
missing column leaves out comes from the group, and else from the profiles.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from fedsim import problems
from fedsim.errors import ScenarioError
from fedsim.problems import key_path
from fedsim.scenario.kind import KIND_KEYS, NamedDevice
from fedsim.scenario.refusal import Refused, mistakes_in
from fedsim.yamlfile import read_text

_COLUMNS: Final = ("name", *(name for name in sorted(KIND_KEYS) if name not in {"correlation", "handover", "rate"}))
_HEADER: Final = re.compile(r"(?P<name>[\w-]+)(\s*\[(?P<unit>[^\]]+)\])?")


def read_devices(path: str, base: Mapping[str, Any], context: Any) -> list[dict[str, Any]]:
    """The devices in a file, in words; ``base`` is what they have from their group.

    Raises:
        Refused: with a line for each mistake: file, line, column, value, rule.
    """
    try:
        table = csv.reader(io.StringIO(read_text(Path(path)), newline=""))
        header = _header(next(table, []), path)
        lines = [(table.line_num, cells) for cells in table if cells]
    except (ScenarioError, csv.Error) as error:
        raise _refused([str(error)]) from None
    lines_of: dict[str, int] = {}
    rows, mistakes = [], [] if lines else [f"{path}: has no devices"]
    for line, cells in lines:
        if len(cells) != len(header):
            mistakes.append(f"{path}:{line}: must have {len(header)} cells, got {len(cells)}")
            continue
        row = {
            name: f"{cell.strip()} {unit}".strip()
            for (name, unit), cell in zip(header, cells, strict=True)
            if cell.strip()
        }
        mistakes += [f"{path}:{line}: {rule}" for rule in _mistakes({**base, **row}, context)]
        name = row.get("name")
        if name and lines_of.setdefault(name, line) != line:
            mistakes.append(f"{path}:{line}: name: {name!r} is the device in line {lines_of[name]}")
        rows.append(row)
    if mistakes:
        raise _refused(mistakes)
    return rows


def _header(cells: Sequence[str], path: str) -> list[tuple[str, str]]:
    """Names and units."""
    found = [_HEADER.fullmatch(cell.strip()) for cell in cells]
    header = [(match["name"], match["unit"] or "") if match else ("", "") for match in found]
    for cell, (name, _) in zip(cells, header, strict=True):
        if name not in _COLUMNS:
            raise ScenarioError(f"{path}:1: {problems.unknown(cell.strip(), 'column', _COLUMNS)}")
    names = [name for name, _ in header]
    if "name" not in names or len(set(names)) < len(names):
        raise ScenarioError(f"{path}:1: must have the column 'name', and each column once, got {', '.join(names)}")
    return header


def _mistakes(words: dict[str, Any], context: Any) -> list[str]:
    """What is wrong with one device."""
    try:
        NamedDevice.model_validate(words, context=context)
    except ValidationError as error:
        return [f"{key_path(keys)}: {rule}" for keys, rule in mistakes_in(error, NamedDevice)]
    return []


def _refused(lines: Sequence[str]) -> Refused:
    return Refused([(("devices",), line) for line in lines])
