import numpy as np
import pytest

from fedsim.tasks.products import Products

SIZES = np.array([3, 7, 5, 1])
OFFSETS = np.concatenate([[0], np.cumsum(SIZES)])
X = np.random.default_rng(0).normal(size=(16, 5))


def between(products, devices, visits):
    devices, visits = np.array(devices), np.array(visits)
    return products.between(devices, visits, X[OFFSETS[devices][:, None] + visits])


@pytest.mark.parametrize("devices", [[0, 2], [1], [0, 1, 2, 0], [3, 1]])
def test_they_are_the_inner_products_of_a_devices_own_examples(devices):
    products = Products(X, OFFSETS)
    visits = [np.random.default_rng(device).integers(0, SIZES[device], 4) for device in devices]
    for _ in range(2):  # computed, and then looked up
        found = between(products, devices, visits)
        for i, device in enumerate(devices):
            x = X[OFFSETS[device] + visits[i]]
            assert np.allclose(found[i], x @ x.T, rtol=1e-14, atol=1e-14)


def test_a_device_gets_the_same_bits_in_any_company_and_order():
    first, second = Products(X, OFFSETS), Products(X, OFFSETS)
    whole = between(first, [2, 1, 0], [[0, 4], [6, 2], [1, 1]])
    for i, (device, visits) in reversed(list(enumerate([(2, [0, 4]), (1, [6, 2]), (0, [1, 1])]))):
        assert np.array_equal(between(second, [device], [visits])[0], whole[i])


def test_they_take_no_more_room_than_the_examples():
    """Device 1 has more examples than features: nothing of it is kept."""
    assert Products(X, OFFSETS)._all.size == 9 + 25 + 1
    assert Products(X, OFFSETS)._all.size <= X.size
