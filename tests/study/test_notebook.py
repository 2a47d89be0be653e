"""What a notebook shows, without one."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

import fedsim
from fedsim.study.seeds import Seeds
from fedsim.study.study import Study

CURVE = [(0.0, 0.1), (30.0, 0.5), (60.0, 0.92)]
NEVER = [(0.0, 0.1), (60.0, 0.5)]
SCRIPT = "<script>alert(1)</script>&amp;"


class Reader(HTMLParser):
    """Collects the tags, and the texts of cells."""

    def __init__(self):
        super().__init__()
        self.tags, self.cells = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        assert not {"src", "href", "onload"} & {name for name, _ in attributes}

    def handle_data(self, data):
        if data.strip():
            self.cells.append(data.strip())


def read(html):
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture
def two(make_comparison):
    return make_comparison({"star": [CURVE] * 3, "ring": [NEVER, CURVE, NEVER]})


def test_a_result_says_what_it_is(make_result):
    result = make_result(CURVE, seed=5)
    assert repr(result) == str(result) == "Result('tiny', seed 5: time is up after 60 s)"
    shown = read(result._repr_html_())
    assert {"s to mean_accuracy 0.9", "60", "0.92"} <= set(shown.cells)
    assert "not reached" in read(make_result(NEVER)._repr_html_()).cells
    timing = make_result(CURVE, target=None, final={})
    assert "mean_accuracy" not in timing._repr_html_()


def test_a_comparison_says_what_differs(two):
    assert repr(two) == "Comparison(star, ring: 3 seeds of 60 s, mean_accuracy 0.9)"
    lines = str(two).splitlines()
    assert lines[0] == repr(two)
    assert lines[1] == "ring is 1 x slower to the target (1 to 1): cannot tell"
    shown = read(two._repr_html_())
    assert {"star", "ring", "time_to_target_s", "against star", "reached"} <= set(shown.cells)
    assert two.verdict("ring", two.measures[0]).words in shown.cells
    assert len(two._repr_html_()) < 20_000


def test_many_seeds_say_what_they_are(make_result):
    seeds = Seeds(results=tuple(make_result(CURVE, seed=seed) for seed in (3, 5)))
    assert repr(seeds) == "Seeds(tiny: 3, 5)"
    assert {"Seeds(tiny: 3, 5)", "time_to_target_s", "60"} <= set(read(seeds._repr_html_()).cells)
    assert seeds.plot("rounds").get_xlabel() == "rounds"


def test_one_scenario_has_nothing_to_differ_from(make_comparison):
    one = make_comparison({"star": [CURVE]})
    assert str(one) == "Comparison(star: 1 seed of 60 s, mean_accuracy 0.9)"
    assert "against" not in one._repr_html_()


def test_names_are_escaped(make_comparison, make_result):
    comparison = make_comparison({"star": [CURVE] * 3, SCRIPT: [CURVE] * 3})
    result = make_result(CURVE)
    named = replace(result, summary=replace(result.summary, name=SCRIPT))
    for html in (comparison._repr_html_(), named._repr_html_()):
        assert "<script" not in html
        assert not {"script", "img", "link", "style"} & set(read(html).tags)
        assert "&amp;amp;" in html
        assert not re.search("https?:", html)


@pytest.mark.parametrize(("x", "label"), [("time", "simulated time (s)"), ("energy", "energy of all devices (J)")])
def test_they_draw_into_an_axis(two, make_result, x, label):
    for what in (two, make_result(CURVE)):
        axes = Figure().add_subplot()
        assert what.plot(x, axes) is axes
        assert axes.get_xlabel() == label
    assert two.plot().get_xlabel() == "simulated time (s)"


def test_bands_are_a_table(two):
    found = two.bands(over="rounds")
    assert list(found.columns) == ["scenario", "rounds", "median", "low", "high"]
    assert found[found["scenario"] == "ring"]["rounds"].tolist() == [0, 1]
    assert found["median"].tolist() == [0.1, 0.5, 0.92, 0.1, 0.5]
    assert two.bands("worst_tenth")["high"].max() == 0.46


def test_they_are_found_in_the_package():
    assert fedsim.Study is Study
    assert all(getattr(fedsim, name) is not None for name in fedsim.__all__)
