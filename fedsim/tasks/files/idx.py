"""IDX files, the format of MNIST: a header with type and sizes, then the numbers."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.files.table import check_size, stacked

_TYPES: Final = MappingProxyType({0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"})
_MOST_AXES: Final = 4
_WHITE: Final = 255.0


def read_idx(path: Path) -> npt.NDArray[Any]:
    """The array in an IDX file, also gzipped.

    Two zero bytes, the type of the numbers, how many axes; the length of each axis as a big-endian 32-bit integer; the
    numbers, big-endian (LeCun, Cortes and Burges, the MNIST database).

    Raises:
        FedsimError: if it is none, too short, too long, or too large for memory.
    """
    opened: Any = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as stream:
            return _read(path, stream)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise FedsimError(f"{path}: cannot be read as IDX: {error}") from None


def read_images(images: Path, labels: Path, *, test: tuple[Path, Path], name: str) -> Dataset:
    """Training and test images with their labels, each image a row, pixels from 0 to 1 in 32-bit numbers.

    Args:
        images: (n, rows, columns) of bytes.
        labels: (n,) class numbers.
        test: images and labels for testing.
        name: what to call the data.

    Raises:
        FedsimError: if a file cannot be read, or they do not fit together.
    """
    X, y, kept = stacked([_part(images, labels), _part(*test)])
    return Dataset(name=name, X=X, y=y, classes=int(y.max()) + 1, test=kept)


def _part(images: Path, labels: Path) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    pixels, y = read_idx(images), read_idx(labels)
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or not len(pixels):
        raise FedsimError(f"{images}: must hold images (n, rows, columns) of bytes, got {pixels.shape} {pixels.dtype}")
    if y.shape != (len(pixels),) or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        raise FedsimError(f"{labels}: must hold {len(pixels)} class numbers >= 0, got {y.shape} {y.dtype}")
    X = np.empty((len(pixels), pixels[0].size), dtype=np.float32)
    np.divide(pixels.reshape(X.shape), np.float32(_WHITE), out=X)
    return X, y.astype(np.int64)


def _read(path: Path, stream: Any) -> npt.NDArray[Any]:
    zero, kind, axes = struct.unpack(">HBB", stream.read(4))
    if zero != 0 or kind not in _TYPES or not 1 <= axes <= _MOST_AXES:
        raise FedsimError(f"{path}: is no IDX file: it begins with {zero:04x}{kind:02x}{axes:02x}")
    shape = struct.unpack(f">{axes}I", stream.read(4 * axes))
    dtype = np.dtype(_TYPES[kind])
    size_bytes = math.prod(shape) * dtype.itemsize
    check_size(path, "numbers", math.prod(shape) * 4)
    content = stream.read(size_bytes + 1)
    if len(content) != size_bytes:
        rest = "more" if len(content) > size_bytes else f"only {len(content)}"
        raise FedsimError(f"{path}: its header says {shape}, which is {size_bytes} bytes; it has {rest}")
    return np.frombuffer(content, dtype=dtype).reshape(shape)
