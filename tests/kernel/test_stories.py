"""asyncio and SimPy on one simulated clock, told as stories of times."""

import asyncio
import math
import re
from pathlib import Path

import numpy as np
import pytest
import simpy

from fedsim.errors import DeadlockError
from fedsim.kernel import Simulation

GOLDEN = [3326419856313394717, 2952906482948302723, 4117170855744583536]


@pytest.fixture
def sim():
    return Simulation(seed=7)


def test_sleeping_costs_simulated_time_only(sim):
    async def story():
        await asyncio.sleep(3600.0)
        await sim.timeout(86400.0)
        return sim.now, asyncio.get_running_loop().time()

    assert sim.run(story()) == (90000.0, 90000.0)


def test_time_goes_on_from_one_run_to_the_next(sim):
    async def nap():
        await asyncio.sleep(2.0)

    sim.run(nap())
    sim.run(nap())
    assert sim.now == 4.0


def test_tasks_take_turns_in_order_of_time_then_of_creation(sim):
    log = []

    async def worker(name, every_s):
        for _ in range(3):
            await asyncio.sleep(every_s)
            log.append((sim.now, name))

    async def story():
        async with asyncio.TaskGroup() as group:
            for name, every_s in (("a", 2.0), ("b", 1.0), ("c", 2.0)):
                group.create_task(worker(name, every_s))

    sim.run(story())
    assert log == [
        (1.0, "b"), (2.0, "a"), (2.0, "c"), (2.0, "b"), (3.0, "b"), (4.0, "a"), (4.0, "c"), (6.0, "a"), (6.0, "c"),
    ]  # fmt: skip


def test_all_that_can_run_runs_before_time_moves(sim):
    log = []

    async def story():
        loop = asyncio.get_running_loop()
        loop.call_later(1e-9, log.append, "later")
        for number in range(3):
            loop.call_soon(log.append, number)
        for _ in range(5):
            await asyncio.sleep(0)
            log.append("turn")
        assert sim.now == 0.0
        await asyncio.sleep(1.0)

    sim.run(story())
    assert log[-1] == "later"
    assert [entry for entry in log if entry != "turn"] == [0, 1, 2, "later"]


def test_a_timeout_cancels_at_its_instant(sim):
    async def story():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5.0):
                await asyncio.Event().wait()
        return sim.now

    assert sim.run(story()) == 5.0


def test_a_cancellation_carries_its_message(sim):
    async def patient():
        await sim.timeout(100.0)

    async def story():
        task = asyncio.create_task(patient())
        await asyncio.sleep(1.0)
        task.cancel("late")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return caught.value.args

    assert sim.run(story()) == ("late",)
    assert sim.now == 1.0


def test_a_coroutine_waits_for_a_simpy_process_and_its_resources(sim):
    desk = simpy.Resource(sim.env, capacity=1)
    log = []

    def clerk():
        with desk.request() as turn:
            yield turn
            yield sim.env.timeout(3.0)
        return "done"

    async def customer():
        with desk.request() as turn:
            await turn
            log.append(sim.now)
            await sim.timeout(1.0)

    async def story():
        process = sim.process(clerk())
        await sim.timeout(1.0)
        customers = [asyncio.create_task(customer()) for _ in range(2)]
        assert await process == "done"
        await asyncio.gather(*customers)

    sim.run(story())
    assert log == [3.0, 4.0]


def test_a_failure_crosses_the_border_as_itself(sim):
    def faulty():
        yield sim.env.timeout(1.0)
        raise LookupError("no such key")

    async def story():
        with pytest.raises(LookupError, match="no such key"):
            await sim.process(faulty())
        return sim.now

    assert sim.run(story()) == 1.0


def test_a_task_that_fails_while_nobody_looks_ends_the_run(sim):
    async def faulty():
        await asyncio.sleep(1.0)
        raise ValueError("unseen")

    async def story():
        keep = asyncio.create_task(faulty())
        await asyncio.sleep(10.0)
        return keep

    with pytest.raises(ValueError, match="unseen"):
        sim.run(story())


def test_whoever_waits_for_ever_is_named(sim):
    async def reader():
        await asyncio.Queue().get()

    async def story():
        await asyncio.create_task(reader(), name="reader of an empty queue")

    with pytest.raises(DeadlockError, match="reader of an empty queue"):
        sim.run(story())


def test_an_infinite_wait_never_fires(sim):
    async def story():
        try:
            async with asyncio.timeout(10.0):
                await sim.timeout(math.inf)
        except TimeoutError:
            return sim.now

    assert sim.run(story()) == 10.0


@pytest.mark.parametrize("delay_s", [math.nan, -1.0])
def test_delays_are_checked_at_the_door(sim, delay_s):
    async def story():
        with pytest.raises(ValueError, match="delay"):
            sim.timeout(delay_s)

    sim.run(story())


def test_real_threads_are_refused(sim):
    async def story():
        await asyncio.to_thread(print)

    with pytest.raises(Exception, match=r"thread|executor"):
        sim.run(story())


def test_what_is_left_when_the_run_ends_is_cancelled(sim):
    log = []

    async def background():
        try:
            await asyncio.sleep(100.0)
        finally:
            log.append(sim.now)

    async def story():
        keep = asyncio.create_task(background())
        await asyncio.sleep(1.0)
        return keep.get_name()

    sim.run(story())
    assert log == [1.0]


def test_streams_follow_from_seed_and_names_alone(sim):
    again = Simulation(seed=7)
    assert sim.rng("a", 1).random() == again.rng("a", 1).random()
    names = [("a", 1), ("a", "1"), ("a",), ("a", 2), ("b", 1), (1, "a"), ("a1",)]
    first = [sim.rng(*name).random() for name in names]
    assert len(set(first)) == len(names)
    assert Simulation(seed=8).rng("a", 1).random() not in first


def test_streams_are_what_they_always_were():
    """Golden values: a change here changes every result of everybody."""
    rng = Simulation(seed=7).rng("availability", "low-3g-00")
    assert rng.integers(0, 2**63, size=3).tolist() == GOLDEN


def test_the_record_keeps_order_and_columns_by_first_appearance(sim):
    async def story():
        sim.record("sent", subject="a", size=3)
        await asyncio.sleep(1.5)
        sim.record("got", subject="b", ok=True)

    sim.run(story())
    frame = sim.events.frame()
    assert frame.columns.tolist() == ["time_s", "kind", "subject", "size", "ok"]
    assert frame["time_s"].tolist() == [0.0, 1.5]
    assert np.isnan(frame["size"][1])
    assert sim.events.transcript().splitlines() == [
        "    0.000  a        sent size=3",
        "    1.500  b        got ok=True",
    ]


def test_a_simulation_takes_asynchronous_generators_in_every_run(sim):
    async def numbers():
        for number in range(3):
            await asyncio.sleep(1.0)
            yield number

    async def story():
        return [number async for number in numbers()]

    assert sim.run(story()) == [0, 1, 2]
    assert sim.run(story()) == [0, 1, 2]


def blocks():
    text = (Path(__file__).parents[2] / "docs" / "kernel.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def run_block(number, capsys):
    exec(compile(blocks()[number], "kernel.md", "exec"), {})  # noqa: S102  # our own words
    return capsys.readouterr().out


def test_the_example_of_the_documentation(capsys):
    lines = run_block(0, capsys).split("\n")
    assert lines[0] == "    2.000  a        sent number=0"
    assert [line.split()[0] for line in lines if line] == ["2.000", "3.000", "4.000", "6.000", "6.000", "9.000"]


def test_the_example_of_both_dialects(capsys):
    assert run_block(1, capsys) == "phone done at 6.0\nbackup done at 7.0\n"


def test_the_example_of_the_record(capsys):
    assert run_block(2, capsys).splitlines() == [
        "0.0 sent {'subject': 'd3', 'size': 125}",
        "    0.000  d3       sent size=125",
        "    0.000  server   got size=125",
        " ['time_s', 'kind', 'subject', 'size']",
    ]


def test_the_example_of_living_time_again(capsys):
    assert run_block(3, capsys) == "[9.0]\n"


def test_the_documentation_has_no_other_example():
    assert len(blocks()) == 4
