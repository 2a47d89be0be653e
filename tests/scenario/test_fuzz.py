"""Whatever stands in a scenario, it loads or is refused with a ScenarioError, and what loads can be written."""

import copy
from datetime import date

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.scenario.load import check, resolved

ODD = [None, True, 0, -1, 3, 10**30, 1.5, float("inf"), float("nan"), "", "x", "3g", "phone-low", "1 s", "50 %"]
ODD += ["inf", "null", "cell-a", "average", "rounds", "uniform", b"bytes", date(2024, 1, 2), (1, 2), {1}, object]
atoms = st.sampled_from(ODD)
keys = st.one_of(
    st.sampled_from(
        ["name", "at", "mean", "uniform", "lognormal", "choice", "values", "extends", "", 3, None, True, (1, 2)]
    )
)
values = st.recursive(
    atoms, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)), max_leaves=5
)
steps = st.lists(
    st.tuples(st.sampled_from(["set", "delete", "add"]), st.integers(0, 10**6), keys, values), min_size=1, max_size=3
)


def spots(node, found):
    """Every (container, key) below a node."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        found.append((node, key))
        if isinstance(node[key], (dict, list)):
            spots(node[key], found)
    return found


def mutate(words, step):
    action, number, key, value = step
    found = spots(words, [])
    if not found:
        return
    container, place = found[number % len(found)]
    if action == "delete":
        del container[place]
    elif action == "add" and isinstance(container, dict):
        container[key] = value
    else:
        container[place] = value


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_mutated_words_load_or_are_refused(words, catalogue, steps):
    words = copy.deepcopy(words)
    for step in steps:
        mutate(words, copy.deepcopy(step))
    try:
        scenario = check(words, catalogue=catalogue)
    except ScenarioError as error:
        assert all(line.strip() for line in str(error).splitlines())  # noqa: PT017  # either outcome is right
        return
    assert check(yaml.safe_load(resolved(scenario, catalogue=catalogue)), catalogue=catalogue) == scenario


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.lists(
        st.sampled_from(
            ["fleet", "low", "*", "0", "at", "learner", "prior", "name", "seed", "topology", "links", "", "x"]
        ),
        min_size=1,
        max_size=4,
    ).map(".".join),
    value=values,
)
def test_any_override_is_taken_or_refused(words, catalogue, path, value):
    try:
        scenario = check(words, {path: value}, catalogue=catalogue)
    except ScenarioError as error:
        assert str(error)  # noqa: PT017  # either outcome is right
        return
    assert check(yaml.safe_load(resolved(scenario, catalogue=catalogue)), catalogue=catalogue) == scenario
