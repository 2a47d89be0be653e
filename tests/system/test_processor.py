"""Jobs on a processor: sharing, heat, other apps, memory, noise and the roof-line, in round numbers.

A phone does 1 GFLOP/s, computes with 4 W, and waits awake with 0.5 W.
"""

import asyncio
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import OutOfMemoryError
from fedsim.system.chip import Chip, OperatingPoint
from fedsim.system.law import Constant, Uniform
from fedsim.system.other_apps import AppTimes, OtherApps
from fedsim.system.processor import Processor, Work
from fedsim.system.throttle import Throttle

GIGA = 1e9
HOT = Throttle(after_s=4.0, speed_share=0.5)


def ends(world, phone, *jobs):
    """When jobs end: (start, seconds of work)."""

    async def run(start_s, seconds):
        await asyncio.sleep(start_s - world.sim.now)
        await phone.compute(seconds * GIGA, 0)
        return world.sim.now

    return world.run(*(run(*job) for job in jobs))


def compute_j(world, phone):
    return world.spent(phone)["compute"]


def test_two_jobs_on_two_cores_do_not_disturb_each_other(world):
    """Each uses one core, so half of the processor: 4 s of all of it take 8 s."""
    phone = world.phone(chip=Chip(cores=2, job_cores=1))
    assert ends(world, phone, (0.0, 4.0), (2.0, 4.0)) == [8.0, 10.0]
    half_w = (4.0 + 0.5) / 2
    assert compute_j(world, phone) == pytest.approx(2 * half_w + 6 * 4.0 + 2 * half_w)
    assert phone.usage().compute_s == 10.0


def test_three_jobs_on_two_cores_share_them(world):
    """Until one is done each has two thirds of a core."""
    phone = world.phone(chip=Chip(cores=2, job_cores=1))
    assert ends(world, phone, (0.0, 2.0), (0.0, 4.0), (0.0, 4.0)) == pytest.approx([6.0, 10.0, 10.0])


def test_heat_slows_and_idleness_cools(world):
    """4 s are free, the next 2 s of work take 4 s; after 3 s of rest 3 s are free again."""
    phone = world.phone(chip=Chip(throttle=HOT))
    assert ends(world, phone, (0.0, 6.0), (11.0, 5.0)) == pytest.approx([8.0, 11.0 + 3.0 + 4.0])


def test_half_a_load_uses_the_heat_budget_half_as_fast(world):
    """One of two cores: 8 s of it are free, then a quarter of the processor is left."""
    phone = world.phone(chip=Chip(throttle=HOT, cores=2, job_cores=1))
    assert ends(world, phone, (0.0, 5.0)) == pytest.approx([8.0 + 1.0 / 0.25])


def test_overheads_do_not_slow_with_heat(world):
    """Four steps of 0.25 s and 4 s of operations: half of each by 4 s... the budget; the rest at half speed."""
    phone = world.phone(chip=Chip(throttle=Throttle(after_s=2.5, speed_share=0.5)))
    world.run(phone.compute(4 * GIGA, 4))
    assert world.sim.now == pytest.approx(2.5 + 0.5 * (1.0 + 4.0 / 0.5))


@settings(deadline=None, max_examples=50)
@given(work_s=st.floats(0, 30), rest_s=st.floats(0, 10), cores=st.integers(1, 4), first_s=st.floats(0.1, 20))
def test_what_is_predicted_is_what_happens_alone(make_world, work_s, rest_s, cores, first_s):
    """From any heat, with overheads and the roof-line."""
    world = make_world()
    phone = world.phone(chip=Chip(throttle=HOT, cores=cores, job_cores=1, bandwidth_bps=8e9))

    async def story():
        await phone.compute(first_s * GIGA, 0)
        await asyncio.sleep(rest_s)
        said_s, since_s = phone.compute_s(work_s * GIGA, 3, moved_bytes=5e9), world.sim.now
        await phone.compute(work_s * GIGA, 3, moved_bytes=5e9)
        assert world.sim.now - since_s == pytest.approx(said_s, rel=1e-9, abs=1e-9)

    world.run(story())


def test_memory_bound_work_takes_as_long_as_its_bytes(world):
    """1 GB at 8 Gbit/s is one second, whatever the operations, while these are fewer."""
    phone = world.phone(chip=Chip(bandwidth_bps=8e9))
    assert phone.compute_s(0.5 * GIGA, 0, moved_bytes=1e9) == 1.0
    assert phone.compute_s(2.0 * GIGA, 0, moved_bytes=1e9) == 2.0
    assert world.phone("b").compute_s(0.5 * GIGA, 0, moved_bytes=1e9) == 0.5


def test_other_apps_take_their_share_always(world):
    phone = world.phone(chip=Chip(other_apps=OtherApps(share=Constant(0.75))))
    assert phone.compute_s(GIGA, 0) == 1.0
    assert ends(world, phone, (0.0, 1.0)) == [4.0]
    assert compute_j(world, phone) == pytest.approx(4 * (0.25 * 4.0 + 0.75 * 0.5))


def test_other_apps_take_their_share_now_and_then(world):
    """All of it, for 2 s after every 3 s of quiet."""
    apps = OtherApps(share=Constant(1.0), busy_s=Constant(2.0), quiet_s=Constant(3.0))
    phone = world.phone(chip=Chip(other_apps=apps))
    assert ends(world, phone, (0.0, 7.0)) == pytest.approx([11.0])
    world.check_nothing_is_held()


def test_apps_do_not_depend_on_who_looks(world):
    apps = OtherApps(share=Uniform(0, 1), busy_s=Constant(2.0), quiet_s=Constant(3.0))
    often, seldom = (AppTimes(apps, world.sim.rng("a")) for _ in range(2))
    seen = [often.at(time_s) for time_s in range(100)]
    assert seldom.at(99) == seen[-1]


@pytest.mark.parametrize(
    ("apps", "rule"),
    [
        ({"share": Uniform(0.5, 1.5)}, "share must lie between"),
        ({"share": Constant(1.0)}, "leave nothing"),
        ({"share": Constant(0.5), "busy_s": Constant(1.0)}, "go together"),
        ({"share": Constant(0.5), "busy_s": Constant(0.0), "quiet_s": Constant(1.0)}, "must be >= 0 with a mean"),
    ],
)
def test_apps_that_cannot_be_are_refused(apps, rule):
    with pytest.raises(ValueError, match=rule):
        OtherApps(**apps)


def test_what_does_not_fit_into_memory_is_refused(world, at):
    """2 GB of 4: one job of 1.5 GB fits, a second beside it does not, after it it does."""
    phone = world.phone(chip=Chip(ram_bytes=4e9))

    async def job(bytes_held):
        async with phone.at_work():
            await phone.compute(GIGA, 0, memory_bytes=bytes_held)

    outcomes = world.run(at(0.0, job, 1.5e9), at(0.5, job, 1e9), at(1.0, job, 2e9), at(5.0, job, 2.1e9))
    assert [type(outcome.error) for outcome in outcomes] == [type(None), OutOfMemoryError, type(None), OutOfMemoryError]
    assert "phone refuses a job of 1e+09 bytes: it has 5e+08 for it" in str(outcomes[1].error)
    assert world.events("refused") == [(at_s, {"subject": "phone", "cause": "memory"}) for at_s in (0.5, 5.0)]
    assert world.waste.pieces == {"memory": 2}
    world.check_nothing_is_held()


def test_steps_vary_as_they_should(make_world):
    """400 jobs of 25 steps with a CV of 50 %: of the mean of 25, 10 %; each mean within 4 standard errors."""
    world = make_world()
    phone = world.phone(chip=Chip(step_cv=0.5))

    async def story():
        times_s = []
        for _ in range(400):
            since_s = world.sim.now
            await phone.compute(0.0, 25)
            times_s.append(world.sim.now - since_s)
        return times_s

    (times_s,) = world.run(story())
    mean_s = sum(times_s) / 400
    sd_s = math.sqrt(sum((time_s - mean_s) ** 2 for time_s in times_s) / 399)
    assert mean_s == pytest.approx(6.25, abs=4 * 0.625 / 20)
    assert sd_s == pytest.approx(0.625, rel=4 / math.sqrt(800))
    assert phone.compute_s(0.0, 25) == 6.25


def test_a_slower_clock_costs_less(world):
    """Half the clock: half the speed, an eighth of the dynamic power."""
    phone = world.phone(chip=Chip(clock=0.5))
    assert ends(world, phone, (0.0, 2.0)) == [4.0]
    assert compute_j(world, phone) == pytest.approx(4 * (0.5 + 3.5 / 8))


def test_measured_operating_points_go_before_the_cube_law(world):
    points = (OperatingPoint(clock=0.5, power_w=1.5), OperatingPoint(clock=1.0, power_w=5.0))
    phone = world.phone(chip=Chip(clock=0.5, operating_points=points))
    ends(world, phone, (0.0, 2.0))
    assert compute_j(world, phone) == 4 * 1.5


@pytest.mark.parametrize("name", ["cpu_energy_8e+08", "cpu_energy_1.6e+09", "cpu_energy_2.4e+09"])
def test_local_training_costs_what_the_closed_form_says(make_world, closed_form, name):
    """A core of 3 GHz whose power is kappa f^3, at the clock of the case; one operation a cycle."""
    given, expected = closed_form(name)
    world, full_hz = make_world(), 3e9
    phone = world.phone(
        flops_per_s=full_hz,
        train_w=given["kappa"] * full_hz**3,
        idle_w=0.0,
        chip=Chip(clock=given["f"] / full_hz),
    )
    world.run(phone.compute(given["cycles_per_sample"] * given["samples"] * given["epochs"], 0))
    assert world.sim.now == pytest.approx(expected["t"], rel=1e-9)
    assert compute_j(world, phone) == pytest.approx(expected["E"], rel=1e-9)


@pytest.mark.parametrize(
    ("chip", "rule"),
    [
        ({"cores": 0}, "cores must be >= 1, got 0"),
        ({"cores": 2, "job_cores": 3}, "job_cores must be from 1 to cores"),
        ({"clock": 1.5}, "clock must be above 0 %"),
        ({"clock": 0.5, "operating_points": (OperatingPoint(clock=1.0, power_w=1.0),)}, "one of the operating points"),
        ({"step_cv": -0.1}, "step_cv must be from 0 %"),
        ({"step_cv": 1e300}, "from 0 % to 1000 %, got 1e"),
        ({"ram_bytes": 0.0}, "ram must be > 0, got 0.0 bytes"),
        ({"ram_share": 0.0}, "ram_share must be above 0 % and at most 100 %, got 0 %"),
        ({"bandwidth_bps": math.nan}, "bandwidth must be > 0"),
    ],
)
def test_a_chip_that_cannot_be_is_refused(chip, rule):
    with pytest.raises(ValueError, match=rule):
        Chip(**chip)


@pytest.mark.parametrize("heat", [{"after_s": 0.0, "speed_share": 0.5}, {"after_s": 1.0, "speed_share": 1.5}])
def test_heat_that_cannot_be_is_refused(heat):
    with pytest.raises(ValueError, match="must be"):
        Throttle(**heat)


jobs = st.lists(
    st.tuples(
        *(st.integers(0, 16).map(lambda number: number / 4) for _ in range(2)),
        st.floats(0.5, 20).map(lambda wait_s: wait_s + math.pi / 1e3),
    ),
    min_size=1,
    max_size=5,
)


class Nobody:
    """Does not mind how its processor is used."""

    def update_power(self):
        pass


@settings(deadline=None, max_examples=100)
@given(jobs=jobs, cores=st.integers(1, 3), throttled=st.booleans(), seed=st.integers(0, 5))
def test_sharing_heat_and_apps_equal_a_slow_twin(make_world, jobs, cores, throttled, seed):
    """Ends of jobs, given up or not, against a twin that goes from change to change and looks everything up afresh."""
    world = make_world(seed=seed)
    apps = OtherApps(share=Uniform(0, 0.75), busy_s=Constant(1.5), quiet_s=Constant(1.0))
    chip = Chip(cores=cores, job_cores=1, throttle=HOT if throttled else None, other_apps=apps)
    processor = Processor(world.sim, "phone", flops_per_s=1.0, step_overhead_s=0.0, chip=chip, owner=Nobody())

    async def run(start_s, work_s, patience_s):
        await asyncio.sleep(start_s)
        try:
            async with asyncio.timeout(patience_s):
                await processor.run(processor.job(Work(flops=work_s)))
        except TimeoutError:
            return math.inf
        return world.sim.now

    done_s = world.run(*(run(*job) for job in jobs))
    assert done_s == pytest.approx(slow(jobs, chip, AppTimes(apps, world.sim.rng("other apps", "phone"))), rel=1e-9)
    assert processor.load == 0


def slow(jobs, chip, apps):
    """Ends of jobs: (start, work, patience); infinity if given up before."""
    left = dict(enumerate(work_s for _, work_s, _ in jobs))
    done_s, now_s = [math.inf] * len(jobs), 0.0
    budget_s = chip.throttle.after_s if chip.throttle else math.inf
    while left:
        there = [i for i in left if jobs[i][0] <= now_s]
        taken, until_s = apps.at(now_s)
        each = min(1 / chip.cores, 1 / len(there)) * (1 - taken) if there else 0.0
        load = each * len(there)
        pace = 1.0 if budget_s > 1e-12 else chip.throttle.speed_share
        steps_s = [until_s - now_s, *(jobs[i][0] - now_s for i in left if jobs[i][0] > now_s)]
        steps_s += [left[i] / each / pace for i in there]
        steps_s += [jobs[i][0] + jobs[i][2] - now_s for i in there]
        steps_s += [budget_s / load] if load and 1e-12 < budget_s < math.inf else []
        step_s = min(steps_s)
        now_s += step_s
        for i in there:
            left[i] -= step_s * each * pace
            if left[i] <= 1e-9:
                done_s[i] = now_s
                del left[i]
            elif now_s >= jobs[i][0] + jobs[i][2] - 1e-12:
                del left[i]
        change_s = -step_s * load if load else step_s
        budget_s = min(max(budget_s + change_s, 0.0), chip.throttle.after_s) if chip.throttle else math.inf
    return done_s
