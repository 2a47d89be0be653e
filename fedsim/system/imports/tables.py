"""Networks as tables: ``nodes.csv`` and ``links.csv``, or matrices of latencies."""

import csv
import io
import zipfile
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fedsim.errors import ScenarioError
from fedsim.problems import shown
from fedsim.system.imports.attributes import number_in
from fedsim.system.imports.builder import Builder
from fedsim.system.imports.raw import RawNetwork
from fedsim.system.imports.rules import ImportRules
from fedsim.system.imports.source import MOST_BYTES, read_text

_ENDS: Final = (("u", "v"), ("source", "target"), ("from", "to"))
_MOST_IN_A_MATRIX: Final = 500
_ARRAYS: Final = ("avg", "min", "rtt_ms")
_NOT_MEASURED: Final = {"", "nan", "na", "null", "-", "inf"}

Matrix = npt.NDArray[np.float64]


def read_folder(path: Path) -> RawNetwork:
    """``nodes.csv`` (id, label, lat, lon, kind ...) with ``links.csv``, ``rtt.csv`` or ``rtt_ms.npz`` beside it.

    Raises:
        ScenarioError: a file is missing, or has mistakes in it.
    """
    nodes = _rows(path / "nodes.csv")
    matrix = path / "rtt_ms.npz"
    links = next((path / name for name in ("links.csv", "rtt.csv") if (path / name).is_file()), None)
    if links is None and not matrix.is_file():
        raise ScenarioError(f"{path}: must have a links.csv, an rtt.csv or an rtt_ms.npz beside its nodes.csv")
    rows = [] if links is None else _rows(links)
    builder = Builder(path if links is None else links, is_directed=_is_both_ways(rows))
    for line, row in nodes:
        builder.add_node(f"nodes.csv line {line}", row.get("id", ""), row)
    if links is None:
        names = [row.get("id", "") for _, row in nodes]
        _add_matrix(builder, names, _array(matrix, len(names)), 2e3)
    else:
        _add_links(builder, links, rows)
    return builder.network()


def read_table(path: Path, rules: ImportRules) -> RawNetwork:
    """A CSV file: a list of links where its header names their ends, else a square matrix of latencies.

    Raises:
        ScenarioError: it is neither, or has mistakes in it.
    """
    rows = _rows(path)
    ends = _ends(rows)
    if ends:
        builder = Builder(path, is_directed=_is_both_ways(rows))
        names = dict.fromkeys(row[end].strip() for _, row in rows for end in ends)
        for name in names:
            builder.add_node("", name, {})
        _add_links(builder, path, rows)
        return builder.network()
    return _read_matrix(path, rules)


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line and cells by column of every row below a header."""
    reader = csv.DictReader(io.StringIO(read_text(path)), restval="", restkey="")
    try:
        return [
            (reader.line_num, {str(key).strip().lower(): str(value) for key, value in row.items() if key})
            for row in reader
        ]
    except csv.Error as error:
        raise ScenarioError(f"{path}: line {reader.line_num}: is not CSV: {error}") from None


def _ends(rows: Sequence[tuple[int, dict[str, str]]]) -> tuple[str, str] | None:
    """The columns that name a link's ends, None where there are none."""
    columns = rows[0][1].keys() if rows else ()
    return next((ends for ends in _ENDS if set(ends) <= set(columns)), None)


def _is_both_ways(rows: Sequence[tuple[int, dict[str, str]]]) -> bool:
    """Whether a list has links in both directions, each with numbers of its own."""
    ends = _ends(rows)
    if ends is None:
        return False
    pairs = {(row[ends[0]], row[ends[1]]) for _, row in rows if row[ends[0]] != row[ends[1]]}
    return any((b, a) in pairs for a, b in pairs)


def _add_links(builder: Builder, path: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> None:
    ends = _ends(rows) or _ENDS[0]
    if rows and not set(ends) <= rows[0][1].keys():
        columns = " or ".join(" and ".join(pair) for pair in _ENDS)
        raise ScenarioError(f"{path}: must have the columns {columns}, got {shown(list(rows[0][1]))}")
    for line, row in rows:
        builder.add_link(f"line {line}", row[ends[0]], row[ends[1]], row)


def _read_matrix(path: Path, rules: ImportRules) -> RawNetwork:
    try:
        lines = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(read_text(path))) if any(row)]
    except csv.Error as error:
        raise ScenarioError(f"{path}: is not CSV: {error}") from None
    names, body = _split(lines)
    matrix = _square(path, names, body)
    builder = Builder(path, is_directed=True)
    for name in names:
        builder.add_node(f"column {name!r}", name, {})
    ways = 2.0 if _kind_of_latency(path, rules) == "rtt" else 1.0
    _add_matrix(builder, names, matrix, ways / rules.latency_unit_s)
    return builder.network()


def _split(lines: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Names and numbers: with a row of names, a column of them, both, or neither."""
    has_header = bool(lines) and any(not _is_number(cell) for cell in lines[0][1:])
    header, body = (lines[0], lines[1:]) if has_header else ([], lines)
    has_column = bool(body) and all(not _is_number(row[0]) for row in body)
    column = [row[0] for row in body] if has_column else []
    body = [row[1:] for row in body] if has_column else body
    above = header[-len(body) :] if has_header and len(header) in {len(body), len(body) + 1} else header
    return above or column or [f"node-{index}" for index in range(len(body))], body


def _square(path: Path, names: list[str], body: list[list[str]]) -> Matrix:
    if not 1 <= len(body) <= _MOST_IN_A_MATRIX:
        raise ScenarioError(f"{path}: a matrix must have 1 to {_MOST_IN_A_MATRIX} rows, got {len(body)}")
    sizes = {len(row) for row in body} | {len(names)}
    if sizes != {len(body)}:
        raise ScenarioError(
            f"{path}: must be a square matrix of latencies, or links with the columns u and v; got {len(body)} rows "
            f"of {' or '.join(map(str, sorted(sizes)))} numbers"
        )
    matrix = np.full((len(body), len(body)), np.nan)
    for i, row in enumerate(body):
        for j, cell in enumerate(row):
            if cell.lower() not in _NOT_MEASURED:
                try:
                    matrix[i, j] = number_in(cell)
                except ValueError as error:
                    raise ScenarioError(f"{path}: row {names[i]!r}, column {names[j]!r}: {error}") from None
    return matrix


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.lower() in _NOT_MEASURED and cell != ""
    return True


def _kind_of_latency(path: Path, rules: ImportRules) -> str:
    if rules.latency is not None:
        return rules.latency
    stem = path.stem.lower().replace("_", "-")
    found = [kind for kind in ("rtt", "one-way") if kind in stem]
    if len(found) == 1:
        return found[0]
    raise ScenarioError(
        f"{path}: a matrix must say what it has: 'latency: rtt' or 'latency: one-way' beside the import, or in its name"
    )


def _array(path: Path, nodes: int) -> Matrix:
    """The matrix in a NumPy archive, its size looked at before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename.removesuffix(".npy"): info.file_size for info in archive.infolist()}
        name = next((name for name in _ARRAYS if name in sizes), None)
        if name is None or sizes[name] > MOST_BYTES:
            raise ScenarioError(f"{path}: must have one of {', '.join(_ARRAYS)}, of at most {MOST_BYTES:,} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            matrix = np.asarray(arrays[name], dtype=float)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ScenarioError(f"{path}: is no archive of NumPy arrays: {error}") from None
    if matrix.shape != (nodes, nodes):
        raise ScenarioError(f"{path}: must have a row and a column for each of {nodes} nodes, got {matrix.shape}")
    return matrix


def _add_matrix(builder: Builder, names: Sequence[str], matrix: Matrix, per_unit: float) -> None:
    """Links from a matrix of latencies; what was measured one way only holds both ways, the diagonal for nothing."""
    for i, j in combinations(range(len(names)), 2):
        for a, b in ((i, j), (j, i)):
            latency: Any = matrix[a, b] if not np.isnan(matrix[a, b]) else matrix[b, a]
            where = f"row {names[a]!r}, column {names[b]!r}"
            if latency < 0:
                builder.refuse(where, f"must be >= 0, got {latency:g}")
            elif not np.isnan(latency):
                builder.add_link(where, names[a], names[b], {"delay_s": float(latency) / per_unit})
