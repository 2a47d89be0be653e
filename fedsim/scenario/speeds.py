"""The speed of a group in words that are no law: measured fleets by name, and the user's own measurements.

speed: {measured: phones-2023}
speed: {csv: {file: phones.csv, column: gflops, unit: GFLOP/s}}
speed: {csv: {file: phones.csv, column: latency_ms, unit: ms, work: 97.2 MFLOP}}

They become a law at once: the lognormal of the measured fleet, or a choice among the rows of the file, so that a
resolved scenario needs no file beside it.
"""

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedsim import problems, units
from fedsim.errors import FedsimError
from fedsim.scenario.refusal import Mistake, Refused
from fedsim.system.law_words import write_law
from fedsim.system.profiles import Profiles

_CSV_KEYS = ("file", "column", "unit", "work")
_MOST_BROKEN = 5
_MOST_BYTES = 10_000_000


def speed_words(words: Any, runtime: object, profiles: Profiles) -> Any:
    """The words of a law for these words of a speed; other words are left as they are.

    Raises:
        Refused: with every mistake in them, keys from ``speed`` on.
    """
    if not isinstance(words, Mapping) or len(words) != 1:
        return words
    [(kind, what)] = words.items()
    if kind == "measured":
        return _measured(what, runtime, profiles)
    if kind == "csv":
        return {"choice": _rows(what)}
    return words


def _measured(name: Any, runtime: object, profiles: Profiles) -> Any:
    if not isinstance(name, str) or name not in profiles.speeds:
        raise Refused([(("speed", "measured"), problems.unknown(name, "measured fleet", profiles.speeds))])
    speeds = profiles.speeds[name]
    return write_law(speeds.native if runtime == "native" else speeds.managed, "flop/s")


def _rows(block: Any) -> list[float]:
    """The speed in every row of a file, flop/s."""
    _check_keys(block)
    path, column = Path(block["file"]), block["column"]
    convert = _conversion(block)
    try:
        reader = csv.DictReader(io.StringIO(_content(path), newline=""))
        if column not in (reader.fieldnames or ()):
            rule = problems.unknown(column, f"column of {path}", reader.fieldnames or ())
            raise Refused([(("speed", "csv", "column"), rule)])
        texts = [(reader.line_num, row[column]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused([(("speed", "csv", "file"), f"cannot be read: {error}")]) from None
    broken: list[Mistake] = []
    values = [_positive(convert, text, f"{path}: line {line}", broken) for line, text in texts]
    if not values:
        broken.append((("speed", "csv", "file"), f"{path} has no rows"))
    if broken:
        raise Refused(broken[:_MOST_BROKEN])
    return values


def _content(path: Path) -> str:
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise csv.Error(f"it is larger than {_MOST_BYTES:,} bytes")
    return content.decode("utf-8-sig")


def _check_keys(block: Any) -> None:
    if not isinstance(block, Mapping):
        raise Refused([(("speed", "csv"), f"must give file, column and unit, got {problems.shown(block)}")])
    strange = [key for key in block if key not in _CSV_KEYS]
    broken: list[Mistake] = [(("speed", "csv", str(key)), problems.unknown(key, "key", _CSV_KEYS)) for key in strange]
    absent = [key for key in _CSV_KEYS[:3] if not isinstance(block.get(key), str)]
    broken += [(("speed", "csv", key), "must be a text" if key in block else "is missing") for key in absent]
    if broken:
        raise Refused(broken)


def _conversion(block: Mapping[Any, Any]) -> Any:
    """From a number of the file to flop/s: by its unit or, for a time, the work that it took."""
    unit, work = block["unit"], block.get("work")
    try:
        if work is None:
            factor = units.parse(f"1 {unit}", "flop/s")
            return lambda number: number * factor
        seconds, flops = units.parse(f"1 {unit}", "s"), units.parse(work, "flop")
    except FedsimError as error:
        text = f"{error}; a time needs the work that it took, such as work: 97.2 MFLOP" if work is None else str(error)
        raise Refused([(("speed", "csv", "unit"), text)]) from None
    return lambda number: flops / (number * seconds)


def _positive(convert: Any, text: str | None, where: str, broken: list[Mistake]) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if 0 < number < math.inf:
        return float(convert(number))
    broken.append((("speed", "csv", "column"), f"{where}: must be a number > 0, got {problems.shown(text)}"))
    return math.nan
