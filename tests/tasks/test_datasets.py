import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import BUNDLED, from_arrays, load


@pytest.mark.parametrize(
    ("name", "rows", "features", "classes"),
    [("digits", 1797, 64, 10), ("iris", 150, 4, 3), ("wine", 178, 13, 3), ("breast_cancer", 569, 30, 2)],
)
def test_bundled_sets(name, rows, features, classes):
    dataset = load(name)
    assert dataset.X.shape == (rows, features)
    assert dataset.features == features
    assert (dataset.classes, dataset.name, dataset.device) == (classes, name, None)
    assert sorted(set(dataset.y.tolist())) == list(range(classes))


def test_digits_are_scaled_and_the_others_standardised():
    assert (load("digits").X.min(), load("digits").X.max()) == (0.0, 1.0)
    for name in set(BUNDLED) - {"digits"}:
        assert np.allclose(load(name).X.mean(axis=0), 0.0)
        assert np.allclose(load(name).X.std(axis=0), 1.0)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(FedsimError, match="digits, iris, wine, breast_cancer, diabetes, got 'mnist'"):
        load("mnist")


def test_labels_and_tasks_of_any_value_become_numbers_in_sorted_order():
    dataset = from_arrays([[1.0], [2.0], [3.0]], [1, -1, 1], [7, 7, 3])
    assert dataset.y.tolist() == [1, 0, 1]
    assert dataset.device.tolist() == [1, 1, 0]
    assert dataset.classes == 2


def test_targets_of_a_regression_stay_as_they_are():
    dataset = from_arrays([[1.0], [2.0]], [1.5, -2.5], [0, 1], regression=True, name="school")
    assert dataset.y.tolist() == [1.5, -2.5]
    assert (dataset.classes, dataset.name) == (0, "school")


@pytest.mark.parametrize(
    ("X", "y", "task", "message"),
    [
        ([[1.0], [2.0]], [0, 1, 0], [0, 0], "must be"),
        ([[1.0], [2.0]], [0, 1], [0], "must be"),
        ([1.0, 2.0], [0, 1], [0, 0], "must be"),
        ([[1.0], [np.nan]], [0, 1], [0, 0], "finite"),
        ([[1.0], [2.0]], [0.0, np.nan], [0, 0], "finite"),
        ([[1.0], [2.0]], [3, 3], [0, 0], "two labels"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(X, y, task, message):
    with pytest.raises(FedsimError, match=message):
        from_arrays(X, y, task)
