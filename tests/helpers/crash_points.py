"""Ends a sweep before its n-th step on the disk, for every n, and looks whether another sweep makes up for it.

python crash_points.py EVERY BEFORE.yaml AFTER.yaml changes a finished study, or none where both are the same file. It
prints how many such ends there were, and fails at the first that matters.
"""

import os
import shutil
import sys
from pathlib import Path

import fedsim
from fedsim.study import parcel
from fedsim.study import sweep as sweeping
from fedsim.study.study_folder import identity_of

STEPS = ("mkdir", "fsync", "rename", "replace", "unlink", "rmdir")
ENDED = 9
PARCELS = {}


def remembered(run, goal, scratch):
    """A run is computed once; only its way to the disk is of interest."""
    if run.name not in PARCELS:
        PARCELS[run.name] = parcel.pack(run, goal, scratch)
    return PARCELS[run.name]


def bytes_of(folder):
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def end_before(number):
    """Let this process end, without any cleaning up, before the n-th step."""
    steps = 0

    def counted(real):
        def step(*given, **named):
            nonlocal steps
            steps += 1
            if steps == number:
                os._exit(ENDED)
            return real(*given, **named)

        return step

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def ends_early(study, number):
    """Whether a sweep that ends before the n-th step did not come to its end."""
    child = os.fork()
    if child == 0:
        end_before(number)
        fedsim.sweep(study, out="out")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == ENDED


def begin(before, after, out):
    """What is there when the sweep begins that will be ended."""
    shutil.rmtree(out, ignore_errors=True)
    if before != after:
        fedsim.sweep(before, out=out)


def main(every, before, after):
    sweeping.pack = remembered
    begin(before, after, "whole")
    fedsim.sweep(after, out="whole")
    whole, number = bytes_of("whole"), 1
    begin(before, after, "out")
    while ends_early(after, number):
        damaged = [folder for folder in Path("out/runs").glob("*") if identity_of(folder) is None]
        assert not damaged, f"step {number}: {damaged}"
        fedsim.sweep(after, out="out")
        assert bytes_of("out") == whole, f"step {number}"
        begin(before, after, "out")
        number += every
    print(len(range(1, number, every)), "ends")  # noqa: T201  # what the test reads


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:4])
