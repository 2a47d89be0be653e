"""What was simulated, by what, and what differs among the scenarios."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from fedsim.report.page.page import Source
from fedsim.report.page.section import Section
from fedsim.report.page.subject import Subject
from fedsim.report.page.table import Table, words
from fedsim.scenario import fingerprint, resolved

_MOST_LINES: Final = 600
_MOST_DIFFERENCES: Final = 40
_SAME: Final = ("name", "seed")


def differences_table(subject: Subject, names: tuple[str, ...]) -> Table | None:
    """The keys that differ where at least two scenarios have them; None where there are none.

    What a block of another kind has of its own is not among them.
    """
    flat = {name: dict(_flat(_words(subject, name), "")) for name in names}
    keys = list(dict.fromkeys(key for of_one in flat.values() for key in of_one))
    rows = []
    for key in keys:
        values = [of_one.get(key) for of_one in flat.values()]
        if len({value for value in values if value is not None}) > 1 and key not in _SAME:
            rows.append((key, *values))
    if len(names) < 2 or not rows:
        return None
    more = (
        f"{_MOST_DIFFERENCES} of {len(rows)} keys"
        if len(rows) > _MOST_DIFFERENCES
        else "Keys that only one has are not listed"
    )
    shown = tuple(rows[:_MOST_DIFFERENCES])
    return Table(caption="What differs", columns=words("key", *names), rows=shown, more=more)


def origin_section(subject: Subject, names: tuple[str, ...]) -> Section:
    """Seeds, fingerprints, versions."""
    runs = Table(
        caption="Runs",
        columns=words("scenario", "seeds", "fedsim", "fingerprint of the scenario"),
        rows=tuple(
            (
                name,
                ", ".join(str(run.seed) for run in subject.runs(name)),
                subject.runs(name)[0].summary.version,
                fingerprint(subject.runs(name)[0].scenario)[:16],
            )
            for name in names
        ),
    )
    versions = subject.words.get("versions", {})
    rows = (
        tuple((str(name), str(version)) for name, version in versions.items()) if isinstance(versions, Mapping) else ()
    )
    tables = (runs, Table(caption="Versions", columns=words("what", "version"), rows=rows)) if rows else (runs,)
    text = "A scenario and a seed give the same events, byte for byte. The fingerprint is that of the resolved scenario without its seed."
    return Section(name="origin", title="How this was made", text=(text,), tables=tables)


def sources(subject: Subject, names: tuple[str, ...]) -> tuple[Source, ...]:
    """The resolved scenario of each first seed."""
    return tuple(
        Source(name=f"{name}.yaml", text=_shortened(resolved(subject.runs(name)[0].scenario))) for name in names
    )


def _shortened(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= _MOST_LINES:
        return text
    return "\n".join([*lines[:_MOST_LINES], f"# ... {len(lines) - _MOST_LINES:,} more lines are in scenario.yaml"])


def _words(subject: Subject, name: str) -> Any:
    return yaml.safe_load(resolved(subject.runs(name)[0].scenario))


def _flat(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every leaf by its path; items of lists go by their name where they have one."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            key = item.get("name", number) if isinstance(item, Mapping) else number
            yield from _flat(item, f"{path}.{key}")
    else:
        yield path, yaml.safe_dump(value, default_flow_style=True, width=10**6).removesuffix("...\n").strip()
