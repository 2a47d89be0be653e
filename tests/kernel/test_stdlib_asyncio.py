"""The standard library's own asyncio tests, run on the simulated loop through the loop policy."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = [
    "test_futures",
    "test_futures2",
    "test_tasks",
    "test_taskgroups",
    "test_timeouts",
    "test_waitfor",
    "test_locks",
    "test_queues",
    "test_runners",
    "test_pep492",
    "test_eager_task_factory",  # since 3.12
    "test_staggered",  # since 3.13
]
THREADS = "starts a thread with run_in_executor"
EXPECTED = {  # the end of a test's id: why it cannot pass here
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe": THREADS,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_task_cancelled": THREADS,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_task_factory_exception": THREADS,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_with_exception": THREADS,
    "RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_with_timeout": THREADS,
    ".test_stop_while_run_in_complete": "wants TestLoop's habit of moving time once more after stop()",
    ".test_log_destroyed_pending_task": "wants a task to be lost to the garbage collector; calls _run_once by hand",
    "OurTask_Tests.test_error_in_call_soon": "replaces loop.call_soon, which our tasks do not need to start",
    "OurTask_Tests.test_tb_logger_not_called_after_cancel": "a task fails unseen, which ends a run here",
}
MANY = 1350  # all that 3.11 has; later versions have more


def shipped(name):
    try:
        return importlib.util.find_spec(f"test.test_asyncio.{name}") is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(scope="module")
def outcome():
    names = [name for name in MODULES if shipped(name)]
    if not names:
        pytest.skip("this Python ships without its test package")
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(
        [sys.executable, str(HERE / "stdlib_asyncio.py"), *names],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def excused(test_id):
    return any(test_id.endswith(end) for end in EXPECTED)


def test_all_pass_but_those_that_cannot(outcome):
    assert outcome["ran"] > MANY
    assert {name: why for name, why in outcome["bad"].items() if not excused(name)} == {}


def test_every_excuse_is_needed(outcome):
    assert [end for end in EXPECTED if not any(name.endswith(end) for name in outcome["bad"])] == []
