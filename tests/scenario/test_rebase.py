from pathlib import Path

import pytest

from fedsim.scenario.rebase import rebased


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("topology", "city.yaml", "studies/city.yaml"),
        ("topology", "../topologies/city.yaml", "topologies/city.yaml"),
        ("topology", {"import": "a.gml", "delay": "1 s"}, {"import": "studies/a.gml", "delay": "1 s"}),
        ("data.folder", "sets", "studies/sets"),
        ("data", {"folder": "sets", "file": "a.npz"}, {"folder": "studies/sets", "file": "a.npz"}),
        ("fleet.low.devices", "phones.csv", "studies/phones.csv"),
        ("fleet.low.devices", ["ann", "bob"], ["ann", "bob"]),
        ("fleet.low.availability", {"trace": "t.csv"}, {"trace": "studies/t.csv"}),
        ("fleet.*.speed.csv.file", "s.csv", "studies/s.csv"),
        ("protocol.overlay", {"name": "file", "file": "e.txt"}, {"name": "file", "file": "studies/e.txt"}),
        ("protocol.cohort", 5, 5),
        ("learner", "mocha", "mocha"),
        ("topology", "/data/city.yaml", "/data/city.yaml"),
    ],
)  # fmt: skip
def test_files_are_looked_for_beside_the_study(path, value, expected):
    assert rebased(path, value, Path("studies")) == expected
