"""From a folder of results to a page: which sections there are, and in which order."""

from collections.abc import Iterator

from fedsim.report.human import about, plural
from fedsim.report.page.answer import answer, answer_of_study, capital, goal_words
from fedsim.report.page.changes_section import answer_of_changes, changes_section
from fedsim.report.page.network_section import network_section
from fedsim.report.page.origin_section import differences_table, origin_section, sources
from fedsim.report.page.outcome_section import outcome_section
from fedsim.report.page.page import Page
from fedsim.report.page.participation_section import participation_section
from fedsim.report.page.quality_section import quality_section
from fedsim.report.page.section import Section
from fedsim.report.page.spending_section import spending_section
from fedsim.report.page.study_section import study_section
from fedsim.report.page.subject import Subject
from fedsim.report.page.waste_section import waste_section
from fedsim.report.page.why_section import first_path, why_section
from fedsim.report.side_by_side import comparison_facts


def compose(subject: Subject) -> Page:
    """Everything that a page says of a folder's runs."""
    return Page(
        kind=_kind(subject),
        title=_title(subject),
        shows=subject.text("shows"),
        answer=_answer(subject),
        facts=tuple(_facts(subject)),
        sections=tuple(section for section in _sections(subject) if section is not None),
        sources=sources(subject.detail),
    )


def _answer(subject: Subject) -> tuple[str, ...]:
    if subject.kind == "whatif":
        return answer_of_changes(subject.words, goal_words(subject.comparison))
    if subject.study is not None:
        return answer_of_study(subject.study)
    found = answer(subject.comparison)
    path = first_path(subject.comparison, subject.comparison.names[0])
    alone = len(subject.comparison.names) == 1 and len(path.steps) > 0
    return (*found, f"{capital(path.sentence())}.") if alone else found


def _sections(subject: Subject) -> Iterator[Section | None]:
    comparison, detail = subject.comparison, subject.detail
    if subject.study is not None:
        yield study_section(subject.study)
    if subject.kind == "whatif":
        yield changes_section(subject.words)
    else:
        differences = differences_table(comparison) if subject.study is None else None
        if differences is not None:
            yield Section(name="scenarios", title="What is compared", tables=(differences,))
        yield outcome_section(comparison, tuple(_how(subject)))
    yield quality_section(comparison)
    yield why_section(detail)
    yield spending_section(detail)
    yield participation_section(detail)
    yield network_section(detail)
    yield waste_section(detail)
    yield origin_section(comparison, subject.words.get("versions"))


def _how(subject: Subject) -> Iterator[str]:
    """How the runs of several scenarios were made."""
    if subject.kind == "comparison":
        yield from (f"{capital(fact)}." for fact in comparison_facts(subject.comparison))
    if subject.study is not None and len(subject.comparison.names) < len(subject.study.labels):
        yield "Of the points whose curves are drawn: the first one, and those that were fastest."


def _kind(subject: Subject) -> str:
    if subject.kind == "run":
        return f"One run of {subject.comparison.names[0]}, seed {subject.first.seed}"
    if subject.kind == "whatif":
        changes, seeds = len(subject.words["table"]) - 1, len(subject.comparison.seeds)
        return f"What if? {plural(changes, 'change')} of {subject.text('name')}, {plural(seeds, 'seed')}"
    if subject.study is not None:
        return f"A study: {plural(len(subject.study.labels), 'point')}, {plural(len(subject.study.seeds), 'seed')}"
    comparison = subject.comparison
    return f"{plural(len(comparison.names), 'scenario')}, {plural(len(comparison.seeds), 'seed')}"


def _title(subject: Subject) -> str:
    """The question where one was asked, or else what one would ask."""
    if asked := subject.text("question"):
        return asked
    if subject.kind == "whatif":
        return f"What would make {subject.text('name')} faster?"
    names = subject.comparison.names
    few = len(names) < 5
    if subject.comparison.target is None:
        return f"What do {' and '.join(names)} take?" if few and len(names) > 1 else f"What does {names[0]} take?"
    what = goal_words(subject.comparison)
    if len(names) == 1:
        return f"How long does {names[0]} take to {what}?"
    listed = f": {', '.join(names[:-1])} or {names[-1]}" if few else ""
    return f"Which is sooner at {what}{listed}?"


def _facts(subject: Subject) -> Iterator[tuple[str, str]]:
    """What was to be reached, by whom and how; of the first scenario what may differ among several."""
    scenario, several = subject.first.scenario, len(subject.comparison.names) > 1
    if subject.comparison.target is not None:
        yield "target", goal_words(subject.comparison)
    yield "devices", f"{subject.first.summary.devices:,}"
    yield "data", scenario.data.name
    if not several:
        yield "model", scenario.model.name
        yield "learner", scenario.learner.name
        yield "protocol", scenario.protocol.name
    yield "simulated time", about(subject.comparison.horizon_s, "s")
