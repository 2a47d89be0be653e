"""From a folder of results to a page: which sections there are, and in which order."""

from collections.abc import Iterator

from fedsim.report.human import about
from fedsim.report.page.answer import answer
from fedsim.report.page.network_section import network_section
from fedsim.report.page.origin_section import differences_table, origin_section, sources
from fedsim.report.page.outcome_section import outcome_section
from fedsim.report.page.page import Page
from fedsim.report.page.participation_section import participation_section
from fedsim.report.page.quality_section import quality_section
from fedsim.report.page.section import Section
from fedsim.report.page.spending_section import spending_section
from fedsim.report.page.subject import Subject
from fedsim.report.page.table import Table
from fedsim.report.page.waste_section import waste_section
from fedsim.report.page.why_section import why_section
from fedsim.report.tables import goal_text


def compose(subject: Subject) -> Page:
    """Everything that a page says of a folder's runs."""
    names = subject.names
    return Page(
        kind=_kind(subject),
        title=_title(subject),
        shows=subject.text("shows"),
        answer=answer(subject),
        facts=tuple(_facts(subject)),
        sections=tuple(section for section in _sections(subject, names) if section is not None),
        sources=sources(subject, names),
    )


def _sections(subject: Subject, names: tuple[str, ...]) -> Iterator[Section | None]:
    results = outcome_section(subject, names)
    differences: Table | None = differences_table(subject, names)
    if differences is not None:
        yield Section(name="scenarios", title="What is compared", tables=(differences,))
    yield results
    yield quality_section(subject, names)
    yield why_section(subject, names)
    yield spending_section(subject, names)
    yield participation_section(subject, names)
    yield network_section(subject, names)
    yield waste_section(subject, names)
    yield origin_section(subject, names)


def _kind(subject: Subject) -> str:
    scenarios, seeds = len(subject.names), len(subject.comparison.seeds)
    if subject.kind == "run":
        return f"One run of {subject.names[0]}, seed {subject.first.seed}"
    return f"{_plural(scenarios, 'scenario')}, {_plural(seeds, 'seed')}"


def _title(subject: Subject) -> str:
    """The question where one was asked, or else what one would ask."""
    if asked := subject.text("question"):
        return asked
    comparison = subject.comparison
    if comparison.target is None:
        return f"What do {' and '.join(subject.names)} take?" if len(subject.names) < 4 else "What do they take?"
    what = goal_text(comparison.goal)
    if len(subject.names) == 1:
        return f"How long does {subject.names[0]} take to {what}?"
    listed = f"{', '.join(subject.names[:-1])} or {subject.names[-1]}" if len(subject.names) < 5 else "the scenarios"
    return f"Which is sooner at {what}: {listed}?"


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Of the first scenario's first run what is the same for all, and the length of it."""
    summary = subject.first.summary
    if subject.comparison.target is not None:
        yield "target", goal_text(subject.comparison.goal)
    yield "devices", f"{summary.devices:,}"
    learner, protocol = subject.first.scenario.learner.name, subject.first.scenario.protocol.name
    if len(subject.names) == 1:
        yield "learner", learner
        yield "protocol", protocol
    yield "data", subject.first.scenario.data.name
    yield "model", subject.first.scenario.model.name
    yield "simulated time", about(subject.comparison.horizon_s, "s")


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
