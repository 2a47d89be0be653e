"""What was simulated, by what, and what differs among the scenarios."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from fedsim.report.page.page import Source
from fedsim.report.page.section import Section
from fedsim.report.page.table import Table, shortened, words
from fedsim.scenario import Scenario, fingerprint, resolved
from fedsim.study.comparison import Comparison

_MOST_LINES: Final = 600
_MOST_DIFFERENCES: Final = 40
_SAME: Final = ("name", "seed")


def differences_table(comparison: Comparison) -> Table | None:
    """The keys that differ where at least two scenarios have them; None where there are none.

    What a block of another kind has of its own is not among them.
    """
    flat = [dict(_flat(_words(runs[0].scenario), "")) for runs in comparison.results.values()]
    rows = []
    for key in dict.fromkeys(key for of_one in flat for key in of_one):
        values = [of_one.get(key) for of_one in flat]
        if len({value for value in values if value is not None}) > 1 and key not in _SAME:
            rows.append((key, *values))
    if not rows:
        return None
    notes = ("Keys that only one has are not listed.",)
    table = Table(caption="What differs", columns=words("key", *comparison.names), rows=tuple(rows), notes=notes)
    return shortened(table, _MOST_DIFFERENCES)


def origin_section(comparison: Comparison, versions: Any) -> Section:
    """Seeds, fingerprints, versions."""
    rows = []
    for name, runs in comparison.results.items():
        seeds = ", ".join(str(run.seed) for run in runs)
        rows.append((name, seeds, runs[0].summary.version, fingerprint(runs[0].scenario)[:16]))
    heads = words("scenario", "seeds", "fedsim", "fingerprint of the scenario")
    tables = [Table(caption="Runs", columns=heads, rows=tuple(rows))]
    if isinstance(versions, Mapping) and versions:
        listed = tuple((str(name), str(version)) for name, version in versions.items())
        tables.append(Table(caption="Versions", columns=words("what", "version"), rows=listed))
    text = (
        "A scenario and a seed give the same events, byte for byte. The fingerprint is that of the resolved scenario "
        "without its seed."
    )
    return Section(name="origin", title="How this was made", text=(text,), tables=tuple(tables))


def sources(comparison: Comparison) -> tuple[Source, ...]:
    """The resolved scenario of each first seed."""
    texts = {name: resolved(runs[0].scenario) for name, runs in comparison.results.items()}
    return tuple(Source(name=f"{name}.yaml", text=_shortened(text)) for name, text in texts.items())


def _shortened(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= _MOST_LINES:
        return text
    return "\n".join([*lines[:_MOST_LINES], f"# ... {len(lines) - _MOST_LINES:,} more lines are in scenario.yaml"])


def _words(scenario: Scenario) -> Any:
    return yaml.safe_load(resolved(scenario))


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
