"""Recorded comings and goings: against a slow twin, and the published table of the recording that there is."""

import gzip
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.system.attendance import Playback, Replay
from fedsim.system.attendance_file import Reading, Recording, read_recording
from fedsim.system.law import Constant, Uniform
from fedsim.system.presence import GroupPresence
from fedsim.system.process import Crowd

PHONES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "traces" / "availability_300.csv.gz"


def crowd(n):
    return Crowd(things=np.arange(n, dtype=np.uint64), luck=Simulation(seed=1).luck)


@pytest.fixture
def write(tmp_path):
    def to(text, name="trace.csv"):
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return to


STATES = "device,t_s,state\na,0,0\na,10,2\na,30,1\nb,0,2\nb,5,0\nb,5,2\nb,40,0\n"
STAYS = "device,start_s,end_s\na,10,30\nb,0,40\n"


def presence(path, n=2, **changes):
    return GroupPresence(crowd(n), [Replay(trace=path, **changes)])


@pytest.mark.parametrize("text", [STATES, STAYS])
@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz"])
def test_both_forms_plain_and_packed(write, text, name):
    there = presence(write(text, name), loop=False)
    assert [there.at(np.arange(2), t)[0].tolist() for t in (0, 9, 10, 29, 30, 39, 40, 999)] == [
        [False, True], [False, True], [True, True], [True, True], [False, True], [False, True], [False, False],
        [False, False],
    ]  # fmt: skip
    assert there.at(np.arange(2), 999.0)[1].tolist() == [math.inf] * 2


def test_other_states_can_count_as_there(write):
    there = presence(write(STATES), reading=Reading(states=("1", "2")), loop=False)
    assert there.of(0).goes_s(10.0) == math.inf


def test_a_recording_goes_round_is_stretched_and_shifted(write):
    """Of 40 s, at half speed, begun at 50 s: device a is there from 20 s to 60 s of every 80 s."""
    there = presence(write(STAYS), stretch=2.0, shift_s=Constant(50.0)).of(0)
    assert there.down(0.0) is None
    assert there.goes_s(0.0) == 10.0
    assert there.down(10.0)[1] == 30.0  # the end of a lap is as far as it looks
    assert there.down(30.0)[1] == 50.0
    assert there.goes_s(50.0) == 90.0
    assert there.down(90.0) is not None


def test_a_recording_can_be_cut(write):
    there = presence(write(STAYS), reading=Reading(lasts_s=20.0)).of(0)
    assert there.goes_s(15.0) == 20.0
    assert there.down(20.0)[1] == 30.0


def test_lives_are_handed_out_in_turn(write):
    there = presence(write(STAYS), n=5, loop=False)
    assert there.at(np.arange(5), 1.0)[0].tolist() == [False, True, False, True, False]


def test_every_device_has_a_shift_of_its_own(write):
    there = presence(write(STAYS), n=2000, shift_s=Uniform(0.0, 40.0))
    up = there.at(np.arange(2000), 0.0)[0].reshape(-1, 2).mean(axis=0)
    assert up == pytest.approx([0.5, 1.0], abs=4 * 0.5 / math.sqrt(1000))


def slow_state(rows, time_s, span_s, *, loop):
    """Rows of one device; the last at or before the time counts."""
    if loop:
        time_s %= span_s
    return next((there for begin_s, there in reversed(rows) if begin_s <= time_s), False)


lives = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=6), min_size=1, max_size=3)


@settings(deadline=None, max_examples=100)
@given(lives, st.lists(st.integers(0, 200), min_size=1, max_size=9).map(sorted), st.integers(0, 50), st.booleans())
def test_it_is_what_the_rows_say(steps, ticks, shift, loop):
    devices = [[(0.0, False)] for _ in steps]
    for rows, of_one in zip(devices, steps, strict=True):
        for step in of_one:
            rows.append((rows[-1][0] + step, not rows[-1][1]))
    span_s = max(rows[-1][0] for rows in devices) + 3.0
    recording = Recording(
        begins_s=np.array([begin for rows in devices for begin, _ in rows]),
        is_on=np.array([there for rows in devices for _, there in rows]),
        offsets=np.cumsum([0, *map(len, devices)]),
        span_s=span_s,
    )
    playback = Playback(recording, np.full(len(devices), float(shift)), stretch=1.0, loop=loop)
    for tick in ticks:
        there, until_s = playback.at(np.arange(len(devices)), tick / 2)
        expected = [slow_state(rows, tick / 2 + shift, span_s, loop=loop) for rows in devices]
        assert there.tolist() == expected
        for rank, rows in enumerate(devices):
            end_s = float(until_s[rank])
            assert end_s > tick / 2
            if math.isfinite(end_s):
                halfway_s = (tick / 2 + end_s) / 2
                assert slow_state(rows, halfway_s + shift, span_s, loop=loop) == expected[rank]
            assert playback.one(rank, tick / 2) == (expected[rank], end_s)


@given(st.floats(0.1, 10.0), st.floats(0.0, 1e6), st.floats(0.0, 1e7))
def test_the_end_of_a_stretch_is_always_later(stretch, shift_s, time_s):
    recording = Recording(
        begins_s=np.array([0.0, 1.1, 3.3]), is_on=np.array([False, True, False]), offsets=np.array([0, 3]), span_s=7.7
    )
    playback = Playback(recording, np.array([shift_s]), stretch=stretch, loop=True)
    for _ in range(9):
        is_on, until_s = playback.one(0, time_s)
        assert until_s > time_s
        assert playback.one(0, until_s)[0] in {not is_on, is_on}
        time_s = until_s


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("device,t_s\na,0\n", ["trace.csv:1: columns must be device, t_s, state (and variant), or"]),
        ("", ["trace.csv:1: columns must be"]),
        ("device,t_s,state,colour\n", ["trace.csv:1: columns must be"]),
        ("device,t_s,state\n", ["trace.csv: has no rows"]),
        (
            "device,t_s,state\na,5,2\na,3,0\na,x,0\na,-1,0\na,nan,0\na,9\n",
            [
                "trace.csv:3: t_s: time goes back, from 5 s to 3 s",
                "trace.csv:4: t_s must be seconds >= 0, got 'x'",
                "trace.csv:5: t_s must be seconds >= 0, got '-1'",
                "trace.csv:6: t_s must be seconds >= 0, got 'nan'",
                "trace.csv:7: must have 3 cells, got 2",
            ],
        ),
        ("device,start_s,end_s\na,5,3\n", ["trace.csv:2: end_s: time goes back, from 5 s to 3 s"]),
        ("device,start_s,end_s\na,5,9\na,7,10\n", ["trace.csv:3: start_s: time goes back, from 9 s to 7 s"]),
    ],
)
def test_mistakes_name_file_and_line(write, text, lines):
    with pytest.raises(ScenarioError) as caught:
        read_recording(write(text), Reading())
    found = str(caught.value).splitlines()
    assert len(found) == len(lines)
    for one, line in zip(found, lines, strict=True):
        assert line in one


def test_files_that_cannot_be_read(write, tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_recording(str(tmp_path / "none.csv"), Reading())
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(b"not packed at all")
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_recording(str(broken), Reading())
    with pytest.raises(ScenarioError, match="has no rows of variant '4st'"):
        read_recording(write("device,variant,t_s,state\na,2st,0,2\n"), Reading(variant="4st"))
    with pytest.raises(ScenarioError, match="lasts 0 s, and cannot be looped"):
        Replay(trace=write("device,t_s,state\na,0,2\n")).recording()


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"stretch": 0.0}, "stretch must be > 0"), ({"shift_s": Uniform(-1.0, 1.0)}, "shift must be >= 0")],
)
def test_rules_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Replay(trace="x", **changes)


@pytest.fixture(scope="module")
def recording():
    if not PHONES.exists():
        pytest.skip("needs shared/data/traces beside the checkout")
    return read_recording(str(PHONES), Reading(variant="2st", drop_first=True, lasts_s=6 * 86_400.0))


def test_the_recorded_phones_are_those_of_the_table(recording):
    """Trace notes: eligible fraction per phone, sessions and gaps; gaps under 60 s merged, such sessions left out."""
    assert len(recording) == 300
    fractions, sessions, gaps = [], [], []
    for j in range(300):
        on = merged(recording, j)
        fractions.append(sum(end - begin for begin, end in on) / recording.span_s)
        sessions += [end - begin for begin, end in on]
        gaps += [later[0] - earlier[1] for earlier, later in itertools.pairwise(on)]
    assert np.percentile(fractions, [10, 50, 90]) == pytest.approx([0.026, 0.129, 0.336], rel=0.05)
    assert np.mean(fractions) == pytest.approx(0.161, rel=0.02)
    assert np.percentile(sessions, [25, 50, 75]) == pytest.approx([1218, 3221, 7477], rel=0.05)
    assert np.percentile(gaps, [25, 50, 75]) == pytest.approx([1914, 9182, 31_125], rel=0.05)


def merged(recording, device, least_s=60.0):
    """Sessions of one phone, with gaps under a minute bridged and then sessions under a minute dropped."""
    begin, end = recording.offsets[device], recording.offsets[device + 1]
    ends_s = np.append(recording.begins_s[begin + 1 : end], recording.span_s)
    rows = zip(recording.begins_s[begin:end], ends_s, recording.is_on[begin:end], strict=True)
    bridged = []
    for start_s, stop_s, there in rows:
        if not there:
            continue
        if bridged and start_s - bridged[-1][1] < least_s:
            bridged[-1] = (bridged[-1][0], stop_s)
        else:
            bridged.append((start_s, stop_s))
    return [(start_s, stop_s) for start_s, stop_s in bridged if stop_s - start_s >= least_s]


def test_how_long_a_recorded_phone_stays_from_a_random_instant(recording):
    """Device notes, section 8, number 4: 0.90 +- 0.01 after ten minutes, raw events of a minute or more, completed."""
    there = Playback(recording, np.zeros(300), stretch=1.0, loop=True)
    lengths = np.diff(np.append(recording.begins_s, 0.0))
    inside = np.ones(len(lengths), dtype=bool)
    inside[recording.offsets[1:] - 1] = False
    lengths = lengths[recording.is_on & inside]
    lengths = lengths[lengths >= 60]
    survives = [np.maximum(lengths - t, 0).sum() / lengths.sum() for t in (60, 120, 300, 600, 1200, 3600)]
    assert survives == pytest.approx([0.988, 0.977, 0.945, 0.898, 0.818, 0.598], abs=0.01)
    hours = [there.at(np.arange(300), 3600.0 * hour)[0].mean() for hour in range(12, 132)]
    assert 0.05 < min(hours) < max(hours) < 0.30


def test_a_mark_at_the_beginning_of_the_file_is_no_part_of_its_header(write):
    assert presence(write("\ufeff" + STATES)).at(np.arange(2), 12.0)[0].tolist() == [True, True]


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (Reading(states=("9",)), "trace.csv: state: '9' is not a known state in this file (known: 0, 1, 2)"),
        (Reading(variant="2st"), "trace.csv:1: has no column 'variant', so that none can be '2st'"),
    ],
)
def test_what_is_asked_for_must_be_in_the_file(write, reading, words):
    with pytest.raises(ScenarioError) as refused:
        read_recording(write(STATES), reading)
    assert words in str(refused.value)
