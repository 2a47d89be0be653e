"""A page of HTML taken apart with the standard library, for tests of what is in it."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "hr", "img", "link"}


@dataclass
class Read:
    """What is in a page: tags with their attributes in order, texts of headings, tables by caption, scripts."""

    tags: list = field(default_factory=list)
    headings: list = field(default_factory=list)
    tables: list = field(default_factory=list)
    scripts: list = field(default_factory=list)
    styles: list = field(default_factory=list)
    text: list = field(default_factory=list)

    @property
    def specs(self):
        """The figures that plotly draws, view by view."""
        return [json.loads(text) for kind, text in self.scripts if kind == "application/json"]

    def table(self, caption):
        """The first table below this caption: its rows of texts, the header first."""
        return next(rows for name, rows in self.tables if name == caption)


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.read, self.open = Read(), []

    def handle_starttag(self, tag, attributes):
        self.read.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.read.tables.append(["", []])
        if tag == "tr":
            self.read.tables[-1][1].append([])
        if tag in {"td", "th"}:
            self.read.tables[-1][1][-1].append("")
        if tag in {"h1", "h2", "h3"}:
            self.read.headings.append([tag, ""])
        if tag == "script":
            self.read.scripts.append([dict(attributes).get("type", ""), ""])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.read.scripts[-1][1] += data
        elif inside == "style":
            self.read.styles.append(data)
        elif inside in {"td", "th"}:
            self.read.tables[-1][1][-1][-1] += data.strip()
        elif "caption" in self.open:
            self.read.tables[-1][0] += data.strip()
        elif inside in {"h1", "h2", "h3"}:
            self.read.headings[-1][1] += data.strip()
        else:
            self.read.text.append(data)


def read_page(path):
    """Take a page apart; it is a fault if its tags do not fit into each other."""
    parser = _Parser()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    assert parser.open == []
    return parser.read
