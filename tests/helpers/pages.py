"""Pages of the documentation: their examples, and a place in which these examples can be tried."""

import gzip
import re
import shlex
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import yaml

from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.group import DeviceGroup
from fedsim.scenario.schema import Scenario

ROOT = Path(__file__).parents[2]

CELLS = ("cell", "cell-a", "cell-b", "cell-c", "home-ap", "home")
CITY = {
    "name": "city",
    "nodes": {
        "server": {"kind": "server"},
        "hub": {"kind": "server"},
        "metro": {"kind": "router"},
        **{cell: {"kind": "access-point" if cell.startswith("home") else "cell"} for cell in CELLS},
    },
    "links": [
        {"from": "server", "to": "metro", "capacity": "1 Gbit/s", "delay": "5 ms"},
        {"from": "hub", "to": "metro", "capacity": "1 Gbit/s", "delay": "5 ms"},
        {"from": "server", "to": "cell-a", "capacity": "1 Gbit/s", "delay": "9 ms"},
        {"from": "server", "to": "cell-b", "capacity": "1 Gbit/s", "delay": "9 ms"},
        *({"from": "metro", "to": place, "capacity": "100 Mbit/s", "delay": "4 ms"} for place in CELLS),
    ],
}
"""A topology with the places that pages speak of."""

FILES = {
    "traces/norway_3g.csv.gz": "trace_id,t_s,down_kbps\ntram,0,900\nbus,0,800\n",
    "bus.csv": "t_s,down_kbps,up_kbps\n0,900,300\n10,0,100\n20,400,200\n",
    "all.csv.gz": "trace_id,t_s,mbps\noffice-1,0,5\noffice-1,9,6\noffice-2,0,7\nhome,0,9\n",
    "down.csv": "t_s,down_kbps\n0,900\n10,400\n",
    "lte.down": "1\n5\n9\n",
    "lte.up": "2\n8\n",
    "backhaul.csv": "t_s,mbps\n0,80\n5,100\n",
    "cuts.csv": "seconds,for\n5,2\n60,10\n",
    "phones.csv": "model,gflops,latency\na,1.5,60\nb,0.4,190\n",
    "phones.csv.gz": "device,variant,t_s,state\na,2st,0,2\na,2st,300,0\na,2st,900,2\nb,2st,0,2\nb,2st,600,0\n",
    "survey.csv": "name,charge,speed [GFLOP/s]\neve,80 %,1.5\nfay,35 %,0.4\n",
    "abilene.gml": 'graph [ node [ id 0 label "Chicago" ] node [ id 1 label "Denver" ]'
    " edge [ source 0 target 1 delay_ms 12 ] ]",
}
"""Files that pages name, in short."""


def write_files(folder):
    for name, text in FILES.items():
        path = Path(folder, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


@dataclass(frozen=True)
class Page:
    """One file of the documentation."""

    path: Path

    @property
    def text(self):
        return self.path.read_text(encoding="utf-8")

    def fenced(self, language):
        """Blocks between fences of this language."""
        return re.findall(rf"^```{language}\n(.*?)^```", self.text, flags=re.DOTALL | re.MULTILINE)

    def indented(self, start):
        """The indented block whose first line starts so, without its indentation."""
        [block] = [found for found in re.findall(r"(?:^    .*\n|^\n(?=    ))+", self.text, flags=re.MULTILINE)
                   if found.strip().startswith(start)]  # fmt: skip
        return "".join(line[4:] or "\n" for line in block.strip("\n").splitlines(keepends=True))

    def yaml(self):
        """Every example in YAML as a mapping; a block that says one key in several ways is several examples."""
        return [yaml.safe_load(example) for block in self.fenced("yaml") for example in _ways(block)]

    def inline(self):
        """Keys of scenarios in the running text: mappings in backticks without dots for what is left out."""
        running = re.sub(r"^```.*?^```", "", self.text, flags=re.DOTALL | re.MULTILINE)
        spans = re.findall(r"(?<!`)`([a-z_]+: [^`]+)`(?!`)", running)
        whole = [span for span in spans if "..." not in span]
        return [words for span in whole if (words := yaml.safe_load(span)).keys() <= SCENARIO_KEYS | GROUP_KEYS]

    def commands(self):
        """The words of every command line."""
        lines = [line for block in self.fenced("sh") for line in block.replace("\\\n", " ").splitlines()]
        return [shlex.split(line, comments=True) for line in lines if line.startswith("fedsim ")]

    def links(self):
        """Files that it links to."""
        return [target.split("#")[0] for target in re.findall(r"\]\((?!http|#)([^)]+)\)", self.text)]

    def files(self):
        """Files of the checkout that it names."""
        return re.findall(r"`((?:scenarios|topologies|tests|fedsim)/[\w/.]+)`", self.text)


def pages():
    return [Page(path) for path in sorted((ROOT / "docs").glob("*.md"))]


LEARNERS = standard_catalogue().kinds["learner"]
SCENARIO_KEYS = frozenset(field.alias or name for name, field in Scenario.model_fields.items())
GROUP_KEYS = frozenset(field.alias or name for name, field in DeviceGroup.model_fields.items())


def with_example(words, example):
    """A scenario with an example in it: keys of a scenario, or else of its group of devices."""
    words = deepcopy(words)
    if "gossip" in str(example.get("protocol")) and "learner" not in example:
        words["learner"] = "d-psgd"
    learner = example.get("learner", {})
    kind = LEARNERS.get(learner if isinstance(learner, str) else learner.get("name"))
    if kind is not None and "protocol" not in example and kind.family == "decentralised":
        words["protocol"] = {"name": "synchronous-gossip", "overlay": "ring"}
    if kind is not None and "svm" in kind.models:
        words["model"] = "svm"
    if example.keys() <= SCENARIO_KEYS:
        return {**words, **example}
    assert example.keys() <= GROUP_KEYS, f"neither keys of a scenario nor of a group: {', '.join(example)}"
    group = {**words["fleet"][0], **example}
    if "devices" in example:
        del group["count"]
    return {**words, "fleet": [group]}


def _ways(block):
    key = block.split(":")[0]
    lines = [line for line in block.splitlines() if line.startswith(f"{key}:")]
    return lines if len(lines) > 1 else [block]
