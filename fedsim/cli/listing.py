"""``fedsim list``."""

from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.listing import listing


def list_names(what: str) -> None:
    """List what a scenario may name.

    Raises:
        FedsimError: if there is no such list.
    """
    show(Console(), listing(what))
