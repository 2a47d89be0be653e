"""``fedsim calibrate``."""

from rich.console import Console

from fedsim.errors import FedsimError
from fedsim.report.calibration import calibration_report
from fedsim.report.grid import show
from fedsim.study.measurements import read_measurements
from fedsim.system.calibration import calibrate


def calibrate_from(file: str) -> None:
    """Fit speed and overhead to a file of measured times, and print the fit.

    Raises:
        FedsimError: if the file cannot be used, or says nothing about speed.
    """
    measured = read_measurements(file)
    try:
        found = calibrate(measured)
    except FedsimError as error:
        raise FedsimError(f"{file}: {error}") from None
    show(Console(), calibration_report(found, file))
