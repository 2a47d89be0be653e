"""The bytes of a file that somebody else wrote: not too many, and XML without tricks."""

from hashlib import blake2b
from pathlib import Path
from xml.parsers import expat

from fedsim.errors import ScenarioError
from fedsim.problems import nearest

MOST_BYTES = 10_000_000
TABLES = ("nodes.csv", "links.csv", "rtt.csv", "rtt_ms.npz")
"""What a folder may have."""

_DEEPEST = 50


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most 10 MB.

    Raises:
        ScenarioError: the file is missing, unreadable or too large.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ScenarioError(f"{path}: no such file{_hint(path)}") from None
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise ScenarioError(f"{path}: is larger than {MOST_BYTES:,} bytes")
    return content


def digest(path: Path) -> str:
    """Tells the content of a file, or of a folder's tables, from any other.

    Raises:
        ScenarioError: as above.
    """
    files = sorted(path / name for name in TABLES if (path / name).is_file()) if path.is_dir() else [path]
    hashed = blake2b(digest_size=8)
    for file in files:
        content = read_bytes(file)
        hashed.update(b"%d:" % len(content) + content)
    return hashed.hexdigest()


def read_text(path: Path) -> str:
    """The content of a file of UTF-8 text.

    Raises:
        ScenarioError: as above, or it is no such text.
    """
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: is not UTF-8 text: byte {error.start} cannot be decoded") from None


def read_xml(path: Path) -> bytes:
    """The content of an XML file that is well formed, has no DOCTYPE (and so no entities), and is not deep.

    Entities can unfold a small file into gigabytes, or bring in other files; no network needs them.

    Raises:
        ScenarioError: as above, or it is no such XML; with line and column.
    """
    content = read_bytes(path)
    parser = expat.ParserCreate()
    depth = 0

    def refuse_doctype(*_: object) -> None:
        raise ScenarioError(f"{path}: line {parser.CurrentLineNumber}: has a DOCTYPE, which is not read: remove it")

    def go_down(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise ScenarioError(f"{path}: line {parser.CurrentLineNumber}: nested deeper than {_DEEPEST} levels")

    def go_up(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.StartElementHandler = go_down
    parser.EndElementHandler = go_up
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise ScenarioError(f"{path}: line {error.lineno}: is not XML: {reason}") from None
    except (LookupError, ValueError) as error:
        raise ScenarioError(f"{path}: is not XML that can be read: {error}") from None  # an unknown encoding
    return content


def _hint(path: Path) -> str:
    """A file in the same folder with nearly this name."""
    files = sorted(str(file.name) for file in path.parent.glob("*") if file.suffix)
    near = nearest(path.name, files)
    return f"; did you mean {str(path.parent / near)!r}?" if near else ""
