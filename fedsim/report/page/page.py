"""What a page says, before anybody writes it."""

from dataclasses import dataclass

from fedsim.report.page.section import Section


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A text that was read, such as a resolved scenario, below its name."""

    name: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The question first, then the answer, then everything that it rests on.

    ``kind`` says what was done in a few words; ``facts`` are names and figures for a glance; ``sources`` come last.
    """

    kind: str
    title: str
    shows: str
    answer: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    sources: tuple[Source, ...] = ()
