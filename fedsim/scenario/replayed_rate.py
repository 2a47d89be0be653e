"""Replayed rates in words: which traces of which file, for which direction."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from fedsim import problems, units
from fedsim.errors import ScenarioError
from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_quantity
from fedsim.scenario.definitions import Json, any_of, quantity, to
from fedsim.scenario.quantity import DelayLaw
from fedsim.scenario.refusal import Keys, Mistake, Refused, mistakes_in, refuse
from fedsim.system.course import NO_OFFSET, Lane
from fedsim.system.recording import Recording
from fedsim.system.replay import Replay
from fedsim.system.trace import Trace
from fedsim.system.trace_file import read_recording

_WAYS = ("up", "down")
_EACH = "each"


def _read_scale(words: Any) -> float | str:
    if words == "mean":
        return "mean"
    scale = read_quantity("1", words)
    if not 0 < scale < float("inf"):
        raise refuse(f"must be 'mean' or a finite number > 0, got {problems.shown(words)}")
    return scale


def _write_scale(scale: float | str) -> str:
    return scale if isinstance(scale, str) else units.show(scale, "1")


Text = Annotated[str, Strict()]
Scale = Annotated[
    float | Literal["mean"],
    PlainValidator(_read_scale),
    PlainSerializer(_write_scale),
    WithJsonSchema(any_of({"const": "mean"}, quantity("1"))),
]
TraceId = Annotated[
    Text,
    BeforeValidator(lambda words: str(words) if isinstance(words, int) and words is not True else words),
    WithJsonSchema({"type": ["string", "integer", "boolean"]}),
]


def _shared_by_both(found: Json) -> None:
    """A direction has what it leaves out from beside the directions."""
    del found["required"]


def _with_shared(found: Json) -> None:
    """Keys of a direction's trace may stand beside the directions, and a direction may keep its rate."""
    lane = "trace-of"
    shared = {key: to(f"{lane}/properties/{key}") for key in TraceOf.model_fields}
    ways = {way: {**any_of(to(lane), {"enum": ["constant", None]})} for way in _WAYS}
    own = found["properties"]
    said = {way: {**ways[way], "description": own[way]["description"], "default": None} for way in _WAYS}
    found["properties"] = {**shared, **own, **said}


class TraceOf(Checked):
    """The traces of one direction. ``id`` may be a pattern: the devices of the group then take its traces in turn.

    ``scale`` is a factor, or ``mean``: whatever gives each device the mean rate that it drew. ``digest`` is that of the
    file's content; where a scenario gives it, no other content will do.
    """

    model_config = ConfigDict(json_schema_extra=_shared_by_both)

    trace: Text
    """Path of a CSV file, relative to the scenario, or of a Mahimahi trace."""
    id: TraceId | None = None
    """Which of the file's traces: an id, a pattern, or each, which the devices take in turn; null where there is one.
"""
    column: Text | None = None
    """Which column; null for the one that says the direction."""
    scale: Scale = 1.0
    """A factor on the rates, or mean for whatever gives each device the mean rate that it drew."""
    digest: Text | None = None
    """Of the file's content; where it is given, no other content will do."""

    def traces(self, recording: Recording) -> dict[str, Trace]:
        """Those meant, by their ids."""
        return recording.pick("*" if self.id == _EACH else self.id, self.column or "")

    def check_digest(self, recording: Recording) -> None:
        """Raises ValueError if the file is not what it was."""
        if self.digest is not None and self.digest != recording.digest:
            raise ValueError(f"{self.trace} has changed: its digest is {recording.digest}, not {self.digest}")

    def from_anywhere(self) -> Self:
        """With the whole path of its file and its digest: what is shown loads from any folder, and means the same."""
        path = Path(self.trace).absolute()
        return self.model_copy(update={"trace": str(path), "digest": read_recording(path).digest})


class ReplayedRate(Checked):
    """What was recorded; a direction that has no trace keeps its rate."""

    model_config = ConfigDict(json_schema_extra=_with_shared)

    up: TraceOf | None = None
    """The way from the device: keys of a trace, constant for its mean rate, or null for the trace beside it."""
    down: TraceOf | None = None
    """The way to the device, likewise."""
    offset_s: DelayLaw = Field(default=NO_OFFSET, alias="offset")
    """How far into the trace a device starts, drawn for each."""
    loop: Annotated[bool, Strict()] = True
    """Whether the trace begins again at its end; otherwise its last rate stays."""


def make_lane(words: TraceOf | None) -> Lane | None:
    """The traces of one direction.

    Raises:
        ScenarioError: a file that has changed since it was checked.
    """
    if words is None:
        return None
    recording = read_recording(words.trace)
    try:
        words.check_digest(recording)
    except ValueError as error:
        raise ScenarioError(str(error)) from None
    traces = words.traces(recording)
    return Lane(traces=tuple(traces.values()), scale=None if words.scale == "mean" else float(words.scale))


def checked(model: Any, words: Any, info: ValidationInfo) -> Any:
    """Words as a pydantic model; raises Refused with every mistake in them."""
    try:
        return model.model_validate(words, context=info.context)
    except ValidationError as error:
        raise Refused(mistakes_in(error, model)) from None


def read_replay(words: Mapping[Any, Any], info: ValidationInfo) -> ReplayedRate | None:
    """A replayed rate, None where there are no traces; their keys beside ``up`` and ``down`` are those of both.

    Raises:
        Refused: with every mistake in the words.
    """
    both = {key: words[key] for key in TraceOf.model_fields if key in words}
    rest = {key: value for key, value in words.items() if key not in both}
    lanes = {way: {**both, **own} if isinstance(own := rest.get(way), Mapping) else own for way in _WAYS}
    asked = [way for way in _WAYS if isinstance(lanes[way], Mapping)]
    lanes |= {way: both for way in _WAYS if "trace" in both and lanes[way] is None}
    if not any(isinstance(lane, Mapping) for lane in lanes.values()):
        return None
    lanes = {way: None if lane == "constant" else lane for way, lane in lanes.items()}
    try:
        rate: ReplayedRate = checked(ReplayedRate, {**rest, **lanes}, info)
        return _with_columns(rate, asked)
    except Refused as refused:
        raise Refused(list(_as_written(refused.mistakes, words))) from None


def _as_written(mistakes: Iterable[Mistake], words: Mapping[Any, Any]) -> Iterable[Mistake]:
    """Mistakes where the words have them, each once."""
    found: dict[tuple[Keys, str], None] = {}
    for keys, rule in mistakes:
        own = words.get(keys[0]) if keys and keys[0] in _WAYS else None
        is_own = isinstance(own, Mapping) and len(keys) > 1 and (keys[1] in own or keys[1] not in words)
        is_shared = len(keys) > 1 and keys[0] in _WAYS and not is_own
        found[keys[1:] if is_shared else keys, rule] = None
    return found


def _with_columns(rate: ReplayedRate, asked: list[str]) -> ReplayedRate:
    """The rate with its columns named; directions that nobody asked for and no column serves are left out."""
    lanes = {way: _with_column(way, getattr(rate, way), must=way in asked) for way in _WAYS}
    if lanes["up"] is None and lanes["down"] is None:
        raise Refused([(("up", "trace"), "has no column for up or down: name a column")])
    for way, lane in lanes.items():
        _check_traces(way, lane, loop=rate.loop)
    return rate.model_copy(update={way: lane and lane.from_anywhere() for way, lane in lanes.items()})


def _with_column(way: str, lane: TraceOf | None, *, must: bool) -> TraceOf | None:
    if lane is None or lane.column is not None:
        return lane
    recording = _recording(way, lane)
    try:
        column = recording.column(way)
    except ValueError as error:
        raise Refused([((way, "column"), str(error))]) from None
    if column is None and must:
        columns = ", ".join(recording.columns)
        raise Refused([((way, "column"), f"is missing, and no column of {lane.trace} says {way} (it has {columns})")])
    return lane.model_copy(update={"column": column}) if column is not None else None


def _check_traces(way: str, lane: TraceOf | None, *, loop: bool) -> None:
    if lane is None:
        return
    recording = _recording(way, lane)
    try:
        lane.check_digest(recording)
    except ValueError as error:
        raise Refused([((way, "digest"), str(error))]) from None
    try:
        traces = lane.traces(recording)
    except ValueError as error:
        key = "column" if lane.column not in recording.columns else "id"
        raise Refused([((way, key), str(error))]) from None
    for name, trace in traces.items():
        try:
            Replay(trace, loop=loop)
        except ValueError as error:
            raise Refused([((way, "trace"), f"{lane.trace}: {name}: {error}".replace(": : ", ": "))]) from None


def _recording(way: str, lane: TraceOf) -> Recording:
    try:
        return read_recording(lane.trace)
    except ScenarioError as error:
        raise Refused([((way, "trace"), str(error))]) from None
