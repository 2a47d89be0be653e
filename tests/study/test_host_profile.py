"""Whose processor time it was."""

import signal
import threading
import time

import pytest

from fedsim.errors import FedsimError
from fedsim.scenario import check
from fedsim.study.host_profile import HostProfile, part_of, profiled
from fedsim.study.run import run

EVALUATE, PLAYED = ("study/monitor.py", "evaluate"), ("study/run.py", "play")


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ([], "other"),
        ([("tasks/sgd.py", "run"), ("learners/workbench.py", "do"), PLAYED], "numerics"),
        ([("tasks/quality.py", "scores"), EVALUATE, PLAYED], "evaluation"),
        ([("system/crew.py", "spent"), EVALUATE, PLAYED], "evaluation"),
        ([("tasks/sgd.py", "run"), ("learners/tape.py", "play"), EVALUATE, PLAYED], "numerics"),  # it had waited
        ([("kernel/record.py", "record"), ("system/device.py", "work"), PLAYED], "record"),
        ([("kernel/loop.py", "step"), PLAYED], "kernel"),
        ([("system/network.py", "transfer"), ("protocols/asking.py", "ask"), PLAYED], "system"),
        ([("protocols/asking.py", "ask"), PLAYED], "protocol"),
        ([("tasks/datasets.py", "load"), ("scenario/build.py", "build"), PLAYED], "set-up and results"),
        ([PLAYED], "set-up and results"),
        ([("report/progress.py", "say"), PLAYED], "other"),
    ],
)
def test_the_innermost_function_says_for_what(stack, part):
    assert part_of(stack) == part


def test_parts_and_functions_add_up():
    profile = HostProfile()
    profile.note([("tasks/sgd.py", "run")], 0.25)
    profile.note([("tasks/sgd.py", "run")], 0.5)
    profile.note([("kernel/loop.py", "step")], 0.25)
    profile.note([], 1.0)
    words = profile.as_dict()
    assert words["parts_s"] == {"numerics": 0.75, "kernel": 0.25, "other": 1.0}
    assert (words["processor_s"], words["samples"]) == (2.0, 4)
    assert words["functions"][0] == {"module": "tasks/sgd.py", "function": "run", "seconds": 0.75}


def test_a_run_is_profiled_and_stays_the_same(tiny):
    scenario = check({**tiny, "stop": {"rounds": 60}})
    before = signal.getsignal(signal.SIGPROF)
    begin_s = time.process_time()
    with profiled() as profile:
        result = run(scenario)
    took_s = time.process_time() - begin_s
    assert result.events.equals(run(scenario).events)
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    assert profile.samples > 0
    assert profile.seconds == pytest.approx(took_s, rel=0.1, abs=0.03)
    assert sum(profile.parts.values()) == pytest.approx(profile.seconds)


def test_it_needs_the_main_thread():
    caught = []

    def elsewhere():
        try:
            with profiled():
                pass
        except FedsimError as error:
            caught.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert caught == ["--profile needs the main thread"]
