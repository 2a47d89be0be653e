"""How data lie over devices: numbers that can be worked out in the head, and pictures of them."""

import numpy as np
import pytest
from matplotlib.colors import Normalize

from fedsim.errors import FedsimError
from fedsim.report.data_drawing import draw_data, save_data_drawing
from fedsim.report.data_summary import class_counts, data_facts, label_skew
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Outline, Problem
from fedsim.tasks.softmax import Softmax


def part(y, device):
    return Examples.of(np.zeros((len(y), 2)), np.asarray(y), np.asarray(device), int(max(device)) + 1)


def problem_of(train, test, classes=3):
    return Problem(model=Softmax(features=2, classes=classes), train=part(*train), test=part(*test), name="made")


def test_facts_of_two_devices():
    problem = problem_of(([0, 0, 0, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1]), ([0, 1], [0, 1]))
    assert dict(data_facts(problem)) == {
        "devices": "2",
        "training examples": "8, of a device 4",
        "test examples": "2 (20.0 %), of a device 1",
        "features": "2",
        "classes": "3, on a device min 1, median 1.5, max 2",
        "classes on no device": "1",
        "label skew": "mean 0.375, of a device 0.375 to 0.375 (total variation)",
    }


def test_facts_of_targets_and_of_counts():
    y, device = [1.0, 3.0, 5.0, 7.0], [0, 0, 1, 2]
    regression = Problem(model=LeastSquares(features=2), train=part(y, device), test=part(y, device))
    facts = dict(data_facts(regression))
    assert facts["targets"] == "mean 4, deviation 2.236"
    assert facts["means of devices"] == "min 2, median 5, max 7"
    outline = Outline(model=Softmax(features=2, classes=2), examples=np.array([1000, 3000]))
    assert dict(data_facts(outline)) == {
        "devices": "2",
        "training examples": "4,000, of a device min 1,000, median 2,000, max 3,000",
        "labels": "none: a timing run",
    }


def test_label_skew_is_nothing_where_all_agree_and_nearly_one_where_nobody_does():
    assert label_skew(np.array([[2.0, 4.0], [1.0, 2.0]])).tolist() == [0.0, 0.0]
    assert label_skew(np.eye(10)) == pytest.approx([0.9] * 10)
    assert class_counts(part([1, 1, 0], [0, 1, 1]), 2).tolist() == [[0.0, 1.0], [1.0, 1.0]]


def many(devices, classes=4):
    rng = np.random.default_rng(0)
    device = np.concatenate([np.arange(devices), rng.integers(0, devices, 20 * devices)])
    return problem_of((device % classes, device), (np.arange(devices) % classes, np.arange(devices)), classes)


def test_few_devices_are_discs_whose_areas_are_their_examples():
    problem = problem_of(([0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 0, 1]), ([0, 1], [0, 1]))
    sizes, discs = draw_data(problem).axes
    assert [bar.get_height() for bar in sizes.patches] == [5, 1]
    [dots] = discs.collections
    assert dots.get_offsets().tolist() == [[0, 0], [0, 1], [1, 2]]
    areas = dots.get_sizes()
    assert (areas / areas[1]).tolist() == pytest.approx([4, 1, 1])


@pytest.mark.parametrize("devices", [60, 2000])
def test_many_devices_are_a_map_of_shares_with_at_most_600_columns(devices):
    upper, lower = draw_data(many(devices)).axes[:2]
    assert len(upper.patches) == 2
    [picture] = lower.images
    shares = np.asarray(picture.get_array())
    assert shares.shape == (4, min(devices, 600))
    assert shares.sum(axis=0) == pytest.approx(np.ones(shares.shape[1]))
    assert isinstance(picture.norm, Normalize)
    assert (picture.norm.vmin, picture.norm.vmax) == (0, 1)


def test_an_outline_has_sizes_alone():
    model = Softmax(features=2, classes=2)
    [few] = draw_data(Outline(model=model, examples=np.array([3, 9]))).axes
    assert [bar.get_height() for bar in few.patches] == [3, 9]
    [ranked] = draw_data(Outline(model=model, examples=np.arange(1, 101))).axes
    assert ranked.get_yscale() == "log"  # from 1 to 100


def test_nothing_is_written_over(tmp_path):
    problem = many(5)
    save_data_drawing(problem, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FedsimError, match="is there already"):
        save_data_drawing(problem, tmp_path / "a.png")
    with pytest.raises(FedsimError, match="cannot be written"):
        save_data_drawing(problem, tmp_path / "a.what")
