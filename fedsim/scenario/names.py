"""Types of the schema's fields that hold a name; which names there are is said by the context of the validation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationInfo, WithJsonSchema
from pydantic_core import core_schema

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.learners.compressed import Compression
from fedsim.scenario.block import read_block, write_block
from fedsim.scenario.catalogue import Catalogue, Part, Role
from fedsim.scenario.definitions import any_of, array, to
from fedsim.scenario.refusal import Refused, refuse
from fedsim.scenario.underlay import write_underlay
from fedsim.system.profiles import Profiles
from fedsim.system.topology import Topology


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a scenario may name. ``topology`` is None where the topology has mistakes of its own."""

    catalogue: Catalogue
    profiles: Profiles
    topology: Topology | None


def known(info: Any) -> Known:
    """The context of a validation or serialisation."""
    if not isinstance(info.context, Known):
        raise FedsimError("a scenario is made by load() or check(), which know the names that it may use")
    return info.context


def _one_of(what: str, names: Callable[[Known], Iterable[str] | None]) -> AfterValidator:
    def check(name: str, info: ValidationInfo) -> str:
        listed = names(known(info))
        if listed is not None and name not in set(listed):
            raise refuse(problems.unknown(name, what, listed))
        return name

    return AfterValidator(check)


def _places(there: Known) -> Iterable[str] | None:
    return None if there.topology is None else list(there.topology.graph)


@dataclass(frozen=True, slots=True)
class InWords:
    """Tells pydantic how a field is read and written, given what is known, and to leave its type alone."""

    read: Callable[[Any, Known], Any]
    write: Callable[[Any, Known], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            lambda words, info: self.read(words, known(info)),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value, info: self.write(value, known(info)), info_arg=True
            ),
        )


def _spread(words: Any, info: ValidationInfo) -> Any:
    """A list of nodes for a node, an attachment, or a list of these; each once, in order."""
    topology = known(info).topology
    listed = [words] if isinstance(words, str) else words
    if topology is None or not isinstance(listed, (list, tuple)):
        return listed
    spread: list[Any] = []
    for index, name in enumerate(listed):
        nodes = topology.attachments.get(name, (name,)) if isinstance(name, str) else (name,)
        if isinstance(name, str) and nodes == (name,) and name not in topology.graph:
            rule = problems.unknown(name, "place in the topology", [*topology.attachments, *topology.graph])
            raise Refused([(() if isinstance(words, str) else (index,), rule)])
        spread += [node for node in nodes if node not in spread]
    return spread


def _topology(there: Known) -> Topology:
    if there.topology is None:
        raise Refused([])  # the reader of topologies has said what is wrong with it
    return there.topology


def _part(role: Role) -> InWords:
    return InWords(
        read=lambda words, there: there.catalogue.read(role, words),
        write=lambda part, there: there.catalogue.write(part),
    )


_TEXT = StringConstraints(strict=True)
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
_WORD = {"type": "string"}
Place = Annotated[str, _TEXT, _one_of("place in the topology", _places)]
Places = Annotated[
    tuple[Place, ...],
    BeforeValidator(_spread),
    Field(min_length=1),
    WithJsonSchema(any_of(_WORD, {**array(_WORD), "minItems": 1})),
]
DeviceName = Annotated[
    str, _TEXT, _one_of("device", lambda there: there.profiles.devices), WithJsonSchema(to("device-name"))
]
LinkName = Annotated[str, _TEXT, _one_of("link", lambda there: there.profiles.links), WithJsonSchema(to("link-name"))]
RadioName = Annotated[
    str, _TEXT, _one_of("radio", lambda there: there.profiles.radios), WithJsonSchema(to("radio-name"))
]
Network = Annotated[
    Topology,
    InWords(
        read=lambda _, there: _topology(there),
        write=lambda topology, there: write_underlay(topology, there.catalogue),
    ),
    WithJsonSchema(to("topology")),
]
Data = Annotated[Part, _part("data"), WithJsonSchema(to("data"))]
Model = Annotated[Part, _part("model"), WithJsonSchema(to("model"))]
Learner = Annotated[Part, _part("learner"), WithJsonSchema(to("learner"))]
Protocol = Annotated[Part, _part("protocol"), WithJsonSchema(to("protocol"))]
Codecs = Annotated[
    Compression,
    InWords(
        read=lambda words, there: read_block(Compression, {} if words is None else words, there.catalogue.choices),
        write=lambda compression, there: write_block(compression, there.catalogue.choices),
    ),
    WithJsonSchema(any_of(to("compression"), {"type": "null"})),
]
