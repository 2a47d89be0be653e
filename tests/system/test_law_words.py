import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.law import Choice, Constant, Exponential, Lognormal, Uniform, Weibull
from fedsim.system.law_words import read_law, write_law
from fedsim.system.scipy_law import ScipyLaw


class ScipyMessage(str):
    """Is equal to every text that begins with it: scipy's names are many, and change."""

    __slots__ = ()

    def __eq__(self, other):
        return isinstance(other, str) and other.startswith(str(self))

    __hash__ = str.__hash__


def read(words, unit):
    """The law and the mistakes as (keys, rule)."""
    mistakes = []
    law = read_law(words, unit, lambda keys, rule: mistakes.append((keys, rule)))
    assert (law is None) == bool(mistakes)
    return law, mistakes


@pytest.mark.parametrize(
    ("words", "unit", "law"),
    [
        ("80 %", "1", Constant(0.8)),
        (3, "s", Constant(3.0)),
        ({"uniform": ["20 %", "100 %"]}, "1", Uniform(0.2, 1.0)),
        ({"uniform": {"low": "1 s", "high": "1 min"}}, "s", Uniform(1.0, 60.0)),
        ({"exponential": {"mean": "10 min"}}, "s", Exponential(600.0)),
        ({"lognormal": {"median": "1.2 Mbit/s", "sigma": 0.54}}, "bit/s", Lognormal(1.2e6, 0.54)),
        ({"weibull": {"scale": "16005 s", "shape": "0.656"}}, "s", Weibull(16_005.0, 0.656)),
        ({"choice": ["1 GFLOP/s", "2 GFLOP/s"]}, "flop/s", Choice((1e9, 2e9))),
        ({"choice": {"values": ["1 s", "2 s"], "weights": [3, 1]}}, "s", Choice((1.0, 2.0), (3.0, 1.0))),
        (
            {"scipy": {"name": "gamma", "a": 2, "scale": "10 min"}},
            "s",
            ScipyLaw("gamma", (("a", 2.0), ("scale", 600.0))),
        ),
        ({"scipy": {"name": "beta", "a": 1.2, "b": 6}}, "1", ScipyLaw("beta", (("a", 1.2), ("b", 6.0)))),
    ],
)
def test_words_become_laws(words, unit, law):
    assert read(words, unit) == (law, [])
    assert read(write_law(law, unit), unit) == (law, [])


@pytest.mark.parametrize(
    ("words", "mistakes"),
    [
        ("3 W", [((), "'3 W' is not a time such as '250 ms': 'W' measures something else")]),
        ({"uniform": ["1 W", "x"]}, [
            (("uniform", 0), "'1 W' is not a time such as '250 ms': 'W' measures something else"),
            (("uniform", 1), "'x' is not a time such as '250 ms'"),
        ]),
        ({"uniform": [3, 1]}, [((), "uniform: low must be <= high, got (3.0, 1.0)")]),
        ({"uniform": [3]}, [(("uniform",), "must give low and high, got [3]")]),
        ({"unifrom": [1, 2]}, [(
            (),
            ("'unifrom' is not a known law; did you mean 'uniform'? "
            "(known: uniform, exponential, lognormal, weibull, choice, scipy)"),
        )]),
        ({"lognormal": {"median": 1, "sgma": 2}}, [
            (
                ("lognormal", "sgma"),
                "'sgma' is not a known parameter of lognormal; did you mean 'sigma'? (known: median, sigma)",
            ),
            (("lognormal", "sigma"), "is missing"),
        ]),
        ({}, [((), ("a law is a quantity or has one key that names it "
                   "(uniform, exponential, lognormal, weibull, choice, scipy), got 0 keys"))]),
        ({"choice": {"values": 3}}, [(("choice", "values"), "must be a list, got 3")]),
        ({"choice": [1, "x"]}, [(("choice", 1), "'x' is not a time such as '250 ms'")]),
        ({"scipy": {"name": "gama", "a": 2}}, [
            (("scipy",), ScipyMessage("'gama' is not a known scipy distribution; did you mean 'gamma'")),
        ]),
        ({"scipy": {"name": "gamma"}}, [(("scipy",), "scipylaw: gamma needs a, got {}")]),
        ({"scipy": {"name": "gamma", "a": "2 s", "scale": "x"}}, [
            (("scipy", "a"), "'2 s' is not a plain number or a share such as '30 %': 's' measures something else"),
            (("scipy", "scale"), "'x' is not a time such as '250 ms'"),
        ]),
        ({"scipy": {"name": "cauchy"}}, [(("scipy",), "scipylaw: cauchy must have a finite mean, got nan")]),
        ({"scipy": {"name": "gamma", "a": -1}}, [
            (("scipy",), "scipylaw: gamma must have possible parameters, got {'a': -1.0}"),
        ]),
        ({"scipy": "gamma"}, [(("scipy",), "must give the name of a distribution and its parameters, got 'gamma'")]),
        ({"exponential": 3}, [(("exponential",), "must give mean, got 3")]),
    ],
)  # fmt: skip
def test_mistakes_say_where_they_are(words, mistakes):
    assert read(words, "s") == (None, mistakes)


def test_weights_are_written_as_plain_numbers():
    words = {"choice": {"values": ["1 s", "2 s"], "weights": [1.0, 4.0]}}
    assert write_law(Choice((1.0, 2.0), (1.0, 4.0)), "s") == words


positive = st.floats(1e-6, 1e12)


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(
        st.builds(Constant, positive),
        st.builds(lambda a, b: Uniform(min(a, b), max(a, b)), positive, positive),
        st.builds(Exponential, positive),
        st.builds(Lognormal, positive, st.floats(0, 10)),
        st.builds(Weibull, positive, st.floats(0.1, 100)),
        st.builds(Choice, st.lists(positive, min_size=1, max_size=4).map(tuple)),
        st.builds(Choice, st.tuples(positive, positive), st.tuples(positive, positive)),
    ),
    st.sampled_from(["s", "bit/s", "flop/s", "1"]),
)
def test_a_law_survives_being_written(law, unit):
    assert read(write_law(law, unit), unit) == (law, [])
