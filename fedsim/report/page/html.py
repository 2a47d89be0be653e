"""The page as one file: templates, style, script and plotly, and no address outside it."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Sequence
from importlib import resources
from typing import Any, Final

from fedsim.errors import FedsimError
from fedsim.report.page.figure import Figure
from fedsim.report.page.page import Page
from fedsim.report.page.plotly_figure import plotly_figure
from fedsim.report.page.section import Section
from fedsim.version import __version__

MARK: Final = '<meta name="generator" content="fedsim report '
"""What tells a page of ours from somebody else's file."""

_TEMPLATES: Final = resources.files("fedsim.report") / "templates"


def html(page: Page) -> str:
    """The page; the same page is the same text.

    Raises:
        FedsimError: jinja2 or plotly is not installed.
    """
    try:
        from jinja2 import DictLoader, Environment, StrictUndefined  # noqa: PLC0415  # an extra
        from plotly.offline import get_plotlyjs  # noqa: PLC0415  # the same
    except ImportError as error:
        raise FedsimError(
            f"fedsim report needs {error.name}, which is not installed: pip install 'fedsim-des[report]'"
        ) from None
    texts = {name: _text(f"{name}.html") for name in ("page", "table", "figure", "section")}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["json"] = _json
    drawn = any(not figure.drawn for figure in _figures(page.sections))
    scripts = [get_plotlyjs() if drawn else "", _text("page.js")]
    return environment.get_template("page").render(
        page=page,
        version=__version__,
        style=_text("page.css"),
        scripts=scripts,
        policy=_policy(scripts),
        specs=_specs,
    )


def _figures(sections: Sequence[Section]) -> list[Figure]:
    return [figure for section in sections for figure in section.figures]


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """What a browser may do with the page: run these scripts and no other, and ask nobody for anything."""
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"


def _digest(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _specs(figure: Figure) -> list[dict[str, Any]]:
    return [plotly_figure(view.body) for view in figure.views]


def _json(value: Any) -> Any:
    """JSON that may stand between script tags."""
    from markupsafe import Markup  # noqa: PLC0415  # comes with jinja2

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    signs = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    for sign, escaped in signs.items():
        text = text.replace(sign, escaped)
    return Markup(text)  # noqa: S704  # nothing is left in it that ends a script
