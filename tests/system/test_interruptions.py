"""Stories of work that is interrupted: aborted, paused, resumed; and of jobs and servers that fail.

Everything takes whole seconds: 1 GFLOP/s, 1 MB a second, 4 W computing, 0.5 W awake, 1/16 W asleep, and 1/8 W for a
radio that listens.
"""

import asyncio

import pytest

from fedsim.errors import DeviceCrashedError, JobFaultError, MessageCorruptedError, ServerDownError
from fedsim.system.exposure import Exposed
from fedsim.system.faults import Faults
from fedsim.system.law import Constant, Exponential, Weibull
from fedsim.system.messenger import Messenger
from fedsim.system.mishaps import Lateness, Manners
from fedsim.system.outage import Outage, Schedule
from fedsim.system.presence import Crashes
from fedsim.system.retry import Retry
from fedsim.system.server import Server, ServerSpec

MB = 1_000_000
GIGA = 1e9


def wasted(world):
    """Causes with what they cost: joules, bytes up, bytes down, seconds."""
    rows = [row for _, row in world.events("wasted")]
    return [(r["cause"], r["energy_j"], r["sent_bytes"], r["received_bytes"], r["compute_s"]) for r in rows]


async def compute(phone, seconds, epochs=1.0):
    async with phone.at_work():
        await phone.compute(seconds * GIGA, 0, epochs=epochs)
    return asyncio.get_running_loop().time()


async def send(source, target, size_bytes):
    async with source.at_work():
        delivery = await source.send(target, size_bytes)
    return asyncio.get_running_loop().time(), delivery


@pytest.mark.parametrize(
    ("interrupted", "end_s", "compute_s", "waste"),
    [
        ("pause", 14.0, 10.0, []),
        ("resume", 15.0, 11.0, [("crash", 4.0, 0.0, 0.0, 1.0)]),
    ],
)
def test_computing_outlasts_a_crash(world, crashing, interrupted, end_s, compute_s, waste):
    """10 s in epochs of 2 s; away from 5 s to 9 s. Paused, 5 s are left; resumed after two epochs, 6 s."""
    phone = world.phone(crashes=crashing([5.0], [4.0]), interrupted=interrupted)
    assert world.run(compute(phone, 10.0, epochs=5.0)) == [end_s]
    assert world.spent(phone) == pytest.approx({"compute": 4 * compute_s, "sleep": 4 * 0.0625 + end_s * 0.125})
    assert wasted(world) == [pytest.approx(row) for row in waste]
    world.check_nothing_is_held()


def test_aborted_computing_is_lost(world, crashing, at):
    phone = world.phone(crashes=crashing([5.0], [4.0]))
    (outcome,) = world.run(at(0.0, compute, phone, 10.0, 5.0))
    assert (type(outcome.error), outcome.end_s) == (DeviceCrashedError, 5.0)
    assert wasted(world) == [("crash", 20.0, 0.0, 0.0, 5.0)]


def test_the_last_epoch_may_be_cut_short(world, crashing):
    """5 s in 2.5 epochs: 2 s, 2 s and 1 s. The crash at 4.5 s costs half a second of the last one."""
    phone = world.phone(crashes=crashing([4.5], [1.0]), interrupted="resume")
    assert world.run(compute(phone, 5.0, epochs=2.5)) == pytest.approx([6.5])
    assert wasted(world) == [pytest.approx(("crash", 2.0, 0.0, 0.0, 0.5))]


@pytest.mark.parametrize("interrupted", ["pause", "resume"])
def test_who_goes_as_the_work_ends_has_not_ended(world, crashing, interrupted):
    """The going comes first; back after 3 s, nothing is left to a job that was paused, and all of an epoch."""
    phone = world.phone(crashes=crashing([2.0], [3.0]), interrupted=interrupted)
    assert world.run(compute(phone, 2.0)) == [{"pause": 5.0, "resume": 7.0}[interrupted]]


@pytest.mark.parametrize(
    ("interrupted", "chunk_bytes", "end_s", "waste"),
    [
        ("pause", MB, 14.0, []),
        ("resume", 2 * MB, 15.0, [("crash", MB)]),
        ("resume", float("inf"), 19.0, [("crash", 5 * MB)]),
    ],
)
@pytest.mark.parametrize("way", ["up", "down"])
def test_a_message_outlasts_a_crash(make_world, crashing, interrupted, chunk_bytes, end_s, waste, way):
    """10 MB; away from 5 s to 9 s. From the byte, from the last of 2 MB chunks, or from its start."""
    world = make_world(chunk_bytes=chunk_bytes)
    phone = world.phone(crashes=crashing([5.0], [4.0]), interrupted=interrupted)
    story = send(phone, world.server, 10 * MB) if way == "up" else world.server.send(phone, 10 * MB)
    (outcome,) = world.run(story)
    delivery = outcome[1] if way == "up" else outcome
    assert world.sim.now == pytest.approx(end_s)
    assert delivery.total_s == pytest.approx(end_s)
    assert list(delivery.wasted.items()) == [(cause, pytest.approx(size)) for cause, size in waste]
    assert delivery.wire_bytes == pytest.approx(10 * MB + sum(size for _, size in waste))
    assert [row["cause"] for _, row in world.events("resumed")] == ["crash"]
    world.check_nothing_is_held()


def test_one_end_that_aborts_is_enough(make_world, crashing, at):
    world = make_world()
    patient = world.phone("patient", crashes=crashing([5.0], [4.0]), interrupted="pause")
    world.phone("hasty", crashes=crashing([7.0], [4.0]))
    (outcome,) = world.run(at(0.0, send, world.phones[1], patient, 10 * MB))
    assert (type(outcome.error), outcome.end_s) == (DeviceCrashedError, 7.0)


def test_a_promotion_begins_anew(world, radio, crashing):
    """It goes in the middle of it, and comes back when the tail is over: 1 s to wake, and 1 s of bytes."""
    phone = world.phone(radio=radio, crashes=crashing([0.5], [20.0]), interrupted="pause")
    ((end_s, _),) = world.run(send(phone, world.server, MB))
    assert end_s == 22.5


def test_who_never_comes_back_is_not_waited_for(world, at):
    """33 J at 4.125 W, and no charger: after 8 s it is gone for good, whatever the policy."""
    phone = world.phone(charge_j=33.0, interrupted="pause")
    (outcome,) = world.run(at(0.0, compute, phone, 10.0))
    assert (outcome.error.cause, outcome.end_s) == ("battery", 8.0)
    assert wasted(world) == [("battery", 32.0, 0.0, 0.0, 8.0)]
    world.check_nothing_is_held()


def test_somebody_who_only_waits_ends_when_the_device_is_gone_for_good(world, at):
    async def wait(phone):
        async with phone.at_work():
            await asyncio.Event().wait()

    phone = world.phone(charge_j=12.5, interrupted="resume")
    (outcome,) = world.run(at(0.0, wait, phone))
    assert (outcome.error.cause, outcome.end_s) == ("battery", 20.0)


def test_a_deadline_finds_it_away(world, crashing, at):
    """It would have gone on at 9 s; at 7 s nobody waits any more. That it was late is because it crashed."""
    phone = world.phone(crashes=crashing([5.0], [4.0]), interrupted="pause")
    (outcome,) = world.run(at(0.0, compute, phone, 10.0, until_s=7.0, cause="late"))
    assert isinstance(outcome.error, asyncio.CancelledError)
    assert wasted(world) == [pytest.approx(("crash", 20.0, 0.0, 0.0, 5.0))]
    world.check_nothing_is_held()


def test_a_job_fails_and_is_tried_again(world):
    """A fault after every 3 s of computing: 5 s of work cannot be done in three attempts, 2 s can in one."""
    phone = world.phone(faults=Faults(every_s=Constant(3.0), attempts=3, pause_s=1.0))

    async def story():
        end_s = await compute(phone, 2.0)
        with pytest.raises(JobFaultError):
            await compute(phone, 5.0)
        return end_s, asyncio.get_running_loop().time()

    assert world.run(story()) == [(2.0, 2.0 + 3 * 3.0 + 2 * 1.0)]
    assert wasted(world)[:3] == [("fault", 12.0, 0.0, 0.0, 3.0)] * 3
    assert wasted(world)[3] == ("fault", 1.0, 0.0, 0.0, 0.0)  # waiting for the next attempt
    assert [row["attempt"] for _, row in world.events("fault")] == [1, 2, 3]
    assert [row["cause"] for _, row in world.events("refused")] == ["fault"]


def test_a_fault_spoils_epochs_that_were_safe_from_crashes(world, crashing):
    """Its fuse burns only while it computes: 1 s before the crash, 3 s after; then all 6 s once more."""
    phone = world.phone(crashes=crashing([1.0], [2.0]), interrupted="resume", faults=Faults(every_s=Constant(4.0)))
    with pytest.raises(JobFaultError):
        world.run(compute(phone, 6.0, epochs=6.0))
    assert [at_s for at_s, _ in world.events("fault")] == [6.0, 10.0, 14.0]
    assert [(row[0], row[4]) for row in wasted(world)] == [
        ("crash", 1.0),
        *[("fault", 3.0), ("fault", 4.0), ("fault", 4.0)],
        ("fault", 0.0),  # what its waiting cost
    ]
    assert phone.usage().compute_s == 12.0


def test_attempts_equal_theory(make_world, closed_form):
    """Attempts of 30 s fail with probability 5 % and are repeated after 2 s: within 4 standard errors."""
    inputs, value = closed_form("retransmit")
    p, n = inputs["p"], 4000
    world = make_world()
    phone = world.phone(faults=Faults(per_job=p, attempts=100, pause_s=inputs["b"]))

    async def story():
        for _ in range(n):
            await phone.compute(inputs["a"] * GIGA, 0)

    world.run(story())
    attempts = (n + len(world.events("fault"))) / n
    error = p**0.5 / (1 - p) / n**0.5
    assert attempts == pytest.approx(value["attempts"], abs=4 * error)
    assert world.sim.now / n == pytest.approx(value["E"], abs=4 * error * (inputs["a"] + inputs["b"]))


def test_messages_sent_again_equal_theory(make_world, closed_form):
    """The same law for messages: 30 s each, corrupted with 5 %, again after 2 s."""
    inputs, value = closed_form("retransmit")
    p, n = inputs["p"], 2000
    again = Retry(attempts=100, first_s=inputs["b"], factor=1.0)
    world = make_world(corruption=p, retry=again)
    phone = world.phone()

    async def story():
        return [await phone.send(world.server, inputs["a"] * MB) for _ in range(n)]

    (deliveries,) = world.run(story())
    error = p**0.5 / (1 - p) / n**0.5
    assert world.sim.now / n == pytest.approx(value["E"], abs=4 * error * (inputs["a"] + inputs["b"]))
    in_vain = sum(delivery.wasted.get("corrupted", 0.0) for delivery in deliveries)
    assert in_vain == pytest.approx(len(world.events("corrupted")) * inputs["a"] * MB)


@pytest.mark.parametrize("name", ["weibull_1_100", "weibull_0.7_100", "weibull_1.5_3600"])
def test_restarts_equal_theory(make_world, closed_form, name):
    """Work restarted from nothing after each failure of a Weibull device: its mean time, within 4 standard errors."""
    inputs, value = closed_form(name)
    world = make_world(seed=3)
    crashes = Crashes(every_s=Weibull(shape=inputs["k"], scale=inputs["c"]), repair_s=Exponential(mean=inputs["MTTR"]))
    phones = [world.phone(f"phone-{i}", crashes=crashes, interrupted="resume") for i in range(2000)]
    times = world.run(*(compute(phone, inputs["w"]) for phone in phones))
    mean_s = sum(times) / len(times)
    error_s = (sum((time - mean_s) ** 2 for time in times) / len(times)) ** 0.5 / len(times) ** 0.5
    assert mean_s == pytest.approx(value["restart_mean_time"], abs=4 * error_s)
    assert error_s < 0.03 * mean_s


def test_a_corrupted_message_arrives_and_is_thrown_away(make_world):
    world = make_world(corruption=0.999)
    phone = world.phone()
    with pytest.raises(MessageCorruptedError, match="a message from phone to server was corrupted") as error:
        world.run(send(phone, world.server, MB))
    assert (error.value.sent_bytes, error.value.wasted_bytes) == (MB, MB)
    assert world.server.received_bytes == MB
    assert [row[:3] for row in wasted(world)] == [("corrupted", pytest.approx(3.5), MB)]


def test_only_the_corrupted_chunks_go_again(make_world):
    world = make_world(corruption=0.3, message_loss=0.2, chunk_bytes=MB, retry=Retry(attempts=50, first_s=1.0))
    phone = world.phone()
    ((_, delivery),) = world.run(send(phone, world.server, 40 * MB))
    assert delivery.wasted["corrupted"] > 5 * MB
    assert delivery.wasted["resent"] > 3 * MB
    assert delivery.wire_bytes == pytest.approx(40 * MB + sum(delivery.wasted.values()))
    assert {cause: sent for cause, _, sent, _, _ in wasted(world)} == {}  # the protocol books what it is told


def test_a_duplicate_uses_the_links_and_delays_nobody(make_world):
    """The message is there after 1 s; its copy takes another second, and comes out of no stint."""
    world = make_world(duplication=0.999)
    phone = world.phone()
    ((end_s, delivery),) = world.run(send(phone, world.server, MB), until_s=5.0)
    assert (end_s, delivery.wire_bytes, delivery.wasted) == (1.0, MB, {})
    assert phone.usage().sent_bytes == world.server.received_bytes == 2 * MB
    assert [row[:3] for row in wasted(world)] == [("duplicate", 0.0, MB)]
    assert world.network.traffic().delivered_bytes == 2 * MB
    world.check_nothing_is_held()


def test_a_duplicate_is_booked_once_though_a_stint_sees_it_move(make_world, crashing):
    """The stint goes on for half a second of the copy, and is lost; the copy ends with the phone."""
    world = make_world(duplication=0.999)
    phone = world.phone(crashes=crashing([1.5], [1.0]))

    async def story():
        async with phone.at_work():
            await phone.send(world.server, MB)
            await asyncio.sleep(5.0)

    with pytest.raises(DeviceCrashedError):
        world.run(story())
    assert sorted((cause, up) for cause, _, up, _, _ in wasted(world)) == [("crash", MB), ("duplicate", 0.5 * MB)]
    assert phone.usage().sent_bytes == 1.5 * MB


def test_some_messages_are_held_up(make_world):
    """A tenth of them, by 2 s, before their bytes move."""
    world = make_world(lateness=Lateness(share=0.1, by_s=Constant(2.0)))
    phone = world.phone()

    async def story():
        return [(await phone.send(world.server, MB)).delay_s for _ in range(2000)]

    (delays,) = world.run(story())
    assert set(delays) == {0.0, 2.0}
    assert sum(delays) / 2.0 / 2000 == pytest.approx(0.1, abs=4 * (0.1 * 0.9 / 2000) ** 0.5)
    assert world.sim.now == pytest.approx(2000 + sum(delays))


def test_each_mishap_has_its_own_luck(make_world):
    def losses(**more):
        world = make_world(message_loss=0.3, retry=Retry(attempts=100, first_s=1.0), **more)
        phone = world.phone()

        async def story():
            return [len([await phone.send(world.server, 1.0)]) for _ in range(30)]

        world.run(story())
        return [row for _, row in world.events("lost")]

    alone = losses()
    assert losses(duplication=0.5) == alone
    assert losses(lateness=Lateness(share=0.5, by_s=Constant(1.0))) == alone


def server(world, **spec):
    """A server that crashes, in place of the world's."""
    machine = ServerSpec(place="server", flops_per_s=1e9, train_w=100.0, idle_w=10.0, **spec)
    world.server = Server(world.sim, machine, world.messenger)
    return world.server


def test_a_server_that_is_down_computes_nothing(world, crashing):
    machine = server(world, crashes=crashing([2.0], [3.0]))

    async def story():
        with pytest.raises(ServerDownError):
            await machine.compute(4 * GIGA)
        assert not machine.is_there()
        with pytest.raises(ServerDownError):
            await machine.compute(GIGA)
        await machine.back()
        await machine.compute(GIGA)

    world.run(story())
    assert world.sim.now == 6.0
    assert machine.usage().energy_j["compute"] == 3 * 100.0
    assert machine.usage().energy_j["idle"] == 3 * 10.0
    assert (machine.wasted.compute_s, machine.wasted.energy_j["compute"]) == (2.0, 200.0)
    world.check_nothing_is_held()


def test_a_server_that_resumes_computes_again_what_it_was_at_and_its_queue_waits(world, crashing):
    machine = server(world, crashes=crashing([2.0], [3.0]), interrupted="resume")

    async def job(seconds):
        await machine.compute(seconds * GIGA)
        return world.sim.now

    assert world.run(job(4.0), job(1.0)) == [9.0, 10.0]
    assert machine.wasted.compute_s == 2.0
    assert [row["compute_s"] for _, row in world.events("undone")] == [2.0]


@pytest.mark.parametrize(("interrupted", "end_s"), [("abort", 2.0), ("resume", 9.0)])
def test_a_message_to_a_server_that_goes(world, crashing, at, interrupted, end_s):
    """4 MB, down from 2 s to 5 s: it fails, or begins again when the server is back."""
    machine = server(world, crashes=crashing([2.0], [3.0]), interrupted=interrupted)
    (outcome,) = world.run(at(0.0, send, world.phone(), machine, 4 * MB))
    assert outcome.end_s == end_s
    assert isinstance(outcome.error, ServerDownError) == (interrupted == "abort")


def test_a_server_that_resumes_is_waited_for_from_the_first(world, crashing):
    machine = server(world, crashes=crashing([2.0], [3.0]), interrupted="resume")

    async def story():
        await asyncio.sleep(3.0)
        return await send(world.phones[0], machine, MB)

    world.phone()
    assert world.run(story())[0][0] == 6.0


def test_a_power_cut_takes_all_along_at_one_instant(world):
    """Two of three phones hang on it, from 3 s to 5 s; what they share is when, not whether they mind."""
    cut = Outage(machines=("region",), times=Schedule(from_s=(3.0,), for_s=(2.0,))).cut(world.sim)
    aborts = world.phone("aborts", cuts=[cut])
    pauses = world.phone("pauses", cuts=[cut], interrupted="pause")
    elsewhere = world.phone("elsewhere")

    async def story(phone):
        try:
            return await compute(phone, 4.0)
        except DeviceCrashedError:
            return None
        except Exception as error:  # noqa: BLE001  # the cause is what the test is about
            return error.cause

    assert world.run(*map(story, (aborts, pauses, elsewhere))) == ["outage", 6.0, 4.0]
    assert [(at_s, row["subject"], row["cause"]) for at_s, row in world.events("down")] == [
        (3.0, "aborts", "outage"),
        (3.0, "pauses", "outage"),
    ]
    assert [row[0] for row in wasted(world)] == ["outage"]


def test_an_outage_of_a_node_and_its_machines_is_one_misfortune(make_world):
    """By law: the cell as the network sees it, and as its phone does."""
    laws = Crashes(every_s=Exponential(mean=10.0), repair_s=Exponential(mean=5.0))
    outage = Outage(nodes=("cell",), machines=("phone",), times=laws)
    world = make_world(outages=[outage])
    one, other = outage.cut(world.sim), outage.cut(world.sim)
    switches, now_s = [], 0.0
    for _ in range(50):
        is_there, until_s = one.at(now_s)
        assert other.at(now_s) == (is_there, until_s)
        switches.append(until_s)
        now_s = until_s
    world.messenger._outages._watched[0].process.at(0.0)
    assert world.messenger._outages._watched[0].process.at(0.0)[1] == switches[0]


def test_a_machine_is_there_when_all_it_hangs_on_is():
    class Until:
        def __init__(self, off_s, on_s):
            self.off_s, self.on_s = off_s, on_s

        def at(self, time_s):
            if time_s < self.off_s:
                return True, self.off_s
            return (False, self.on_s) if time_s < self.on_s else (True, 100.0)

    exposed = Exposed([(Until(4.0, 6.0), ServerDownError), (Until(5.0, 8.0), DeviceCrashedError)])
    assert (exposed.down(0.0), exposed.goes_s(0.0)) == (None, 4.0)
    assert exposed.down(5.5) == (ServerDownError, 6.0)
    assert exposed.down(6.0) == (DeviceCrashedError, 8.0)
    assert exposed.down(8.0) is None


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (Faults, "need a probability per job, or a law"),
        (lambda: Faults(per_job=1.0), "per_job must be at least 0 % and below 100 %, got 100 %"),
        (lambda: Faults(per_job=float("nan")), "per_job must be"),
        (lambda: Faults(per_job=0.1, attempts=0), "attempts must be >= 1, got 0"),
        (lambda: Faults(per_job=0.1, pause_s=-1.0), "pause must be >= 0 and finite, got -1.0"),
        (lambda: Faults(every_s=Constant(-1.0)), "every must not be negative"),
        (lambda: Lateness(share=0.0, by_s=Constant(1.0)), "share must be above 0 % and at most 100 %, got 0 %"),
        (lambda: Lateness(share=0.5, by_s=Constant(-1.0)), "by must not be negative"),
        (lambda: Manners(corruption=1.0), "corruption must be at least 0 % and below 100 %, got 100 %"),
        (lambda: Manners(duplication=-0.1), "duplication must be at least 0 % and below 100 %, got -10 %"),
        (lambda: Outage(times=Schedule(from_s=(1.0,), for_s=(1.0,))), "needs nodes, a link or machines"),
    ],
)
def test_what_cannot_be_is_refused(make, rule):
    with pytest.raises(ValueError, match=rule):
        make()


def test_a_messenger_without_manners_loses_nothing(world):
    assert isinstance(world.messenger, Messenger)
    ((end_s, delivery),) = world.run(send(world.phone(), world.server, MB))
    assert (end_s, delivery.wasted) == (1.0, {})
