"""Run modules of the standard library's asyncio tests on the simulated event loop.

    python stdlib_asyncio.py test_tasks test_locks ...

Prints a JSON object: how many tests ran, and the id and last line of each that did not pass.
"""

import asyncio
import gc
import importlib
import json
import sys
import time
import types
import unittest

from fedsim.kernel import Environment, Task


class Policy(asyncio.DefaultEventLoopPolicy):
    """Every loop that the tests ask for is one of ours."""

    def new_event_loop(self):
        return Environment().loop


def timed_loop(gen=None):
    """What stands in for asyncio's ``TestLoop``, whose tests say by hand when time moves: ours knows by itself."""
    loop = Environment().loop
    loop.advance_time = lambda seconds: setattr(loop.env, "_now", loop.time() + seconds)
    return loop


def simulated_monotonic():
    """Tests that compare with the computer's clock compare with the loop's clock."""
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()


def suite_of(name):
    module = importlib.import_module(f"test.test_asyncio.{name}")
    if hasattr(module, "time"):
        module.time = types.ModuleType("time")
        module.time.__dict__.update(vars(time), monotonic=simulated_monotonic)
    if name == "test_tasks":
        module.OurTask_Tests = our_task_tests(module)
    return unittest.defaultTestLoader.loadTestsFromModule(module)


def our_task_tests(module):
    """The tests that the standard library runs on each of its own Task classes, on ours."""
    own = module.CTask_CFuture_Tests
    members = {name: value for name, value in vars(own).items() if not name.startswith("__")}
    members |= {"Task": Task, "Future": asyncio.Future}
    return type("OurTask_Tests", (module.BaseTaskTests, module.test_utils.TestCase), members)


def new_test_loop(case, gen=None):
    loop = timed_loop(gen)
    case.set_event_loop(loop)
    return loop


def main(names):
    from test.test_asyncio import utils

    set_policy = asyncio.set_event_loop_policy
    set_policy(Policy())
    # Each module sets the policy to None when it is done; the next shall find ours.
    asyncio.set_event_loop_policy = lambda policy: set_policy(Policy() if policy is None else policy)
    utils.TestLoop = timed_loop
    utils.TestCase.new_test_loop = new_test_loop
    suites = [suite_of(name) for name in names]
    gc.freeze()  # many of the tests collect garbage, and there are ten times more objects than they expect
    result = unittest.TestResult()
    for suite in suites:
        suite.run(result)
    bad = {test.id(): text.strip().splitlines()[-1] for test, text in [*result.failures, *result.errors]}
    skipped = {test.id(): reason for test, reason in result.skipped}
    sys.stdout.write(json.dumps({"ran": result.testsRun, "bad": bad, "skipped": skipped}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
