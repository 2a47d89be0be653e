"""Tables for notebooks: small, escaped, and without anything from elsewhere."""

from collections.abc import Iterable
from html import escape

import pandas as pd

_DIGITS = 4


def titled(title: str, tables: Iterable[pd.DataFrame]) -> str:
    """A heading and tables below it; numbers have four digits, and what is not known is empty."""
    parts = [f"<h4>{escape(title)}</h4>"]
    for table in tables:
        html: str = table.to_html(index=False, escape=True, na_rep="", float_format=f"{{:.{_DIGITS}g}}".format)
        parts.append(html)
    return "\n".join(parts)
