"""Runs that are stopped: by simulated time, by events, by the host's clock, by Ctrl-C."""

import asyncio
import gc
import itertools
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fedsim.kernel import Budget, Simulation, Stopped, read_record

ROOT = Path(__file__).parents[2]
KERNEL = str(ROOT / "fedsim" / "kernel")


@pytest.fixture
def sim():
    return Simulation()


async def ticking(sim, every_s=1.0):
    while True:
        await sim.timeout(every_s)
        sim.record("tick")


async def spinning():
    while True:
        await asyncio.gather(asyncio.sleep(0))


def test_simulated_time_ends_before_what_is_due_at_its_end(sim):
    assert sim.run(ticking(sim), budget=Budget(until_s=5.0)) is None
    assert sim.stopped == Stopped(reason="simulated time", at_s=5.0)
    assert sim.events.frame()["time_s"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_the_limit_is_gone_when_the_run_ends_before_it(sim):
    assert sim.run(asyncio.sleep(2, "done"), budget=Budget(until_s=5.0)) == "done"
    assert sim.stopped is None
    assert sim.env.peek() == math.inf
    assert sim.run(asyncio.sleep(8, "again")) == "again"
    assert sim.now == 10.0


def test_events_are_counted(sim):
    assert sim.run(ticking(sim), budget=Budget(events=8)) is None
    assert sim.stopped == Stopped(reason="events", at_s=7.0)  # one step started the task
    assert len(sim.events) == 7
    sim.run(ticking(sim), budget=Budget(events=2500))
    assert sim.stopped == Stopped(reason="events", at_s=7.0 + 2499.0)
    sim.run(ticking(sim), budget=Budget(events=0))
    assert sim.stopped == Stopped(reason="events", at_s=7.0 + 2499.0)


def test_turns_without_time_count_too(sim):
    sim.run(spinning(), budget=Budget(events=100))
    assert sim.stopped == Stopped(reason="events", at_s=0.0)


def test_the_hosts_clock_stops_what_would_never_end(sim):
    sim.run(spinning(), budget=Budget(host_s=0.05))
    assert sim.stopped.reason == "host time"


def test_what_is_used_up_first_stops(sim):
    sim.run(ticking(sim), budget=Budget(until_s=3.0, events=1000, host_s=60.0))
    assert sim.stopped.reason == "simulated time"
    sim.run(ticking(sim), budget=Budget(until_s=1000.0, events=5, host_s=60.0))
    assert sim.stopped.reason == "events"


def test_a_run_within_its_budget_gives_its_value_and_forgets_the_last_stop(sim):
    sim.run(ticking(sim), budget=Budget(until_s=3.0))
    assert sim.run(asyncio.sleep(1, 5), budget=Budget(events=100, until_s=90.0, host_s=60.0)) == 5
    assert sim.stopped is None


def test_tasks_are_wound_up_and_the_results_stay(sim):
    async def careful():
        try:
            await sim.timeout(100.0)
        finally:
            sim.record("gave back")

    async def main():
        sim.spawn(careful())
        await ticking(sim)

    sim.run(main(), budget=Budget(until_s=2.5))
    assert sim.events.frame()["kind"].tolist() == ["tick", "tick", "gave back"]
    assert sim.events.frame()["time_s"].tolist() == [1.0, 2.0, 2.5]


def test_a_failure_of_the_coroutine_is_not_a_stop(sim):
    async def main():
        await asyncio.sleep(1)
        raise LookupError

    with pytest.raises(LookupError):
        sim.run(main(), budget=Budget(until_s=5.0))
    assert sim.env.peek() == math.inf


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"until_s": math.nan}, "until_s must be > 0, got nan"),
        ({"until_s": 0.0}, "until_s must be > 0, got 0.0"),
        ({"events": -1}, "events must be a whole number >= 0, got -1"),
        ({"events": 1.5}, r"events must be a whole number >= 0, got 1\.5"),
        ({"events": math.inf}, "events must be a whole number >= 0, got inf"),
        ({"host_s": math.nan}, "host_s must be >= 0, got nan"),
    ],
)
def test_budgets_are_checked(fields, message):
    with pytest.raises(ValueError, match=message):
        Budget(**fields)


def test_a_limit_must_lie_ahead(sim):
    sim.run(asyncio.sleep(5))
    with pytest.raises(ValueError, match=r"until_s must be greater than the current time 5\.0, got 5\.0"):
        sim.run(asyncio.sleep(1), budget=Budget(until_s=5.0))


# Ctrl-C


def test_an_interrupt_lets_the_event_finish_and_leaves_the_record_whole(sim):
    async def main():
        async for number in counting():
            sim.record("before", number=number)
            if number == 3:
                os.kill(os.getpid(), signal.SIGINT)
                sum(range(100_000))  # the signal comes in the midst of this
            sim.record("after", number=number)

    async def counting():
        number = 0
        while True:
            await sim.timeout(1.0)
            number += 1
            yield number

    with pytest.raises(KeyboardInterrupt):
        sim.run(main())
    frame = sim.events.frame()
    assert frame["number"].tolist() == [1, 1, 2, 2, 3, 3]
    assert sim.stopped == Stopped(reason="interrupt", at_s=3.0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert sim.run(asyncio.sleep(1, "on")) == "on"


def test_a_second_interrupt_does_not_wait(sim):
    async def main():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            sum(range(100_000))
        sim.record("never")

    with pytest.raises(KeyboardInterrupt):
        sim.run(main())
    assert len(sim.events) == 0


class SmallRun:
    """A run with a record, clean-up and SimPy processes, and Ctrl-C at its n-th line of the kernel's code."""

    def __init__(self, dialect, interrupted_at):
        self.sim = Simulation()
        self.told = []
        self.left = interrupted_at
        if dialect == "asyncio":
            run, main = self.sim.run, self.main()
        else:
            run, main = self.sim.env.run, self.sim.process(self.wait_for(self.main()))
        before = sys.gettrace()
        gc.disable()  # the clean-up of earlier runs shall not be among the lines
        sys.settrace(self.trace)
        try:
            self.outcome = run(main)
        except KeyboardInterrupt:
            self.outcome = "interrupted"
        finally:
            sys.settrace(before)
            gc.enable()

    def wait_for(self, main):
        return (yield self.sim.spawn(main))

    def trace(self, frame, event, _):
        if self.left == 0 or not frame.f_code.co_filename.startswith(KERNEL):
            return self.trace
        if event == "line" and frame.f_code.co_name not in ("on_interrupt", "__init__", "__enter__", "__exit__"):
            self.left -= 1
            if self.left == 0:
                signal.raise_signal(signal.SIGINT)
        return self.trace

    def tell(self, number):
        self.sim.record("told", number=number)
        self.told.append(number)

    async def helper(self):
        try:
            await asyncio.sleep(100.0)
        finally:
            self.tell(1)
            await self.sim.timeout(1.0)
            self.tell(2)

    async def main(self):
        helper = self.sim.spawn(self.helper())
        await self.sim.timeout(1.0)
        self.tell(3)
        helper.cancel()
        await asyncio.sleep(0.5)
        self.tell(4)
        return "value"


@pytest.mark.parametrize("dialect", ["asyncio", "SimPy"])
def test_an_interrupt_at_any_moment_is_heard_and_leaves_all_in_order(dialect):
    for moment in itertools.count(5):
        run = SmallRun(dialect, moment)
        assert [fields["number"] for _, _, fields in run.sim.events] == run.told, moment
        assert run.sim.run(asyncio.sleep(1, "on")) == "on"
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if run.left:
            break
        assert run.outcome == "interrupted", moment
    assert run.outcome == "value"
    assert moment > 100


def test_somebody_elses_handler_is_left_alone(sim):
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append("theirs"))
    try:

        async def main():
            os.kill(os.getpid(), signal.SIGINT)
            await sim.timeout(1.0)
            return "done"

        assert sim.run(main()) == "done"
    finally:
        signal.signal(signal.SIGINT, before)
    assert calls == ["theirs"]


def test_a_simulation_runs_in_another_thread(sim):
    values = []
    thread = threading.Thread(target=lambda: values.append(sim.run(asyncio.sleep(5, "done"))))
    thread.start()
    thread.join()
    assert (values, sim.now) == (["done"], 5.0)


ENDLESS = """
import sys
from pathlib import Path
from fedsim.kernel import EventRecord, Simulation

sim = Simulation(events=EventRecord(folder=Path(sys.argv[1])))

async def main():
    number = 0
    while True:
        await sim.timeout(1.0)
        sim.record("tick", number=number)
        number += 1
        if number == 20_000:
            print("going", flush=True)

try:
    sim.run(main())
except KeyboardInterrupt:
    print(sim.stopped.reason, len(sim.events))
"""


def test_ctrl_c_on_a_real_process_leaves_valid_files(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "going\n"
    process.send_signal(signal.SIGINT)
    reason, _, count = process.communicate(timeout=60)[0].strip().rpartition(" ")
    assert (reason, process.returncode) == ("interrupt", 0)
    numbers = read_record(tmp_path)["number"].to_pylist()
    assert numbers == list(range(int(count)))
    assert len(numbers) >= 20_000
