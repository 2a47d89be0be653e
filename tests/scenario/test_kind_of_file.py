import pytest

from fedsim.cli.show import show_file
from fedsim.errors import ScenarioError
from fedsim.scenario import load
from fedsim.scenario.study_file import read_study_file

SCENARIO = "name: star\nfleet: []\nlearner: fedavg\n"
STUDY = "name: who\nscenario: star.yaml\nvary: {learner: [fedavg, fedsgd]}\n"


def written(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return path


def test_a_study_in_place_of_a_scenario_is_one_mistake(tmp_path):
    with pytest.raises(ScenarioError, match=r"file.yaml: is a study, not a scenario: fedsim sweep runs it$") as caught:
        load(written(tmp_path, STUDY))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["name: town\nnodes: {a: {kind: router}}\nlinks: []\n", "generate: barabasi-albert\n"])
def test_a_topology_in_place_of_a_scenario_is_one_mistake(tmp_path, text):
    with pytest.raises(ScenarioError, match=r"file.yaml: is a topology, not a scenario: fedsim show .*it$") as caught:
        load(written(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_shown_of_the_folder_of_a_run_is_its_scenario(tmp_path):
    """A folder of tables is a topology; that of a run holds none."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    with pytest.raises(ScenarioError, match=r"is a folder: name a file, such as .*scenario.yaml$"):
        show_file(str(tmp_path), [])
    (tmp_path / "links.csv").write_text("source,target\na,b\n")
    with pytest.raises(ScenarioError, match=r"nodes.csv: no such file"):
        show_file(str(tmp_path), [])


def test_a_scenario_in_place_of_a_study_is_one_mistake(tmp_path):
    with pytest.raises(ScenarioError, match=r"file.yaml: is a scenario, not a study: fedsim run runs it") as caught:
        read_study_file(written(tmp_path, SCENARIO))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "of_a_study"),
    [
        ("vary: {}\nfleet: []\nname: both\n", "fleet: 'fleet' is not a known key"),
        ("name: neither\n", "has nothing to run"),
    ],
)
def test_of_any_other_file_every_mistake_is_told(tmp_path, text, of_a_study):
    path = written(tmp_path, text)
    with pytest.raises(ScenarioError, match="data: is missing"):
        load(path)
    with pytest.raises(ScenarioError, match=of_a_study):
        read_study_file(path)
