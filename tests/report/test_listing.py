import io
import re
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from fedsim.errors import FedsimError
from fedsim.report.grid import show
from fedsim.report.listing import kinds, listing
from fedsim.scenario import check
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.system.law_words import read_law
from fedsim.system.profiles import load_profiles
from fedsim.tasks.partitions.partition import Partition

ROOT = Path(__file__).resolve().parents[2]


def text_of(what):
    out = io.StringIO()
    show(Console(file=out, width=100), listing(what))
    return out.getvalue()


def names_in(text):
    """What stands at the beginning of a line."""
    return re.findall(r"^(\S+)", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("what", "role"), [("learners", "learner"), ("protocols", "protocol"), ("models", "model"), ("datasets", "data")]
)
def test_everything_in_the_catalogue_is_listed(what, role):
    assert names_in(text_of(what)) == list(standard_catalogue().kinds[role])


def test_every_choice_is_listed():
    listed = {name for what in kinds() for name in names_in(text_of(what)) if what != "topologies"}
    for options in standard_catalogue().choices.values():
        assert set(options) <= listed


def test_parameters_have_their_defaults():
    text = text_of("learners")
    assert re.search(r"fedavg.*\n(  .*\n)*  batch_size +10\n", text)
    assert re.search(r"mocha.*\n(  .*\n)*  regulariser +\{name: probabilistic-prior, eps: ", text)
    assert re.search(r"  cohort +\(must be given\)\n", text_of("protocols"))
    assert re.search(r"  patience +10 s\n", text_of("protocols"))


def test_every_partition_listed_can_be_used(tiny):
    for name in names_in(text_of("partitions")):
        assert check({**tiny, "data": {"name": "iris", "partition": name}}).data.name == "iris"


def test_data_of_every_kind_are_listed_with_parameters_and_sources():
    text = text_of("data")
    catalogue = standard_catalogue()
    listed = set(re.findall(r"^  (\S+)", text, flags=re.MULTILINE))
    assert set(catalogue.kinds["data"]) | set(catalogue.choices[Partition]) <= listed
    assert re.search(r"  synthetic\n(    .*\n)*    source +Li et al., FedProx, MLSys 2020", text)
    assert re.search(r"  har\n(    .*\n)*    if missing +make har.npz", text)
    assert re.search(r"  shards\n(    .*\n)*    per_device +2\n", text)


def test_profiles_have_numbers_with_evidence_and_sources():
    profiles = load_profiles()
    for what, known in (("devices", profiles.devices), ("links", profiles.links), ("radios", profiles.radios)):
        assert names_in(text_of(what)) == [*known, "Evidence", "Sources"]
    text = text_of("devices")
    assert re.search(r"phone-low +Nexus 6 class\n  speed +0.5 GFLOP/s +\[D flash\]", text)
    assert re.search(r"\n  flash +FLASH study", text)
    assert "huang" not in text  # a source of links and radios only
    assert "half_duplex  true" in text_of("links")


def test_every_law_listed_can_be_written(tiny):
    examples = re.findall(r"  example +(.+)", text_of("laws"))
    assert len(examples) == 7
    for example in examples:
        law = read_law(yaml.safe_load(example), unit_of(example), lambda keys, rule: pytest.fail(f"{keys}: {rule}"))
        assert law.mean > 0
    assert "gamma" in text_of("laws")


def unit_of(example):
    return "1" if "%" in example else "flop/s" if "FLOP" in example else "s"


def test_every_availability_listed_can_be_used(tiny):
    names = [name for name in names_in(text_of("availabilities")) if name != "Sources"]
    assert names == ["always", "phones"]
    for name in names:
        fleet = [{**tiny["fleet"][0], "availability": name}]
        assert (check({**tiny, "fleet": fleet}).fleet[0].availability is None) == (name == "always")


def test_topologies_are_those_of_the_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    text = text_of("topologies")
    assert "topologies/quickstart.yaml" in text
    assert re.search(r"cell +cell-a, cell-b, cell-c", text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FedsimError, match="no folder 'topologies' here"):
        listing("topologies")


def test_an_unknown_list_names_the_nearest():
    with pytest.raises(FedsimError, match="'device' is not a known list; did you mean 'devices'"):
        listing("device")


def test_overlays_and_mixing_are_listed_once():
    assert {"ring", "delta-mbst", "listed", "one-peer-exponential", "random-matchings"} <= set(
        names_in(text_of("overlays"))
    )
    assert {"metropolis", "max-degree", "fdla", "fastest-mixing", "equal-shares"} <= set(names_in(text_of("mixing")))
    assert "baseoverlays" not in kinds()
