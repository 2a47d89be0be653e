"""Packet delivery files of the mahimahi link emulator (Netravali et al., USENIX ATC 2015).

Each line is a time in whole milliseconds, never less than the one before: at that instant the link can deliver 1500
bytes. After the last line everything begins anew, counted from the time in it. Here the packets of each bin of
0.1 s are spread evenly over it: at the end of every bin, and of every lap, exactly as many bytes can have passed as
in the emulator, at most those of one bin sooner or later in between. A packet at the end of a bin is in it, one at
time 0 in the first. The emulator loses an opportunity at which nothing waits; a rate does so likewise.
"""

import numpy as np
import numpy.typing as npt

from fedsim.system.recording import Recording
from fedsim.system.trace import merged

PACKET_BITS = 1500 * 8
BIN_MS = 100

_MOST_BINS = 10_000_000


def read_mahimahi(content: bytes) -> Recording:
    """The trace of a file, without a name.

    Raises:
        ValueError: line, value and rule of the first mistake.
    """
    times_ms = _times_ms(content.decode("ascii", errors="replace").splitlines())
    length_ms = int(times_ms[-1])
    if length_ms == 0:
        raise ValueError(f"line {len(times_ms)}: must last longer than 0 ms")
    bins = -(-length_ms // BIN_MS)
    if bins > _MOST_BINS:
        raise ValueError(f"line {len(times_ms)}: must last at most {_MOST_BINS * BIN_MS} ms, got {length_ms}")
    counts = np.bincount(np.maximum(times_ms - 1, 0) // BIN_MS, minlength=bins)
    ends_s = np.minimum(np.arange(1, bins + 1) * BIN_MS, length_ms) / 1000
    rates_bps = counts * PACKET_BITS / np.diff(ends_s, prepend=0.0)
    return Recording({"": {"rate": merged(ends_s, rates_bps)}})


def _times_ms(lines: list[str]) -> npt.NDArray[np.int64]:
    times_ms = np.zeros(len(lines), dtype=np.int64)
    before_ms = 0
    for number, line in enumerate(lines):
        text = line.strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            raise ValueError(f"line {number + 1}: must be a time in whole milliseconds, got {text[:40]!r}")
        time_ms = int(text)
        if time_ms < before_ms:
            raise ValueError(f"line {number + 1}: goes back in time, from {before_ms} ms to {time_ms} ms")
        times_ms[number] = before_ms = time_ms
    return times_ms
