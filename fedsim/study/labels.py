"""Short names of a study's points, made of what varies: ``mocha-cohort-5-deadline-3s``.

They are names of folders: letters, digits, ``.``, ``_`` and ``-``. One more value in a list changes no label, unless
its own would be the same as another's.
"""

import hashlib
import json
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

_LONGEST: Final = 80
_SPEAK_FOR_THEMSELVES: Final = {"data", "learner", "model", "protocol", "topology"}
"""Keys whose values are names that need no key before them."""

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_FILE: Final = re.compile(r"\.(ya?ml|json|csv|xml|gml|graphml)$")


def labels(variants: Sequence[str], points: Sequence[Mapping[str, Any]]) -> list[str]:
    """A label for each point: the name of its variant, empty where that goes without saying, and its values by key."""
    keys = list(points[0]) if points else []
    shorts = dict(zip(keys, short_keys(keys), strict=True))
    slugs = {key: _slugs([point[key] for point in points]) for key in keys}
    found = []
    for i, (variant, point) in enumerate(zip(variants, points, strict=True)):
        parts = [_part(key, shorts[key], slugs[key][i]) for key in point]
        found.append(_cut("-".join([*([variant] if variant else []), *parts]).strip("-."), variant, point))
    doubled = {label for label in found if found.count(label) > 1} if len(set(found)) < len(found) else set()
    marked = zip(found, variants, points, strict=True)
    return [f"{label}-{_mark(variant, point)}" if label in doubled else label for label, variant, point in marked]


def short_keys(keys: Sequence[str]) -> list[str]:
    """The last names of key paths, as many of them as tell the paths apart: ``cohort``, ``low-3g-link``."""
    names = [[name for name in key.split(".") if name != "*"] for key in keys]

    def short(i: int) -> str:
        lengths = range(1, len(names[i]) + 1)
        others = names[:i] + names[i + 1 :]
        length = next((n for n in lengths if all(other[-n:] != names[i][-n:] for other in others)), len(names[i]))
        return "-".join(names[i][-length:])

    return [short(i) for i in range(len(keys))]


def _part(key: str, short: str, slug: str) -> str:
    return slug if key in _SPEAK_FOR_THEMSELVES and slug[:1].isalpha() else f"{_safe(short)}-{slug}"


def _slugs(values: Sequence[Any]) -> list[str]:
    """What each value is called: by its name alone where that tells it apart from all others."""
    distinct = list({_text(value): value for value in values}.values())
    names = [_name(value) for value in distinct]
    called: dict[Hashable, str] = {
        _text(value): name if names.count(name) == 1 else _in_full(value)
        for value, name in zip(distinct, names, strict=True)
    }
    return [called[_text(value)] for value in values]


def _name(value: Any) -> str:
    if isinstance(value, Mapping):
        named = next((value[key] for key in ("name", "generate", "import") if isinstance(value.get(key), str)), None)
        return _in_full(value) if named is None else _name(named)
    if isinstance(value, (list, tuple)):
        return "-".join(map(_name, value))
    if isinstance(value, str):
        return _safe(PurePath(value).stem if _FILE.search(value) else re.sub(r"(?<=\d)\s+(?=\D)", "", value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return _safe(f"{value:.6g}" if isinstance(value, float) else repr(value))


def _in_full(value: Any) -> str:
    if isinstance(value, Mapping):
        return "-".join(
            _safe(f"{key}-{_in_full(inner)}" if key != "name" else str(inner)) for key, inner in value.items()
        )
    if isinstance(value, (list, tuple)):
        return "-".join(map(_in_full, value))
    return _safe(value) if isinstance(value, str) else _name(value)


def _safe(text: str) -> str:
    spoken = re.sub(r"^-(?=[\d.])", "minus", text.replace("%", "pct").replace(" ", ""))
    return _UNSAFE.sub("-", spoken).strip("-.") or "empty"


def _cut(label: str, variant: str, point: Mapping[str, Any]) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 7].rstrip('-.')}-{_mark(variant, point)}"


def _mark(variant: str, point: Mapping[str, Any]) -> str:
    """Six characters that tell this point from others."""
    return hashlib.sha256(_text([variant, dict(point)]).encode()).hexdigest()[:6]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
