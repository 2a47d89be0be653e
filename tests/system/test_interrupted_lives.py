"""Each policy of interruption against a slow twin that lives through one job, or one message, in plain loops."""

import asyncio
import math
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import DeviceCrashedError

MB = 1_000_000
GIGA = 1e9

quarters = st.integers(1, 16).map(lambda number: number / 4)
pieces = st.integers(1, 16).map(lambda number: number / 8)  # so many of them are exactly as long as they are together
absences = st.lists(st.tuples(quarters, quarters), max_size=4)


@dataclass(frozen=True)
class Fate:
    """When it ends, what was lost, and whether it came to its end at all."""

    end_s: float
    lost: float
    is_done: bool


def twin(work, piece, away, interrupted, until_s):
    """One second of work a second, while it is there; ``piece``: what is safe once it is complete."""
    now_s, safe, done, lost = 0.0, 0.0, 0.0, 0.0
    spans, edge_s = [], 0.0
    for on_s, off_s in away:
        spans.append((edge_s, edge_s + on_s))
        edge_s += on_s + off_s
    spans.append((edge_s, math.inf))
    for here_s, gone_s in spans:
        if until_s <= here_s:
            return Fate(until_s, lost + safe + done, False)
        now_s = here_s
        ends_s = now_s + work - safe - done
        if ends_s < min(gone_s, until_s):
            return Fate(ends_s, lost, True)
        stop_s = min(gone_s, until_s)
        done += stop_s - now_s
        if until_s <= gone_s:
            return Fate(until_s, lost + safe + done, False)
        if interrupted == "abort":
            return Fate(gone_s, done, False)
        if interrupted == "resume":
            # What would be complete at the very instant at which it goes is not.
            complete = math.ceil((safe + done) / piece) - 1
            new_safe = max(safe, complete * piece)
            lost += safe + done - new_safe
            safe, done = new_safe, 0.0
    raise AssertionError


def outcome(make_world, crashing, away, interrupted, story, until_s, **manners):
    """Runs a story of a phone at work until ``until_s``: whether it came to its end, when, and the world."""
    world = make_world(**manners)
    times = crashing([on_s for on_s, _ in away], [off_s for _, off_s in away])
    phone = world.phone(crashes=times, interrupted=interrupted)

    async def whole():
        async with phone.at_work():
            await story(world, phone)

    async def judged():
        task = asyncio.ensure_future(whole())
        timer = asyncio.get_running_loop().call_at(until_s, task.cancel, "late")
        await asyncio.wait([task])
        timer.cancel()
        is_done = not task.cancelled() and task.exception() is None
        assert is_done or task.cancelled() or isinstance(task.exception(), DeviceCrashedError)
        return is_done, world.sim.now

    (judgement,) = world.run(judged())
    return judgement, world


@settings(deadline=None, max_examples=150)
@given(
    piece=pieces,
    epochs=st.integers(1, 4),
    away=absences,
    interrupted=st.sampled_from(["abort", "pause", "resume"]),
    until_s=st.integers(1, 200).map(lambda number: number / 4 + 0.1),
)
def test_computing_is_what_the_policy_says(make_world, crashing, piece, epochs, away, interrupted, until_s):
    """At any instant: within an epoch, at its end, at the end of all, while it is away, and past the deadline."""
    seconds = piece * epochs

    async def story(world, phone):
        await phone.compute(seconds * GIGA, 0, epochs=epochs)

    (is_done, end_s), world = outcome(make_world, crashing, away, interrupted, story, until_s)
    fate = twin(seconds, piece, away, interrupted, until_s)
    assert (is_done, end_s) == (fate.is_done, pytest.approx(fate.end_s))
    wasted_s = sum(row["compute_s"] for _, row in world.events("wasted"))
    assert wasted_s == pytest.approx(fate.lost, abs=1e-9)
    assert world.phones[0].usage().compute_s == pytest.approx(fate.lost + (seconds if is_done else 0.0), abs=1e-9)
    world.check_nothing_is_held()


@settings(deadline=None, max_examples=150)
@given(
    piece=pieces,
    chunks=st.integers(1, 4),
    away=absences,
    interrupted=st.sampled_from(["abort", "pause", "resume"]),
    until_s=st.integers(1, 200).map(lambda number: number / 4 + 0.1),
    way=st.sampled_from(["up", "down"]),
)
def test_messages_are_what_the_policy_says(make_world, crashing, piece, chunks, away, interrupted, until_s, way):
    """The same of bytes: 1 MB a second, in chunks; one that ends as the device goes has arrived with its bytes."""
    size, deliveries = piece * chunks, []

    async def story(world, phone):
        ends = (phone, world.server) if way == "up" else (world.server, phone)
        deliveries.append(await ends[0].send(ends[1], size * MB))

    (is_done, end_s), world = outcome(make_world, crashing, away, interrupted, story, until_s, chunk_bytes=piece * MB)
    fate = byte_twin(size, piece, away, interrupted, until_s)
    assert (is_done, end_s) == (fate.is_done, pytest.approx(fate.end_s))
    moved = world.phones[0].usage()
    moved_bytes = moved.sent_bytes + moved.received_bytes
    assert moved_bytes == pytest.approx((fate.lost + (size if is_done else 0.0)) * MB, abs=1e-3)
    if is_done:
        assert deliveries[0].wasted_bytes == pytest.approx(fate.lost * MB, abs=1e-3)
    else:
        in_vain = sum(row["sent_bytes"] + row["received_bytes"] for _, row in world.events("wasted"))
        assert in_vain == pytest.approx(moved_bytes)
    world.check_nothing_is_held()


def byte_twin(size, chunk, away, interrupted, until_s):
    """As ``twin``; but a chunk whose last byte is there as the device goes is complete."""
    left, lost, moved, now_s = size, 0.0, 0.0, 0.0
    for on_s, off_s in [*away, (math.inf, 0.0)]:
        gone_s = now_s + on_s
        if until_s <= now_s:
            return Fate(until_s, lost + moved, False)
        if now_s + left < min(gone_s, until_s):
            return Fate(now_s + left, lost, True)
        if until_s <= gone_s:
            return Fate(until_s, lost + moved + until_s - now_s, False)
        if interrupted == "abort":
            return Fate(gone_s, on_s, False)
        there = min(on_s, left)
        kept = there if interrupted == "pause" else min(math.floor(there / chunk + 1e-9) * chunk, left)
        moved, left, lost = moved + kept, left - kept, lost + there - kept
        now_s = gone_s + off_s
    raise AssertionError


@pytest.mark.parametrize(
    ("interrupted", "cut_s", "share"),
    [
        ("abort", 2.0, 0.2),
        ("pause", 2.0, 0.2),
        ("pause", 8.0, 0.6),  # 3 s, away for 2 s, 3 s more
        ("resume", 2.5, 0.25),
        ("resume", 8.0, 0.5),  # of 3 s one epoch of 2 s is safe; 3 s more
        ("resume", 8.5, 0.55),
    ],
)
def test_how_much_is_done_when_it_is_cut_short(make_world, crashing, interrupted, cut_s, share):
    """Ten seconds of work in five epochs; the phone is away from 3 s to 5 s."""
    world = make_world()
    phone = world.phone(crashes=crashing([3.0], [2.0]), interrupted=interrupted)

    async def story():
        async with phone.at_work():
            with suppress(TimeoutError):
                async with asyncio.timeout(cut_s):
                    await phone.compute(10e9, 0, epochs=5)
            return phone.done_share()

    assert world.run(story()) == [pytest.approx(share)]
