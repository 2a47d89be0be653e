import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.tasks.examples import Block, Examples


@pytest.fixture
def three_devices():
    """Rows 0 to 5 given out of order: device 0 has rows 1 and 4, device 1 row 0, device 2 rows 2, 3 and 5."""
    X = np.arange(12.0).reshape(6, 2)
    return Examples.of(X, np.array([0, 1, 2, 3, 4, 5]), np.array([1, 0, 2, 2, 0, 2]), 3)


def test_rows_lie_by_device_in_the_order_given(three_devices):
    assert three_devices.offsets.tolist() == [0, 2, 3, 6]
    assert three_devices.y.tolist() == [1, 4, 0, 2, 3, 5]
    assert three_devices.X[:, 0].tolist() == [2.0, 8.0, 0.0, 4.0, 6.0, 10.0]
    assert three_devices.sizes.tolist() == [2, 1, 3]
    assert three_devices.device.tolist() == [0, 0, 1, 2, 2, 2]
    assert three_devices.X[three_devices.rows(2)].tolist() == [[4.0, 5.0], [6.0, 7.0], [10.0, 11.0]]


def test_squared_norms(three_devices):
    assert three_devices.squared_norms.tolist() == [13.0, 145.0, 1.0, 41.0, 85.0, 221.0]


def test_a_constant_is_one_more_feature(three_devices):
    wider = three_devices.with_constant
    assert wider.features == 3
    assert wider.X[:, 2].tolist() == [1.0] * 6
    assert np.array_equal(wider.X[:, :2], three_devices.X)
    assert np.array_equal(wider.y, three_devices.y)


def test_blocks_hold_each_row_once_and_devices_of_one_size_together():
    device = np.repeat([0, 1, 2, 3], [2, 3, 2, 1])
    examples = Examples.of(np.zeros((8, 1)), np.arange(8), device, 4)
    blocks = {block.rows.shape[1]: block for block in examples.blocks}
    assert {size: block.devices.tolist() for size, block in blocks.items()} == {1: [3], 2: [0, 2], 3: [1]}
    assert blocks[2].rows.tolist() == [[0, 1], [5, 6]]
    assert sorted(np.concatenate([block.rows.ravel() for block in blocks.values()])) == list(range(8))


@pytest.mark.parametrize(
    ("X", "y", "offsets", "message"),
    [
        (np.zeros((2, 1)), np.zeros(3), [0, 2], "must be"),
        (np.zeros(2), np.zeros(2), [0, 2], "must be"),
        (np.array([[np.nan], [0.0]]), np.zeros(2), [0, 2], "finite"),
        (np.zeros((2, 1)), np.array([0.0, np.inf]), [0, 2], "finite"),
        (np.zeros((2, 1)), np.zeros(2), [0, 1], "offsets"),
        (np.zeros((2, 1)), np.zeros(2), [0, 2, 2], r"devices \[1\] have none"),
    ],
)
def test_what_does_not_fit_is_refused(X, y, offsets, message):
    with pytest.raises(FedsimError, match=message):
        Examples(X=X, y=y, offsets=np.array(offsets))


@pytest.mark.parametrize("sizes", [[3, 3, 2, 2, 2], [3, 2, 3, 2, 3], [4]], ids=["neighbours", "apart", "alone"])
def test_a_block_gives_its_devices_own_rows(sizes):
    n = sum(sizes)
    device = np.repeat(np.arange(len(sizes)), sizes)
    examples = Examples.of(np.arange(2.0 * n).reshape(n, 2), np.arange(n), device, len(sizes))
    for block in examples.blocks:
        x, y = examples.of_block(block)
        for i, number in enumerate(block.devices):
            assert np.array_equal(x[i], examples.X[examples.rows(number)])
            assert np.array_equal(y[i], examples.y[examples.rows(number)])


@pytest.mark.parametrize("devices", [[1, 2, 3], [0, 2, 1, 3], [3, 1], [2, 2, 2], [0]], ids=str)
def test_a_block_of_devices_in_any_order_is_of_those_devices(devices):
    examples = Examples.of(np.arange(16.0).reshape(8, 2), np.arange(8), np.repeat(np.arange(4), 2), 4)
    x, y = examples.of_block(Block(devices=np.array(devices), rows=examples.offsets[devices, None] + np.arange(2)))
    for i, number in enumerate(devices):
        assert np.array_equal(x[i], examples.X[examples.rows(number)])
        assert np.array_equal(y[i], examples.y[examples.rows(number)])
