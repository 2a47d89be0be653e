"""Streams by name without a simulation, and the reference data beside the checkout."""

from pathlib import Path

import pytest

from fedsim.kernel.streams import Streams

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def streams():
    return Streams(7).generator


@pytest.fixture
def shared_data():
    """A file or folder of the reference data, by name."""

    def find(name):
        if not (SHARED / name).exists():
            pytest.skip(f"needs shared/data/{name} beside the checkout")
        return SHARED / name

    return find
