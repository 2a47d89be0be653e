"""What a study file may say, checked: scenarios, what varies, seeds, and what is looked at."""

import math
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from fedsim import problems
from fedsim.problems import Mistakes, key_path
from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_name
from fedsim.scenario.definitions import Json, any_of, array, one_of_names
from fedsim.scenario.kind_of_file import refuse_scenario
from fedsim.scenario.names import Name
from fedsim.scenario.refusal import Mistake, Refused, mistakes_in, refuse
from fedsim.scenario.schema import Seed
from fedsim.scenario.variation import MOST_VALUES, Listed, Variation, read_variation, variation_shape
from fedsim.yamlfile import read_yaml

MOST_POINTS = MOST_VALUES
MOST_RUNS = 100_000
MOST_SEED = 2**63 - 1
_LABEL = re.compile(r"[^A-Za-z0-9_-]+")
_TAKEN = {"seed": "say how many, or which, in 'seeds'", "name": "a point is named by its label"}
_EQUAL = ("stop", "evaluate.every")
"""What is the same for all runs on equal terms, and therefore cannot vary."""

_TERMS = ("equal", "own")
_SEEDS: Json = any_of({"type": "integer", "minimum": 1, "maximum": MOST_RUNS}, array({"type": "integer", "minimum": 0}))

Text = Annotated[str, Strict()]
Path_ = Annotated[str, Strict(), Field(min_length=1)]
Settings = dict[Path_, Any]
Varies = Annotated[Variation, PlainValidator(read_variation), WithJsonSchema(variation_shape())]


def _seeds(words: Any) -> int | tuple[int, ...]:
    if type(words) is int and 1 <= words <= MOST_RUNS:
        return words
    if not isinstance(words, list):
        raise refuse(f"must be a whole number from 1 to {MOST_RUNS:,}, or a list of seeds, got {problems.shown(words)}")
    broken: list[Mistake] = [
        ((i,), f"must be a whole number >= 0, got {problems.shown(seed)}")
        for i, seed in enumerate(words)
        if type(seed) is not int or not 0 <= seed <= MOST_SEED
    ]
    if broken:
        raise Refused(broken)
    if not words or len(set(words)) < len(words):
        raise refuse(f"must be different, and at least one, got {problems.shown(words)}")
    return tuple(words)


def _quantity(words: Any) -> Any:
    if words is None or (isinstance(words, (int, float, str)) and not isinstance(words, bool)):
        return words
    raise refuse(f"must be a number or a share such as '85 %', got {problems.shown(words)}")


def _or_its_file(found: Json) -> None:
    """A file without a label is labelled by its name."""
    del found["required"]


class Variant(Checked):
    """A scenario by name: a file, and what is set in it."""

    model_config = ConfigDict(json_schema_extra=_or_its_file)

    label: Name
    """What it is called in tables and folders; the file's name where there is one."""
    file: Path_ | None = None
    """The scenario's file, relative to the study's; null for the study's own scenario."""
    set_: Settings = Field(default_factory=dict, alias="set")
    """What is changed in it, by key path."""

    @model_validator(mode="before")
    @classmethod
    def _label_it(cls, words: Any) -> Any:
        if isinstance(words, Mapping) and "label" not in words and isinstance(words.get("file"), str):
            return {"label": label_of(words["file"]), **words}
        return words


class Sample(Checked):
    """How many samples of what is drawn, and how: independent draws, or one in each of as many equal parts."""

    random: Annotated[int, Strict(), Field(ge=1, le=MOST_POINTS)] | None = None
    """So many independent draws."""
    latin_hypercube: Annotated[int, Strict(), Field(ge=1, le=MOST_POINTS)] | None = None
    """So many draws, one in each of as many equal parts of every law."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.random is None) == (self.latin_hypercube is None):
            raise refuse("must have one key, random or latin_hypercube, with the number of samples")
        return self

    @property
    def number(self) -> int:
        """How many samples."""
        return self.random or self.latin_hypercube or 0


def _variant_words(words: Any) -> Any:
    if not isinstance(words, list):
        return words
    return [{"file": item} if isinstance(item, str) else item for item in words]


def _or_files(found: Json) -> None:
    """A scenario among several may be a file alone."""
    variants: Json = found["properties"]["scenarios"]
    variants["items"] = any_of({"type": "string"}, variants["items"])


class StudyFile(Checked):
    """A study as its file has it; paths in it are still as written, relative to the file.

    ``question`` is what it asks and ``shows`` what it found, for people. Every point runs with every seed: with so
    many from the first scenario's own on, or with those that are listed. On ``equal`` terms all runs go on to the same
    simulated time and are evaluated at the same instants, as ``fedsim compare`` does it; on their ``own``, each stops
    and is evaluated as its scenario says.
    """

    model_config = ConfigDict(json_schema_extra=_or_files)

    name: Name
    """What it is called in results."""
    question: Text = ""
    """What it asks, in a sentence."""
    shows: Text = ""
    """What it found, in one to three sentences."""
    scenario: Path_ | None = None
    """The scenario's file, relative to this one; this or scenarios must be given."""
    scenarios: Annotated[tuple[Variant, ...], BeforeValidator(_variant_words)] = ()
    """Several scenarios: files, or mappings with a label."""
    set_: Settings = Field(default_factory=dict, alias="set")
    """What is changed in all of them, by key path."""
    vary: dict[Path_, Varies] = Field(default_factory=dict)
    """What varies, by key path: a list of values, or a mapping with one key that says how they are spaced or drawn."""
    sample: Sample | None = None
    """How many samples of what is drawn; null where nothing is."""
    sample_seed: Seed = 0
    """Luck of the samples."""
    seeds: Annotated[int | tuple[int, ...], PlainValidator(_seeds), WithJsonSchema(_SEEDS)] = 5
    """How many runs of each point, from the first scenario's own seed on; or a list of seeds."""
    metric: Text | None = None
    """What is compared; null for the first scenario's own."""
    target: Annotated[Any, PlainValidator(_quantity), WithJsonSchema({"type": ["number", "string", "null"]})] = None
    """Quality to be reached; null for the first scenario's own."""
    terms: Annotated[str, PlainValidator(partial(read_name, "word", _TERMS)), WithJsonSchema(one_of_names(_TERMS))] = (
        "equal"
    )
    """equal: all run to the same simulated time, evaluated at the same instants; own: each as its scenario says."""

    @field_validator("set_", "vary")
    @classmethod
    def _check_paths(cls, settings: dict[str, Any]) -> dict[str, Any]:
        broken: list[Mistake] = [((path,), f"cannot be set: {_TAKEN[path]}") for path in settings if path in _TAKEN]
        listed = list(settings)
        for i, path in enumerate(listed):
            below = next((other for other in listed[:i] if other.startswith(f"{path}.")), None)
            if below is not None:
                broken.append(((path,), f"would replace what {below!r} sets: put it first"))
        if broken:
            raise Refused(broken)
        return settings

    @model_validator(mode="after")
    def _has_scenarios(self) -> Self:
        broken: list[Mistake] = []
        if self.scenario is None and not self.scenarios:
            broken.append(((), "has nothing to run: give 'scenario: FILE', or several under 'scenarios'"))
        labels = [variant.label for variant in self.scenarios]
        for i, variant in enumerate(self.scenarios):
            if variant.file is None and self.scenario is None:
                broken.append((("scenarios", i, "file"), "is missing, and there is no 'scenario' that it could be of"))
            if variant.label in labels[:i]:
                broken.append((("scenarios", i, "label"), f"{variant.label!r} is the label of an earlier one"))
        if broken:
            raise Refused(broken)
        return self

    @model_validator(mode="after")
    def _can_be_varied(self) -> Self:
        drawn = [path for path, one in self.vary.items() if not isinstance(one, Listed)]
        broken: list[Mistake] = []
        if drawn and self.sample is None:
            rule = "is drawn: say how many samples in 'sample', such as {random: 20} or {latin_hypercube: 20}"
            broken += [(("vary", path), rule) for path in drawn]
        if self.sample is not None and not drawn:
            broken.append((("sample",), "has nothing to draw: nothing under 'vary' is a law; lists are crossed"))
        rule = "is the same for all runs on equal terms: say 'terms: own' to vary it"
        varied = [path for path in self.vary if self.terms == "equal" and path.startswith(_EQUAL)]
        broken += [(("vary", path), rule) for path in varied]
        if broken:
            raise Refused(broken)
        return self

    @model_validator(mode="after")
    def _is_not_endless(self) -> Self:
        points = max(1, len(self.scenarios)) * math.prod(
            len(one.values) for one in self.vary.values() if isinstance(one, Listed)
        )
        points *= 1 if self.sample is None else self.sample.number
        if points > MOST_POINTS:
            raise refuse(f"has {points:,} points, and may have {MOST_POINTS:,}: sample them instead of crossing all")
        if points * self.seed_count > MOST_RUNS:
            raise refuse(f"has {points * self.seed_count:,} runs, and may have {MOST_RUNS:,}")
        return self

    @property
    def seed_count(self) -> int:
        """How many runs of each point."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The scenarios by name, each with its file; one that stands alone is named after it."""
        if not self.scenarios:
            return (Variant(label=label_of(self.scenario or ""), file=self.scenario),)
        return tuple(variant.model_copy(update={"file": variant.file or self.scenario}) for variant in self.scenarios)


def read_study_file(path: str | Path) -> StudyFile:
    """The words of a study file, checked by themselves; the scenarios are not looked at.

    Raises:
        ScenarioError: a line for every mistake: file, key path, value, rule, nearest valid name.
    """
    words = read_yaml(Path(path))
    refuse_scenario(words, str(path))
    return check_study(words, str(path))


def check_study(words: Any, source: str) -> StudyFile:
    """The study in a mapping such as a file holds; messages call it ``source``."""
    try:
        return StudyFile.model_validate(words)
    except ValidationError as error:
        mistakes = Mistakes()
        for keys, rule in mistakes_in(error, StudyFile):
            mistakes.add(source, key_path(keys), rule)
        raise mistakes.error() from None


def label_of(file: str) -> str:
    """The name of a file without its ending, as a label."""
    return _LABEL.sub("-", PurePath(file).stem).strip("-_") or "scenario"
