"""What a topology looks like in a file, as JSON Schema: written out, imported, or drawn by a generator."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fedsim.scenario.block import describe_block
from fedsim.scenario.codec import Choices, choice_shape
from fedsim.scenario.definitions import Definitions, Json, any_of, array, mapping, one_of_names, quantity
from fedsim.system.delay_rule import DELAY_RULES, MEDIA
from fedsim.system.generators.generator import Generator
from fedsim.system.imports.rules import ImportRules
from fedsim.system.topology import DUPLEX, KINDS

_WORD: Final[Json] = {"type": "string"}


def topology_shape(choices: Choices, defs: Definitions) -> Json:
    """One of the three ways."""
    drawn = partial(_drawn, choices=choices, defs=defs)
    generators = choice_shape("generator", choices.get(Generator, {}), drawn, defs)["anyOf"][1:]
    return any_of(_written(defs), _imported(choices, defs), *generators)


def _drawn(cls: type[Any], name: str, *, choices: Choices, defs: Definitions) -> Json:
    found = describe_block(cls, choices, defs, name=name)
    return _led_by(found, "generate", {**found["properties"].pop("name"), "description": "The generator's name."})


def _imported(choices: Choices, defs: Definitions) -> Json:
    text = "A GraphML, GML, node-link JSON, SNDlib XML or CSV file, or a folder of CSV; relative to this file."
    return defs.ref(
        "topology.imported",
        "topology.imported",
        lambda: _led_by(describe_block(ImportRules, choices, defs), "import", {**_WORD, "description": text}),
    )


def _led_by(found: Json, key: str, shape: Json) -> Json:
    """The same with this key at the head, in place of a name."""
    required = [key, *(other for other in found.get("required", ()) if other != "name")]
    return {**found, "properties": {key: shape, **found["properties"]}, "required": required}


def _written(defs: Definitions) -> Json:
    """All nodes and links, one by one; see ``fedsim.system.topology_file``."""
    rule_keys = {
        "route_factor": _said(quantity("1"), "How much longer a cable is than the way as the crow flies.", 1.5),
        "site": _said(quantity("s"), "What each end of a link adds.", "0 s"),
    }
    text = "From the distance of a link's ends to its delay."
    rule = defs.ref("topology-delay-rule", "topology-delay-rule", lambda: {"description": text, **mapping(rule_keys)})
    places = any_of(array({"type": "number"}), array(_WORD))
    keys = {
        "kind": _said(one_of_names(KINDS), "What stands there."),
        "place": _said(places, "[48.14, 11.58] in degrees north and east, or [120 m, 40 m] on a plan."),
    }
    node = {"description": "A place of the topology.", **mapping(keys, ["kind"])}
    node_ref = defs.ref("topology-node", "topology-node", lambda: node)
    link_ref = defs.ref("topology-link", "topology-link", _link)
    nodes = {"type": "object", "additionalProperties": node_ref, "minProperties": 1}
    sets = {"type": "object", "additionalProperties": {**array(_WORD), "minItems": 1}}
    shapes: Mapping[str, Json] = {
        "name": _said(_WORD, "What it is called in results."),
        "about": _said(_WORD, "What it stands for, in a sentence."),
        "delay_rule": _said(any_of(one_of_names(DELAY_RULES), rule), "From a link's length to its delay.", "typical"),
        "nodes": _said(nodes, "Each place by its name."),
        "links": _said(array(link_ref), "What joins the places: all of them must be connected."),
        "attachments": _said(sets, "Names for sets of nodes, for a group's `at`."),
    }
    return {
        "title": "topology",
        "description": "A network, node by node.",
        **mapping(shapes, ["name", "nodes", "links"]),
    }


def _link() -> Json:
    found = mapping(
        {
            "from": _said(_WORD, "One end."),
            "to": _said(_WORD, "The other end."),
            "capacity": _said(_both("bit/s"), "Of each way; {forward: ..., back: ...} where they differ. > 0."),
            "delay": _said(_both("s"), "One way; by default that of the length, or of the ends' distance."),
            "length": _said(quantity("m"), "Of the cable as the crow flies, in place of a delay."),
            "loss": _said(_both("1"), "Share of packets that never arrive, below 100 %.", 0),
            "medium": _said(one_of_names(MEDIA), "What it is made of: how fast a signal goes.", MEDIA[0]),
            "duplex": _said(one_of_names(DUPLEX), "half: both ways share one medium.", DUPLEX[0]),
        },
        ["from", "to", "capacity"],
    )
    return {"description": "A link of the topology, for both ways.", **found}


def _both(unit: str) -> Json:
    return any_of(quantity(unit), mapping({"forward": quantity(unit), "back": quantity(unit)}, ["forward", "back"]))


def _said(shape: Json, description: str, default: Any = None) -> Json:
    found = {**shape, "description": description}
    return found if default is None else {**found, "default": default}
