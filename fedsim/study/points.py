"""The points of a study: which scenario with which settings, each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from fedsim.scenario.study_file import StudyFile, Variant
from fedsim.scenario.variation import Listed
from fedsim.study.labels import labels
from fedsim.study.sampling import samples


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A point before its scenario is made: its name, the variant, and the values of what varies by key path."""

    label: str
    variant: Variant
    values: Mapping[str, Any]


def places(study: StudyFile) -> list[Place]:
    """Every point: variants, crossed with all lists, crossed with the samples; what is named last varies fastest."""
    values = [_in_order(study, {**crossed, **drawn}) for crossed in _crossed(study) for drawn in _drawn(study)]
    pairs = [(variant, point) for variant in study.variants for point in values]
    is_named = bool(study.scenarios) or not study.vary
    names = labels([variant.label if is_named else "" for variant, _ in pairs], [point for _, point in pairs])
    return [
        Place(label=name, variant=variant, values=point) for name, (variant, point) in zip(names, pairs, strict=True)
    ]


def _crossed(study: StudyFile) -> list[dict[str, Any]]:
    lists = {key: one.values for key, one in study.vary.items() if isinstance(one, Listed)}
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]


def _drawn(study: StudyFile) -> list[dict[str, Any]]:
    laws = {key: one for key, one in study.vary.items() if not isinstance(one, Listed)}
    return [{}] if study.sample is None else samples(laws, study.sample, study.sample_seed)


def _in_order(study: StudyFile, values: Mapping[str, Any]) -> dict[str, Any]:
    """As the file has them: later settings are made on top of earlier ones."""
    return {key: values[key] for key in study.vary}
