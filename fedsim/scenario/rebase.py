"""Paths of files in settings of a scenario, which are relative to the file that makes the settings."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fedsim.scenario.named_files import beside, refusal

Keys = tuple[str, ...]


def rebased(path: str, value: Any, folder: Path) -> Any:
    """The value for ``path``, with the names of files in it, relative to ``folder``, from the working folder."""
    return _rebased(tuple(path.split(".")), value, folder)


def strangers(path: str, value: Any, folder: Path) -> Iterator[str]:
    """Why a file in ``folder`` may not name files that stand in the value for ``path``."""
    yield from _strangers(tuple(path.split(".")), value, folder)


def _strangers(keys: Keys, value: Any, folder: Path) -> Iterator[str]:
    items = (
        value.items() if isinstance(value, Mapping) else [("", one) for one in value] if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield from _strangers((*keys, str(key)), inner, folder)
    if isinstance(value, str) and _is_file(keys) and (rule := refusal(folder, value)):
        yield rule


def _rebased(keys: Keys, value: Any, folder: Path) -> Any:
    if isinstance(value, Mapping):
        return {key: _rebased((*keys, str(key)), inner, folder) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rebased((*keys, ""), inner, folder) for inner in value]
    return str(beside(folder, value)) if isinstance(value, str) and _is_file(keys) else value


def _is_file(keys: Keys) -> bool:
    """Whether a text at these keys names a file or a folder."""
    if keys in {("topology",), ("topology", "import"), ("data", "folder")}:
        return True
    if keys[-1] == "devices":  # of a group: a CSV file; by name they are a list
        return keys[0] == "fleet" and len(keys) == 3
    # Data have their files in a folder of their own.
    return keys[0] in {"fleet", "protocol"} and keys[-1] in {"trace", "file"}
