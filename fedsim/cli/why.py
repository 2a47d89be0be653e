"""``fedsim why``."""

from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.path_tables import path_report
from fedsim.study.critical_path import critical_path
from fedsim.study.queues import queues
from fedsim.study.reading import read_result


def explain(folder: str) -> None:
    """Print the critical path of the run in a folder, by phase, link, device and part.

    Raises:
        FedsimError: it is no run's folder.
    """
    result = read_result(folder)
    path = critical_path(result.events, result.devices)
    queued = queues(result, path.until(result.summary.time_to_target_s))
    show(Console(), path_report(path, result.summary, queued))
