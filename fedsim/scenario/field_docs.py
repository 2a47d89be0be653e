"""What a class says about each of its fields: the text that stands below the field in its source.

penalty: float = 0.01
\"\"\"Weight lambda of the regulariser.\"\"\"
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import Any


@cache
def field_docs(cls: type) -> Mapping[str, str]:
    """The text of every field that has one, also of those inherited; a class whose source is away has none."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if "__annotations__" in base.__dict__:
            found |= _own(base)
    return found


def about(cls: type[Any]) -> str:
    """The docstring of a class, without the part that says what it raises; "" where it has none of its own."""
    own = cls.__dict__.get("__doc__") or ""
    if own.startswith(f"{cls.__name__}("):  # what dataclass() writes where there is none
        return ""
    return inspect.cleandoc(own).split("\nRaises:")[0].strip()


def _own(cls: type[Any]) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # made at run time, or shipped without its source
        return {}
    return dict(_documented(tree.body[0]))


def _documented(definition: ast.stmt) -> Iterator[tuple[str, str]]:
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, text in pairwise(body):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            yield statement.target.id, " ".join(text.value.value.split())
