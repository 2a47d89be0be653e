"""A stretch of time is lived again by those for whom it was only foreseen."""

import asyncio

import pytest

from fedsim.kernel import Form, Simulation

STEP = Form("step", ("at_s",))


@pytest.fixture
def sim():
    return Simulation(seed=1)


def test_what_was_foreseen_is_lived_up_to_now_and_goes_on(sim):
    """From 2 s on somebody sleeps 3 s and then 4 s; at 6 s that is lived again, and its end comes at 9 s."""
    log = []

    async def sleeper():
        await asyncio.sleep(3)
        log.append(("first", sim.now))
        await asyncio.sleep(4)
        log.append(("second", sim.now))

    async def main():
        await asyncio.sleep(6)
        tasks = []
        sim.replay(2.0, lambda: tasks.append(sim.spawn(sleeper())))
        log.append(("back", sim.now))
        await tasks[0]

    sim.run(main())
    assert log == [("first", 5.0), ("back", 6.0), ("second", 9.0)]


def test_others_wait_meanwhile_and_notice_nothing(sim):
    """What was ready, or scheduled for earlier than what is replayed leads to, comes in its own time."""
    log = []

    async def other(name, delay_s):
        await asyncio.sleep(delay_s)
        log.append((name, sim.now))

    async def replayed():
        await asyncio.sleep(1)
        log.append(("replayed", sim.now))

    async def main():
        others = [sim.spawn(other("next", 5.5)), sim.spawn(other("now", 5))]
        await asyncio.sleep(5)
        me = asyncio.current_task()
        sim.replay(3.0, lambda: sim.spawn(replayed()))
        assert asyncio.current_task() is me
        await asyncio.gather(*others)

    sim.run(main())
    assert log == [("replayed", 4.0), ("now", 5.0), ("next", 5.5)]


def test_what_comes_at_the_very_instant_comes_afterwards(sim):
    log = []

    async def replayed():
        await asyncio.sleep(3)
        log.append(sim.now)

    async def main():
        await asyncio.sleep(5)
        sim.replay(2.0, lambda: sim.spawn(replayed()))
        assert log == []
        await asyncio.sleep(0.1)

    sim.run(main())
    assert log == [5.0]


def test_the_record_has_what_was_foreseen_once(sim):
    class Teller:
        void_from_s = float("inf")

    async def lived():
        for _ in range(2):
            await asyncio.sleep(2)
            sim.record("step", at_s=sim.now)

    async def main():
        teller = Teller()
        sim.events.foresee([(2.0, STEP, (2.0,)), (4.0, STEP, (4.0,))], teller)
        await asyncio.sleep(3)
        teller.void_from_s = sim.now
        tasks = []
        sim.replay(0.0, lambda: tasks.append(sim.spawn(lived())))
        await tasks[0]

    sim.run(main())
    assert [(time_s, fields["at_s"]) for time_s, _, fields in sim.events.rows("step")] == [(2.0, 2.0), (4.0, 4.0)]


def test_who_reads_the_record_finds_what_was_foreseen_of_the_past(sim):
    class Teller:
        void_from_s = float("inf")

    async def main():
        sim.events.foresee([(1.0, STEP, (1.0,)), (3.0, STEP, (3.0,))], Teller())
        await asyncio.sleep(2)
        return len(sim.events), [time_s for time_s, _, _ in sim.events.rows()]

    assert sim.run(main()) == (1, [1.0])


def test_a_mistake_on_the_way_does_not_leave_the_clock_behind(sim):
    async def main():
        await asyncio.sleep(5)
        with pytest.raises(ZeroDivisionError):
            sim.replay(2.0, lambda: 1 / 0)
        assert sim.now == 5.0
        sim.record("after")

    sim.run(main())
    assert [time_s for time_s, _, _ in sim.events.rows("after")] == [5.0]
