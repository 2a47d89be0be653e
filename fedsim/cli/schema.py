"""``fedsim schema``."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import typer

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.scenario.catalogue import Catalogue, standard_catalogue
from fedsim.scenario.json_schema import scenario_schema, study_schema, topology_schema

SCHEMAS: Final[Mapping[str, Callable[[Catalogue], dict[str, Any]]]] = {
    "scenario": scenario_schema,
    "study": study_schema,
    "topology": topology_schema,
}


def print_schema(what: str) -> None:
    """Print the JSON Schema of a kind of file.

    Raises:
        FedsimError: if there is no such kind.
    """
    if what not in SCHEMAS:
        raise FedsimError(unknown(what, "schema", SCHEMAS))
    typer.echo(json.dumps(SCHEMAS[what](standard_catalogue()), indent=1, ensure_ascii=False))
