"""Files of traces, in the forms in which they are published.

``.csv``, ``.csv.gz``   a header names the columns: see ``fedsim.system.trace_table``
``.npz``                named arrays of counts: 1500-byte packets delivered in each 0.1 s
``.up``, ``.down``, ``.mahimahi``   packet delivery times of the mahimahi emulator: see ``fedsim.system.mahimahi``
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from fedsim import problems
from fedsim.errors import ScenarioError
from fedsim.system.mahimahi import PACKET_BITS, read_mahimahi
from fedsim.system.recording import Recording
from fedsim.system.trace import merged
from fedsim.system.trace_table import read_table

MOST_BYTES = 64_000_000
"""Of a file when unpacked."""

_SLOT_S = 0.1


def read_recording(path: str | Path) -> Recording:
    """All traces of a file. A file that has not changed is not read twice.

    Raises:
        ScenarioError: file, place in it, value and rule of the first mistake.
    """
    file = Path(path)
    try:
        status = file.stat()
    except (OSError, ValueError) as error:  # a ValueError: a name that no file can have
        raise _refusal(file, f"cannot be read: {getattr(error, 'strerror', error)}") from None
    if not file.is_file():
        raise _refusal(file, "is not a file")
    return _read(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(file: Path, _changed_ns: int, _size_bytes: int) -> Recording:
    readers: Mapping[str, Callable[[bytes], Recording]] = {
        ".csv": read_table,
        ".npz": _read_counts,
        ".up": read_mahimahi,
        ".down": read_mahimahi,
        ".mahimahi": read_mahimahi,
    }
    suffix = Path(file.stem).suffix if file.suffix == ".gz" else file.suffix
    if suffix not in readers or (suffix == ".npz" and file.suffix == ".gz"):
        raise _refusal(file, problems.unknown(file.suffix, "kind of trace file", [*readers, ".csv.gz"]))
    try:
        content = _content(file)
        return replace(readers[suffix](content), digest=blake2b(content, digest_size=8).hexdigest())
    except ValueError as error:
        raise _refusal(file, str(error)) from None
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise _refusal(file, f"cannot be read: {error}") from None


def _content(file: Path) -> bytes:
    """What is in the file, unpacked."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"must be at most {MOST_BYTES // 1_000_000} MB of text")
    if not content.strip():
        raise ValueError("is empty")
    return content


def _read_counts(content: bytes) -> Recording:
    """Packets per slot: each array is a trace."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
            raise ValueError(f"must be at most {MOST_BYTES // 1_000_000} MB when unpacked")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        columns = {name: {"rate": _slots(name, arrays[name])} for name in arrays.files}
    if not columns:
        raise ValueError("has no arrays")
    return Recording(columns)


def _slots(name: str, counts: Any) -> Any:
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or not len(counts) or counts.min() < 0:
        raise ValueError(f"array {name!r} must hold one count >= 0 of packets for each 0.1 s")
    ends_s = np.arange(1, len(counts) + 1) / 10
    return merged(ends_s, counts.astype(np.float64) * (PACKET_BITS / _SLOT_S))


def _refusal(file: Path, rule: str) -> ScenarioError:
    mistakes = problems.Mistakes()
    mistakes.add(str(file), "", rule)
    return mistakes.error()
