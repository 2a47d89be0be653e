"""Measured times of training from a file of the user's."""

import csv
from pathlib import Path
from typing import Final

import numpy as np

from fedsim import problems
from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes
from fedsim.system.calibration import Measurements

COLUMNS: Final = {
    "flops": "floating-point operations of one example, forward and backward pass",
    "batch": "examples in a step",
    "steps": "steps that were timed together",
    "seconds": "how long they took",
}


def read_measurements(path: str | Path) -> Measurements:
    """The rows of a CSV file with the columns ``flops``, ``batch``, ``steps`` and ``seconds``; others are ignored.

    Raises:
        ScenarioError: the file, a column or a number cannot be used: a line for each mistake, with its line.
    """
    mistakes = Mistakes()
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            for name in [name for name in COLUMNS if name not in header]:
                near = problems.nearest(name, header)
                hint = f"; did you mean {near!r}?" if near else ""
                mistakes.add(str(path), name, f"this column is missing ({COLUMNS[name]}){hint}")
            for name in [name for name in COLUMNS if header.count(name) > 1]:
                mistakes.add(str(path), name, "this column must be there once")
            mistakes.raise_any()
            rows = []
            for row in reader:
                line = f"line {reader.line_num}"
                if None in row:  # where the csv module puts the cells that are too many
                    mistakes.add(str(path), line, f"must have {len(header)} cells, got more")
                rows.append([_number(row[name], line, name, str(path), mistakes) for name in COLUMNS])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}") from None
    if not rows:
        mistakes.add(str(path), "", "has no rows")
    mistakes.raise_any()
    columns = np.array(rows).T
    return Measurements(**dict(zip(COLUMNS, columns, strict=True)))


def _number(text: str | None, line: str, column: str, file: str, mistakes: Mistakes) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = np.nan
    if not 0 < value < np.inf:
        mistakes.add(file, f"{line}: {column}", f"must be a number > 0, got {problems.shown(text)}")
    return value
