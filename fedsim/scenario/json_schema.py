"""The JSON Schema of scenario files: what an editor needs to complete them, from the types that read them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from fedsim.errors import FedsimError
from fedsim.learners.compressed import Compression
from fedsim.scenario.block import describe_block
from fedsim.scenario.blocks import PLUGS
from fedsim.scenario.catalogue import Catalogue, Kind, Role
from fedsim.scenario.codec import choice_shape
from fedsim.scenario.comings import Conditions, Habit, Replay
from fedsim.scenario.definitions import Definitions, Json, any_of, mapping, one_of_names, quantities, quantity, to
from fedsim.scenario.law_shape import law_shape
from fedsim.scenario.model_shape import model_ref, model_shape
from fedsim.scenario.names import Known
from fedsim.scenario.network import DEFAULT
from fedsim.scenario.rate import FadingRate
from fedsim.scenario.replayed_rate import ReplayedRate
from fedsim.scenario.schema import Scenario
from fedsim.scenario.study_file import StudyFile
from fedsim.scenario.topology_shape import topology_shape
from fedsim.system.availability import AVAILABILITIES
from fedsim.system.battery import Charging
from fedsim.system.chip import Chip
from fedsim.system.profiles import Profiles, load_profiles
from fedsim.system.retry import Retry
from fedsim.system.takes_part import TakesPart

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ROLES: Final[tuple[Role, ...]] = ("data", "model", "learner", "protocol")
_LAWS: Final = ("1", "s", "bit/s", "flop/s")
"""Units of the laws in the schema's own fields."""

_EXTENDS: Final = "Another scenario file, relative to this one, on top of which this one stands."
_MERGED: Final = "-over-another"
_WHOLE: Final = frozenset({"items", "prefixItems", "default", "examples", "enum"})
"""What is not merged: items of lists, which replace, and what is no schema."""


def scenario_schema(catalogue: Catalogue) -> Json:
    """What a scenario file may hold.

    A file that ``extends`` another may leave out whatever that one says, at any depth outside lists.
    """
    defs = Definitions()
    whole = _scenario(catalogue, load_profiles(), defs)
    made = {**quantities(), **defs.made, "scenario": whole}
    relaxed = _merging(made)
    made |= {f"{name}{_MERGED}": _over_another(made[name], relaxed) for name in list(made) if name in relaxed}
    top = {
        "$schema": DIALECT,
        "title": "A scenario of fedsim",
        "type": "object",
        "if": {"required": ["extends"]},
        "then": to(f"scenario{_MERGED}"),
        "else": to("scenario"),
    }
    return {**top, "$defs": _reachable(made, top)}


def study_schema(catalogue: Catalogue) -> Json:
    """What a study file may hold; what its scenarios make of the values is theirs to say."""
    defs, known = Definitions(), Known(catalogue=catalogue, profiles=load_profiles(), topology=None)
    top = model_shape(StudyFile, defs, known)
    return {"$schema": DIALECT, **top, "title": "A study of fedsim", "$defs": defs.made}


def topology_schema(catalogue: Catalogue) -> Json:
    """What a topology file may hold."""
    defs = Definitions()
    top = topology_shape(catalogue.choices, defs)
    made = {**quantities(), **defs.made}
    return {"$schema": DIALECT, **top, "title": "A topology of fedsim", "$defs": _reachable(made, top)}


def _scenario(catalogue: Catalogue, profiles: Profiles, defs: Definitions) -> Json:
    known = Known(catalogue=catalogue, profiles=profiles, topology=None)
    for unit in _LAWS:
        law_shape(unit, defs)
    found = model_shape(Scenario, defs, known)
    for name, make in _named(catalogue, profiles, known, defs).items():
        defs.ref(name, name, make)
    extends = {"type": "string", "description": _EXTENDS}
    return {**found, "properties": {"extends": extends, **found["properties"]}}


def _named(
    catalogue: Catalogue, profiles: Profiles, known: Known, defs: Definitions
) -> Mapping[str, Callable[[], Json]]:
    """What the fields of models refer to by name."""
    choices = catalogue.choices
    block = partial(describe_block, choices=choices, defs=defs)
    model = partial(model_ref, defs=defs, known=known)
    return {
        **{role: partial(_part, role, catalogue, defs) for role in _ROLES},
        "transport": partial(_transport, catalogue, defs),
        "topology": lambda: any_of({"type": "string"}, topology_shape(choices, defs)),
        "device-name": lambda: one_of_names(profiles.devices),
        "link-name": lambda: one_of_names(profiles.links),
        "radio-name": lambda: one_of_names(profiles.radios),
        "fading-shape": lambda: one_of_names(profiles.fading),
        "compression": lambda: block(Compression),
        "retry": lambda: block(Retry),
        "processor": lambda: _processor(block(Chip, choices={})),
        "charging": lambda: {**block(Charging, choices=PLUGS), "required": ["plug"]},
        "takes-part": lambda: block(TakesPart, choices={}),
        "rate": lambda: any_of(one_of_names(["constant", "fading"]), model(FadingRate), model(ReplayedRate)),
        "availability": lambda: any_of(
            one_of_names(["always", *AVAILABILITIES]), model(Habit), model(Conditions), model(Replay)
        ),
        "speed": lambda: _speed(profiles, defs),
    }


def _part(role: Role, catalogue: Catalogue, defs: Definitions) -> Json:
    """One of the names that the catalogue has for a role; a package's that cannot be imported is left out."""

    def describe(kind: Kind, name: str) -> Json:
        return describe_block(kind.type, catalogue.choices, defs, name=name, provided=kind.provided)

    return choice_shape(role, usable(catalogue.kinds[role]), describe, defs)


def usable(kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """Those kinds that can be had."""
    found: dict[str, Kind] = {}
    for name in kinds:
        with suppress(FedsimError):
            found[name] = kinds[name]
    return found


def _transport(catalogue: Catalogue, defs: Definitions) -> Json:
    """Without a name they are keys of the default."""
    nameless = describe_block(catalogue.kinds["transport"][DEFAULT].type, catalogue.choices, defs)
    return any_of(_part("transport", catalogue, defs), nameless)


def _processor(block: Json) -> Json:
    """Its steps may vary as the profile of the device says."""
    steps: Json = block["properties"]["step_cv"]
    said = {key: value for key, value in steps.items() if key != "$ref"}
    block["properties"]["step_cv"] = {**any_of({"const": "profile"}, quantity("1")), **said}
    return block


def _speed(profiles: Profiles, defs: Definitions) -> Json:
    """A law, a measured fleet by its name, or a file of measurements."""
    word: Json = {"type": "string"}
    measured = {"measured": {**one_of_names(profiles.speeds), "description": "A measured fleet: fedsim list speeds."}}
    rows = mapping(
        {
            "file": {**word, "description": "A CSV file with a header and a line for each device."},
            "column": {**word, "description": "The column that counts."},
            "unit": {**word, "description": "Its unit: of a speed, or of a time."},
            "work": {**quantity("flop"), "description": "The work that took the time."},
        },
        ["file", "column", "unit"],
    )
    return any_of(
        law_shape("flop/s", defs),
        mapping(measured, ["measured"]),
        mapping({"csv": {**rows, "description": "Your own measurements: a choice among the rows of a file."}}, ["csv"]),
    )


def _merging(made: Mapping[str, Json]) -> set[str]:
    """The definitions that differ where they are merged: in which, or below which, something must be given."""
    found: set[str] = set()
    while more := {name for name, shape in made.items() if name not in found and _over_another(shape, found) != shape}:
        found |= more
    return found


def _over_another(shape: Any, relaxed: Collection[str]) -> Any:
    """The shape of what is merged into another's words: nothing must be there, but in lists, which replace."""
    if isinstance(shape, list):
        return [_over_another(one, relaxed) for one in shape]
    if not isinstance(shape, dict):
        return shape
    found = {key: value if key in _WHOLE else _over_another(value, relaxed) for key, value in shape.items()}
    if isinstance(shape.get("required"), list):
        del found["required"]
    if "$ref" in shape:
        head, _, below = shape["$ref"].removeprefix("#/$defs/").partition("/")
        if head in relaxed:
            found["$ref"] = to(f"{head}{_MERGED}" + (f"/{below}" if below else ""))["$ref"]
    return found


def _reachable(made: Mapping[str, Json], start: Json) -> dict[str, Json]:
    """The definitions that something refers to, in the order in which they were made."""
    wanted: set[str] = set()
    waiting = list(_references(start))
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += _references(made[name])
    return {name: shape for name, shape in made.items() if name in wanted}


def _references(shape: Any) -> Iterator[str]:
    """Names of the definitions to which a schema refers."""
    for key, value in shape.items() if isinstance(shape, dict) else enumerate(shape):
        if key == "$ref" and isinstance(value, str):
            yield value.removeprefix("#/$defs/").split("/")[0]
        elif isinstance(value, (dict, list)):
            yield from _references(value)
