"""What scenario files may name: learners, protocols, devices, links ... with their numbers and where these are from."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.report.grid import facts, heading_line
from fedsim.scenario.block import block_keys
from fedsim.scenario.catalogue import FILES, GENERATED, Catalogue, Kind, Role, standard_catalogue
from fedsim.scenario.plugins import Plugins
from fedsim.scenario.underlay import read_underlay
from fedsim.system import profiles
from fedsim.system.availability import AVAILABILITIES, AVAILABILITY_SOURCES, Availability
from fedsim.system.law_words import LAW_WORDS, write_law
from fedsim.system.peers import BaseOverlay
from fedsim.system.scipy_law import distributions
from fedsim.tasks import datasets
from fedsim.tasks.files.folder import VARIABLE
from fedsim.tasks.files.known import MNIST, NPZ, Known
from fedsim.tasks.generators.relations import Relation
from fedsim.tasks.partitions.partition import Partition
from fedsim.yamlfile import read_yaml

_ROLES: Final[Mapping[str, Role]] = {
    "learners": "learner",
    "protocols": "protocol",
    "models": "model",
    "transports": "transport",
}
_PROFILES: Final = ("devices", "links", "radios", "fading", "speeds")
_EVIDENCE: Final = (
    ("D", "computed from measured data"),
    ("S", "read in the source"),
    ("M", "published value, from memory"),
    ("I", "engineering choice or interpolation, not a measurement"),
)
_TOPOLOGIES: Final = Path("topologies")
_SHORT: Final = 70  # what still stands beside its name


def listing(what: str) -> RenderableType:
    """Everything of one kind that a scenario may name.

    Raises:
        FedsimError: if there is no such kind, or ``topologies`` are asked for where there is no folder of them.
    """
    makers = _makers(standard_catalogue())
    if what not in makers:
        raise FedsimError(problems.unknown(what, "list", makers))
    return makers[what]()


def kinds() -> tuple[str, ...]:
    """What can be listed."""
    return tuple(_makers(standard_catalogue()))


def _makers(catalogue: Catalogue) -> dict[str, Callable[[], RenderableType]]:
    makers: dict[str, Callable[[], RenderableType]] = {
        what: partial(_role, catalogue, role) for what, role in _ROLES.items()
    }
    makers |= {"datasets": partial(_datasets, catalogue), "data": partial(_data, catalogue)}
    for protocol, options in catalogue.choices.items():
        if protocol is BaseOverlay:  # these are overlays, too
            continue
        makers[_plural(protocol.__name__)] = partial(_classes, catalogue, options)
    makers |= {name: partial(_profiles, name) for name in _PROFILES}
    makers |= {"laws": _laws, "availabilities": _availabilities, "topologies": partial(_topologies, catalogue)}
    return makers


def _role(catalogue: Catalogue, role: Role) -> RenderableType:
    known = catalogue.kinds[role]
    packages = {name: known.package(name) for name in known} if isinstance(known, Plugins) else {}
    return Group(*(_one(catalogue, known, name, packages.get(name, "")) for name in known))


def _one(catalogue: Catalogue, known: Mapping[str, Kind], name: str, package: str) -> RenderableType:
    """A kind; or what is wrong with it, where a package brings something that cannot be used."""
    try:
        return _kind(catalogue, name, known[name], package)
    except FedsimError as error:
        return _entry(name, "cannot be used", [("because", str(error))])


def _kind(catalogue: Catalogue, name: str, kind: Kind, package: str = "") -> RenderableType:
    extra = [("family", kind.family)] if kind.family else []
    extra += [("models", ", ".join(kind.models))] if kind.models else []
    extra += [("package", package)] if package else []
    extra += _source(kind.type)
    return _entry(name, _first_line(kind.type), [*extra, *_keys(catalogue, kind.type, kind.provided)])


def _classes(catalogue: Catalogue, options: Mapping[str, type[Any]]) -> RenderableType:
    entries = (
        _entry(name, _first_line(cls), [*_source(cls), *_keys(catalogue, cls, {})]) for name, cls in options.items()
    )
    return Group(*entries)


def _source(cls: type[Any]) -> list[tuple[str, str]]:
    """The paper of what has one of its own."""
    return [("source", cls.source)] if hasattr(cls, "source") else []


def _keys(catalogue: Catalogue, cls: type[Any], provided: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for key, default in block_keys(cls, catalogue.choices, provided).items():
        yield key, "(must be given)" if default is MISSING else _flow(default)


def _data(catalogue: Catalogue) -> RenderableType:
    """Data of every kind, and the ways to share them out."""
    headings = (
        ("Sets", _sets(catalogue)),
        ("Files of one's own, in the data folder", _of_kinds(catalogue, FILES)),
        ("Generators, whose data are on devices from the start", _of_kinds(catalogue, GENERATED)),
        ("No data, only their numbers", _of_kinds(catalogue, ("counts",))),
        ("Relations of linear-tasks", _classes(catalogue, catalogue.choices[Relation])),
        ("Partitions", _classes(catalogue, catalogue.choices[Partition])),
    )
    parts: list[RenderableType] = [_entry("Data folder", f"what {VARIABLE} names, or 'folder'", [])]
    for heading, entries in headings:
        parts += [Text(), heading_line(heading), Padding(entries, (0, 0, 0, 2))]
    return Group(*parts)


def _datasets(catalogue: Catalogue) -> RenderableType:
    return Group(_sets(catalogue), _of_kinds(catalogue, (*FILES, *GENERATED, "counts")))


def _sets(catalogue: Catalogue) -> RenderableType:
    """Sets with a name: those that come with scikit-learn, and those that are looked for in the data folder."""
    known = {**NPZ, "mnist": MNIST}
    bundled = [_dataset(catalogue, name) for name in datasets.BUNDLED]
    return Group(*bundled, *(_stored(catalogue, name, what) for name, what in known.items()))


def _of_kinds(catalogue: Catalogue, names: Iterable[str]) -> RenderableType:
    return Group(*(_kind(catalogue, name, catalogue.kinds["data"][name]) for name in names))


def _dataset(catalogue: Catalogue, name: str) -> RenderableType:
    data = datasets.load(name)
    size = f"{len(data.y):,} rows, {data.features} features, {data.classes or 'no'} classes"
    keys = _keys(catalogue, catalogue.kinds["data"][name].type, {})
    return _entry(name, size, [("source", "comes with scikit-learn"), *keys])


def _stored(catalogue: Catalogue, name: str, what: Known) -> RenderableType:
    keys = _keys(catalogue, catalogue.kinds["data"][name].type, {})
    return _entry(name, what.about, [("source", what.source), ("if missing", what.get), *keys])


def _profiles(what: str) -> RenderableType:
    table = read_yaml(Path(profiles.__file__).with_name("profiles.yaml"))
    rows = table[what]
    used = {evidence.split()[-1] for row in rows.values() for _, _, evidence in _numbers(row)}
    sources = [(name, text) for name, text in table["sources"].items() if name in used]
    entries = [_profile(name, row) for name, row in rows.items()]
    return Group(*entries, _entry("Evidence", "", _EVIDENCE), _entry("Sources", "", sources))


def _profile(name: str, row: Mapping[str, Any]) -> RenderableType:
    lines = [(key, f"{number}  [{evidence}]") for key, number, evidence in _numbers(row)]
    plain = [(key, _flow(value)) for key, value in row.items() if isinstance(value, (str, bool)) and key != "example"]
    return _entry(name, row.get("example", ""), [*plain, *lines])


def _numbers(row: Any, key: str = "") -> Iterable[tuple[str, str, str]]:
    """Every number below ``row``: its key path, itself, and its evidence."""
    if isinstance(row, Mapping):
        for name, value in row.items():
            yield from _numbers(value, f"{key} {name}".strip())
    elif isinstance(row, list) and len(row) == 2 and isinstance(row[1], str):
        yield key, str(row[0]), row[1]
    elif isinstance(row, list):
        for number, value in enumerate(row, start=1):
            yield from _numbers(value, f"{key} {number}")


def _laws() -> RenderableType:
    entries = [_entry(law.name, law.about, [("example", law.example)]) for law in LAW_WORDS]
    names = ", ".join(distributions())
    return Group(*entries, _entry("scipy names", "", [("continuous", names)]))


def _availabilities() -> RenderableType:
    return Group(
        _entry("always", "There whenever it has charge.", []),
        *(_availability(name, found) for name, found in AVAILABILITIES.items()),
        _entry("Sources", "", AVAILABILITY_SOURCES.items()),
    )


def _availability(name: str, found: Availability) -> RenderableType:
    rows = [(key, _flow(write_law(law, "s"))) for key, law in (("stay", found.stay_s), ("away", found.away_s))]
    share = found.stay_s.mean / (found.stay_s.mean + found.away_s.mean)
    return _entry(name, "", [*rows, ("there", f"{100 * share:.0f} % of the time in the long run")])


def _topologies(catalogue: Catalogue) -> RenderableType:
    if not _TOPOLOGIES.is_dir():
        raise FedsimError(f"there is no folder {str(_TOPOLOGIES)!r} here")
    return Group(*(_topology(path, catalogue) for path in sorted(_TOPOLOGIES.glob("*.yaml"))))


def _topology(path: Path, catalogue: Catalogue) -> RenderableType:
    topology = read_underlay(path, 0, catalogue)
    places: dict[str, list[str]] = {}
    for node, row in topology.graph.nodes(data=True):
        places.setdefault(row["kind"], []).append(node)
    size = f"{len(topology.graph)} nodes, {len(topology.pairs())} links"
    rows = [("size", size), *((kind, ", ".join(at)) for kind, at in places.items())]
    sets = ", ".join(topology.attachments)
    return _entry(str(path), topology.about, [*rows, *([("attachments", sets)] if sets else [])])


def _entry(name: str, what: str, rows: Iterable[tuple[str, str]]) -> RenderableType:
    fits = len(name) + len(what) <= _SHORT
    parts: list[RenderableType] = [Text.assemble((name, "bold"), f"  {what}" if fits else "")]
    parts += [] if fits else [Padding(Text(what), (0, 0, 0, 2))]
    listed = list(rows)
    parts += [facts(listed)] if listed else []
    return Group(*parts)


def _first_line(cls: type[Any]) -> str:
    return (inspect.getdoc(cls) or "").split("\n", 1)[0].replace("``", "")


def _flow(value: Any) -> str:
    """A value as it would stand in a scenario file."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000, sort_keys=False)
    return text.removesuffix("...\n").strip()


def _plural(name: str) -> str:
    return {"Affinity": "affinities", "DualLoss": "losses", "Mixing": "mixing", "Staleness": "stalenesses"}.get(
        name, f"{name.lower()}s"
    )
