"""Null in a group means that the key is left out; an unknown key is unknown, null or not."""

import pytest

from fedsim.errors import ScenarioError
from fedsim.scenario import check


def test_null_is_what_the_profile_says(tiny):
    [group] = tiny["fleet"]
    assert check({**tiny, "fleet": [{**group, "up": None, "speed": None, "handover": None}]}) == check(tiny)


@pytest.mark.parametrize("place", ["group", "mix", "devices", "handover"])
def test_an_unknown_key_is_refused_though_it_is_null(tiny, place):
    [group] = tiny["fleet"]
    strange = {"clip_norm": None}
    groups = {
        "group": {**group, **strange},
        "mix": {**group, "mix": [{"weight": 1, **strange}]},
        "devices": {**group, "count": 4, "devices": [{"name": name, **strange} for name in "abcd"]},
        "handover": {**group, "handover": {"to": [{"link": "3g", "at": "cell", **strange}], "stay": 1, "away": 1}},
    }
    with pytest.raises(ScenarioError, match=r"clip_norm: 'clip_norm' is not a known key"):
        check({**tiny, "fleet": [groups[place]]})
