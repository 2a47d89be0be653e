import pytest

from fedsim.study.axis import AXES, axis


@pytest.mark.parametrize(
    ("name", "span", "unit"),
    [
        ("time", 0.0, "s"),
        ("time", 179.0, "s"),
        ("time", 180.0, "min"),
        ("time", 10799.0, "min"),
        ("time", 10800.0, "h"),
        ("time", 259200.0, "days"),
        ("energy", 2999.0, "J"),
        ("energy", 3000.0, "kJ"),
        ("bytes", 5e9, "GB"),
        ("bytes", 5e12, "TB"),
        ("rounds", 1e6, ""),
    ],
)
def test_the_unit_suits_the_span(name, span, unit):
    assert axis(name).scale(span).name == unit


def test_bytes_are_those_up_and_down(make_result):
    curve = make_result([(0.0, 0.1), (30.0, 0.5)]).curve
    assert axis("bytes").of(curve).tolist() == [0.0, 3000.0]


def test_amounts_are_words():
    amounts = [along.amount(7200.0, along.scale(18000.0)) for along in AXES.values()]
    assert amounts == ["in 2 h", "for 7.2 kJ", "for 7.2 kB", "in 7,200 rounds"]
