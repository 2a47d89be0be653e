"""Samples of what a study draws, the same on every machine."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.kernel.streams import Streams
from fedsim.scenario.study_file import Sample
from fedsim.scenario.variation import Drawn


def samples(laws: Mapping[str, Drawn], how: Sample, seed: int) -> list[dict[str, Any]]:
    """For each sample the value of every key, in words; samples that are equal are there once.

    Random samples: every key has a stream of its own, so that one key more, or more samples, leave the others as they
    are. A Latin hypercube (McKay, Beckman and Conover, "A comparison of three methods for selecting values of input
    variables", 1979) has for every key one value in each of as many equal parts as there are samples.
    """
    shares = _random(list(laws), how.number, seed) if how.random else _latin_hypercube(len(laws), how.number, seed)
    drawn = [{key: law.at(float(share)) for share, (key, law) in zip(row, laws.items(), strict=True)} for row in shares]
    return list({repr(sample): sample for sample in drawn}.values())


def _random(keys: list[str], number: int, seed: int) -> npt.NDArray[np.float64]:
    streams = Streams(seed)
    return np.column_stack([streams.generator("sample", key).random(number) for key in keys])


def _latin_hypercube(keys: int, number: int, seed: int) -> npt.NDArray[np.float64]:
    from scipy.stats import qmc  # noqa: PLC0415  # slow to import, and every worker imports what plans are made of

    luck = int(Streams(seed).generator("latin hypercube").integers(2**63))
    return np.asarray(qmc.LatinHypercube(d=keys, rng=luck).random(number), dtype=np.float64)
