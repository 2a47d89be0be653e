"""Finds the rows of a table in which some columns have given values, in a time that does not grow with the table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Positions = npt.NDArray[np.int64]
_NOBODY: Positions = np.empty(0, dtype=np.int64)


class Index:
    """Of columns of one length, each (n,), or None for one that has no values at all."""

    def __init__(self, columns: Sequence[npt.NDArray[Any] | None]) -> None:
        self._values: list[dict[Any, int]] = []
        self._order: Positions = _NOBODY
        self._codes: Positions = _NOBODY
        known = [column for column in columns if column is not None]
        if len(known) < len(columns):
            return
        codes = np.zeros(len(known[0]), dtype=np.int64)
        for column in known:
            own, values = pd.factorize(column)
            codes = np.where((own < 0) | (codes < 0), -1, codes * max(len(values), 1) + own)
            self._values.append(dict(zip(values.tolist(), range(len(values)), strict=True)))
        self._order = np.argsort(codes, kind="stable")
        self._codes = codes[self._order]

    def positions(self, values: Sequence[Any]) -> Positions:
        """Where the columns have these values, in order: (k,)."""
        if not self._values:
            return _NOBODY
        code = 0
        for value, known in zip(values, self._values, strict=True):
            at = known.get(value)
            if at is None:
                return _NOBODY
            code = code * len(known) + at
        low, high = np.searchsorted(self._codes, [code, code + 1])
        return self._order[low:high]
