"""``fedsim calibrate``."""

from rich.console import Console

from fedsim.report.calibration import calibration_report
from fedsim.report.grid import show
from fedsim.study.measurements import read_measurements
from fedsim.system.calibration import calibrate


def calibrate_from(file: str) -> None:
    """Fit speed and overhead to a file of measured times, and print the fit.

    Raises:
        FedsimError: if the file cannot be used, or says nothing about speed.
    """
    show(Console(), calibration_report(calibrate(read_measurements(file)), file))
