import re

from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.study.labels import labels, short_keys

SAFE = re.compile(r"[A-Za-z0-9._-]{1,120}")


def of(*points, variants=None):
    return labels(variants or [""] * len(points), points)


def test_values_stand_behind_short_keys():
    points = [{"protocol.cohort": 5, "protocol.deadline": "3 s"}, {"protocol.cohort": 10, "protocol.deadline": "3 s"}]
    assert of(*points) == ["cohort-5-deadline-3s", "cohort-10-deadline-3s"]
    assert of({"fleet.*.link": "3g"}, {"fleet.*.link": "wifi"}) == ["link-3g", "link-wifi"]


def test_units_shares_signs_and_switches():
    assert of({"a": "20 Mbit/s"}, {"a": "85 %"}) == ["a-20Mbit-s", "a-85pct"]
    assert of({"a": -0.5}, {"a": 0.5}) == ["a-minus0.5", "a-0.5"]
    assert of({"a": True}, {"a": None}, {"a": 2.0}) == ["a-true", "a-none", "a-2"]


def test_parts_are_called_by_their_name_alone():
    assert of({"learner": "mocha"}, {"learner": {"name": "fedavg", "epochs": 3}}) == ["mocha", "fedavg"]
    assert of({"topology": "../topologies/city_4g.yaml"}, {"topology": {"generate": "waxman"}}) == ["city_4g", "waxman"]


def test_blocks_of_one_name_are_told_apart_by_what_is_in_them():
    blocks = [{"name": "fedavg", "epochs": 1}, {"name": "fedavg", "epochs": 3}]
    assert of(*({"learner": block} for block in blocks)) == ["fedavg-epochs-1", "fedavg-epochs-3"]


def test_a_value_more_changes_no_label():
    before = of({"protocol.cohort": 5}, {"protocol.cohort": 10})
    assert of({"protocol.cohort": 5}, {"protocol.cohort": 10}, {"protocol.cohort": 20})[:2] == before


def test_variants_come_first():
    assert of({"a": 1}, {"a": 1}, variants=["star", "ring"]) == ["star-a-1", "ring-a-1"]
    assert of({}, {}, variants=["star", "ring"]) == ["star", "ring"]


def test_what_would_be_called_alike_gets_a_mark():
    one, other = of({"topology": "a/city.yaml"}, {"topology": "b/city.yaml"})
    assert one != other
    assert one.startswith("a-city.yaml")


def test_long_labels_are_cut_and_still_differ():
    points = [{f"key{i}": f"value {i} {j}" for i in range(12)} for j in range(2)]
    one, other = of(*points)
    assert len(one) <= 80
    assert one != other


def test_short_keys_tell_paths_apart():
    assert short_keys(["fleet.low.link", "fleet.high.link", "protocol.cohort"]) == ["low-link", "high-link", "cohort"]
    assert short_keys(["fleet.*.link"]) == ["link"]


WORDS = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(max_size=20), st.booleans(), st.none())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.fixed_dictionaries({"a.b": WORDS, "c": WORDS}), min_size=1, max_size=6, unique_by=repr))
def test_labels_are_unique_safe_and_short(points):
    found = of(*points)
    assert len(set(found)) == len(points)
    assert all(SAFE.fullmatch(label) and label[0] not in "-." for label in found)
