"""The devices of a fleet at work: rows of arrays, and a ``Device`` for each with whom somebody works.

A device that nobody works with is a row: whether it is there follows from its group's processes, what it has drawn and
has left from its standby power and the time since it came to rest. None of that is computed before somebody asks.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, overload

import numpy as np
import numpy.typing as npt

from fedsim.kernel import Simulation
from fedsim.system.device import Device
from fedsim.system.endings import Endings, Standing
from fedsim.system.fleet import Fleet, Rows
from fedsim.system.presence import GroupPresence, Presence
from fedsim.system.process import Array, Bools, Numbers
from fedsim.system.tally import NOTHING, OF_TALLY, Tally, of_tally, summed
from fedsim.system.usage import Usage

_MORE: Final = 4.0
"""By so much the search widens when too few of those with the lowest lots are there."""

_FEW: Final = 8
"""So few are asked one by one, and do not tell which share of all is there."""

_ATTEMPT: Final = 2**40
_MOST: Final = 2.0**64
_CHUNK: Final = 32_768  # lots of 1e6 devices: 12 ms -> 5 ms

Make = Callable[[int, Presence], Device]
"""Makes the device of a row as it is at the start."""


class Crew(Sequence[Device]):
    """All devices of a fleet. ``crew[i]`` makes device i, if it is not made yet, and keeps it."""

    def __init__(self, sim: Simulation, fleet: Fleet, presence: Sequence[GroupPresence], make: Make) -> None:
        self.fleet = fleet
        self._sim = sim
        self._presence = presence
        self._make = make
        self._made: dict[int, Device] = {}
        self._active: dict[int, Device] = {}
        self._rested: dict[int, Tally] = {}
        self._woken: list[Tally] = []  # what is still among all that rest, and rests no more
        self._endings = Endings([kind.shared for kind in fleet.kinds], fleet.kind)
        self._touched, self._ended, self._settled = self._wake, self._endings.put, self._endings.drop
        self._all_rested: Tally = NOTHING
        self._rests = np.ones(len(fleet), dtype=np.bool_)
        self._since_s = np.zeros(len(fleet))
        self._charge_j = fleet.capacity_j()
        finite = np.isfinite(self._charge_j)
        self._charge_j[finite] *= fleet.charge[finite]
        self._standby_w = fleet.by_kind("standby_w")
        self._tickets = np.concatenate(
            [fleet.luck(number)("lots").hashes(fleet.things[fleet.rows(number)]) for number in range(len(fleet.groups))]
        )
        self._lasts_s = np.full(len(fleet), -math.inf)  # until when each that is awake has charge for certain
        self._share = 1.0
        self._round = (-1, np.empty(0, dtype=np.uint64))
        self._charges = fleet.by_kind("charges").astype(np.bool_)
        self._kept_out = np.zeros(len(fleet), dtype=np.bool_)
        self._is_choosy = fleet.by_kind("is_choosy").astype(np.bool_)

    @property
    def eligible(self) -> int:
        """All but those that are kept out."""
        return int(np.count_nonzero(~self._kept_out))

    def __len__(self) -> int:
        return len(self.fleet)

    @overload
    def __getitem__(self, index: int) -> Device: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Device]: ...
    def __getitem__(self, index: int | slice) -> Device | Sequence[Device]:
        if isinstance(index, slice):
            return [self[row] for row in range(*index.indices(len(self)))]
        if (device := self._made.get(index)) is not None:
            return device
        if not -len(self) <= index < len(self):
            raise IndexError(f"there are {len(self)} devices, got index {index}")
        row = index % len(self)
        device = self._made.get(row)
        return self._new(row) if device is None else device

    def keep_out(self, rows: Rows) -> None:
        """To whoever chooses, these devices are never there."""
        self._kept_out[rows] = True

    @property
    def made(self) -> Sequence[Device]:
        """Those with whom somebody has worked, in the order of their rows."""
        return [device for _, device in sorted(self._made.items())]

    def logs(self, states: Sequence[str]) -> tuple[Array, Array]:
        """What each of these, n, has done up to now: what it has spent, (n, 9), and seconds in these states.

        The first in the order of ``OF_TALLY``, the second (n, states); see ``Device.log``.
        """
        made = self.made
        place = {device.index: number for number, device in enumerate(made)}
        spent, times_s = np.empty((len(made), len(OF_TALLY))), np.empty((len(made), len(states)))
        for rows, spent_of_kind, times_of_kind_s in self._endings.logs(self._made, states, self._sim.now):
            there = [place.pop(row) for row in rows]
            spent[there], times_s[there] = spent_of_kind, times_of_kind_s
        for number in place.values():
            spent[number], times_s[number] = made[number].log(states)
        return spent, times_s

    def lots(self, number: int, rows: Rows | None = None) -> Numbers:
        """The lots of these devices, or of all, in the round of this number: (n,).

        A function of the device and the round alone: SplitMix64's finaliser (Steele, Lea and Flood, "Fast splittable
        pseudorandom number generators", OOPSLA 2014) of the sum of 64 random bits of each.
        """
        tickets = self._tickets if rows is None else self._tickets[rows]
        return _mixed(tickets + self._of_round(number))

    def choose(self, wanted: int, number: int, among: Bools | None = None) -> Sequence[Device]:
        """Those with the lowest lots among the devices that are there: so many, or all of them, lowest first.

        Of all, or among these (n,).
        """
        return self._all_of(self.lowest_lots(wanted, number, among))

    def lowest_lots(self, wanted: int, number: int, among: Bools | None = None) -> Rows:
        """The rows of those that ``choose`` would give."""
        count = len(self) if among is None else int(np.count_nonzero(among))

        def candidates(tried: float) -> Rows:
            rows = self._below(number, tried / max(count, 1))
            return rows if among is None else rows[among[rows]]

        rows = self._search(wanted, count, candidates)
        lots = self.lots(number, rows)
        return rows[np.lexsort((rows, lots))][:wanted]

    def lowest(self, wanted: int, keys: npt.NDArray[np.generic]) -> Rows:
        """The rows of so many devices with the lowest finite keys, (n,), among those that are there, lowest first.

        For selections by something else: charge, speed, loss.
        """
        able = np.flatnonzero(np.isfinite(keys.astype(np.float64, copy=False)))
        keys_of_able = keys[able]

        def candidates(tried: float) -> Rows:
            most = int(tried)
            return able if most >= len(able) else able[np.argpartition(keys_of_able, most - 1)[:most]]

        rows = self._search(wanted, len(able), candidates)
        return rows[np.lexsort((rows, keys[rows]))][:wanted]

    def first(self, wanted: int, keys: npt.NDArray[np.generic]) -> Sequence[Device]:
        """The devices of ``lowest``."""
        return self._all_of(self.lowest(wanted, keys))

    def uniforms(self, number: int, attempt: int = 0) -> Array:
        """The lots as numbers in [0, 1); another attempt is another round, far beyond all that are played."""
        lots = self.lots(number + attempt * _ATTEMPT) >> np.uint64(11)
        return lots.astype(np.float64) * 2.0**-53

    def charge_share(self) -> Array:
        """How full every battery is now, 1 on the mains: (n,)."""
        capacity_j = self.fleet.capacity_j()
        finite = np.isfinite(capacity_j)
        share: Array = np.ones(len(self))
        share[finite] = self.charge_j()[finite] / capacity_j[finite]
        return share

    def speeds_flops_per_s(self) -> Array:
        """As the fleet drew them: (n,)."""
        return self.fleet.flops_per_s

    def _search(self, wanted: int, count: int, candidates: Callable[[float], Rows]) -> Rows:
        """Those that are there among the first: among about ``wanted`` over the share that is there, or more.

        There are ``count`` in all, and ``candidates`` gives about as many of the first as it is told.
        """
        tried = 1.25 * wanted / self._share
        while True:
            everybody = 2 * tried >= count
            rows = candidates(float(count) if everybody else max(tried, 1.0))
            there = rows[self.up(rows)]
            if len(rows) > _FEW:
                self._share = max(len(there), 1) / len(rows)
            if len(there) >= wanted or everybody:
                return there
            tried *= _MORE

    def _some(self, wanted: int, able: Rows | None) -> Rows:
        """So many that are there, or more, of all or of these; all if they are fewer."""
        if able is None:
            return self._search(wanted, len(self), lambda tried: np.arange(math.ceil(tried)))
        return self._search(wanted, len(able), lambda tried: able[: math.ceil(tried)])

    def _below(self, number: int, share: float) -> Rows:
        """Those with lots below a share of all lots: lots are uniform, so nothing needs to be sorted."""
        if share >= 1:
            return np.arange(len(self))
        of_round, most = self._of_round(number), np.uint64(share * _MOST)
        found = []
        for chunk in self._chunks():
            lots = _mixed(self._tickets[chunk] + of_round)
            found.append(np.flatnonzero(lots <= most) + chunk.start)
        return np.concatenate(found)

    def _chunks(self) -> Iterator[slice]:
        """All of them, so many at a time that what is computed of them stays in the processor's cache."""
        return (slice(begin, begin + _CHUNK) for begin in range(0, len(self), _CHUNK))

    def _of_round(self, number: int) -> Numbers:
        if self._round[0] != number:
            luck = self._sim.luck("lots of a round")
            self._round = (number, luck.hashes(np.array([number], dtype=np.uint64)))
        return self._round[1]

    def up(self, rows: Rows) -> Bools:
        """Which of these devices are there now, and have charge: (n,) to (n,)."""
        there = self._stay(rows) & ~self._kept_out[rows]
        there[there] = self._have_charge(rows[there])
        return there

    def there(self) -> Rows:
        """The rows of all devices that are there now."""
        return np.flatnonzero(self.up(np.arange(len(self))))

    def charge_j(self) -> Array:
        """What every battery has left now, infinite on the mains: (n,)."""
        self._make_of(np.flatnonzero(self._charges))
        left_j = np.maximum(self._charge_j - self._drawn_j(np.arange(len(self))), 0.0)
        for row, standing in self._standings().items():
            left_j[row] = standing.left_j
        return left_j

    async def gathered(self, quorum: int, among: Bools | None = None) -> bool:
        """Wait until so many are there, of all or among these (n,); False if that cannot come about.

        Nobody is asked before the first instant at which so many may be there: when as many as are missing have
        had time to return.
        """
        able = None if among is None else np.flatnonzero(among)
        while (count := len(self._some(quorum, able))) < quorum:
            returns_s = np.sort(self._returns_s(np.arange(len(self)), among))
            when_s = float(returns_s[quorum - count - 1]) if quorum - count <= len(returns_s) else math.inf
            if math.isinf(when_s):
                return False
            await self._sim.timeout(when_s - self._sim.now)
        return True

    def spent(self) -> Usage:
        """What all devices spent up to now."""
        self._make_of(self._doubtful(np.flatnonzero(self._charges)))
        standings = self._standings()
        self._lay_down({row: standing for row, standing in standings.items() if standing.rests})
        active = summed([standing.spent for standing in standings.values() if not standing.rests])
        standby = Usage(energy_j={**Usage().energy_j, "sleep": sum(self._standby_j())})
        return of_tally(self._all_rested) + of_tally(active) + standby

    def _standby_j(self) -> Iterator[float]:
        """What those that rest have drawn since they came to rest, some of them at a time."""
        for chunk in self._chunks():
            rows = np.flatnonzero(self._rests[chunk]) + chunk.start
            yield float(np.minimum(self._drawn_j(rows), self._charge_j[rows]).sum())

    def empty(self) -> int:
        """How many devices have no charge to run on."""
        self._make_of(self._doubtful(np.flatnonzero(self._charges)))
        rows = np.flatnonzero(self._rests)
        count = int(np.count_nonzero(self._charge_j[rows] <= self._drawn_j(rows)))
        awake = [device for row, device in self._active.items() if not self._endings.is_sure(row, self._sim.now)]
        return count + sum(device.is_empty() for device in awake)

    def _doubtful(self, rows: Rows) -> Rows:
        """Those of which a row does not say whether they have charge.

        What would have lasted without its charger has lasted with it: a row says what it spent, and that it is on.
        """
        return rows[self._charges[rows] & (self._charge_j[rows] <= self._drawn_j(rows))]

    def _make_of(self, rows: Rows) -> None:
        """Make those of these with whom nobody has worked: they are asked one by one."""
        resting = rows[self._rests[rows]]
        for row in np.unique(resting).tolist() if len(resting) else ():
            self._new(row)

    def _all_of(self, rows: Rows) -> list[Device]:
        """The devices of these rows."""
        made = self._made
        return [made[row] if row in made else self._new(row) for row in rows.tolist()]

    def _new(self, row: int) -> Device:
        number, rank = self.fleet.place(row)
        device = self._make(row, self._presence[number].of(rank))
        device.meter.stood_by_since(0.0)
        device.touched, device.ended, device.settled = self._touched, self._ended, self._settled
        self._made[row] = device
        self._wake(row)
        return device

    def _wake(self, row: int) -> None:
        """Somebody works with it: it speaks for itself from now on."""
        self._endings.drop(row)
        if self._rests[row]:
            self._rests[row] = False
            self._active[row] = self._made[row]
            if (rested := self._rested.pop(row, None)) is not None:
                self._woken.append(rested)

    def _standings(self) -> dict[int, Standing]:
        """Of all that are awake, in the order in which somebody began with them."""
        told = self._endings.standings(self._active, self._sim.now)
        return {row: told[row] if row in told else device.standing() for row, device in self._active.items()}

    def _lay_down(self, resting: Mapping[int, Standing]) -> None:
        """They are rows again, with what they have spent until now put aside."""
        for row, (spent, _, _) in resting.items():
            del self._active[row]
            self._rested[row] = spent
        self._all_rested = summed(
            [self._all_rested, *[standing.spent for standing in resting.values()]], less=self._woken
        )
        self._woken = []
        rows = list(resting)
        self._rests[rows] = True
        self._since_s[rows] = self._sim.now
        self._charge_j[rows] = [standing.left_j for standing in resting.values()]

    def _drawn_j(self, rows: Rows) -> Array:
        """What these would have drawn in standby since they came to rest, if their charge lasted."""
        return self._standby_w[rows] * (self._sim.now - self._since_s[rows])

    def _stay(self, rows: Rows) -> Bools:
        """Whether these are there, whatever their charge."""
        if len(rows) > _FEW:
            return self._looked_up(rows)[0]
        places = map(self.fleet.place, rows.tolist())
        return np.array([self._presence[number].is_up(rank, self._sim.now) for number, rank in places], dtype=np.bool_)

    def _looked_up(self, rows: Rows) -> tuple[Bools, Array]:
        """Whether these are there, whatever their charge, and until when."""
        up, until_s = np.empty(len(rows), dtype=np.bool_), np.empty(len(rows))
        groups = self.fleet.group_of(rows)
        for number in np.flatnonzero(np.bincount(groups)).tolist():
            chosen = groups == number
            ranks = rows[chosen] - self.fleet.offsets[number]
            up[chosen], until_s[chosen] = self._presence[number].at(ranks, self._sim.now)
        return up, until_s

    def _have_charge(self, rows: Rows) -> Bools:
        self._make_of(self._doubtful(rows))
        self._make_of(rows[self._is_choosy[rows]])
        have = self._charge_j[rows] > self._drawn_j(rows)
        is_awake = ~self._rests[rows]
        have |= is_awake  # as far as is certain
        for place in np.flatnonzero(is_awake & (self._lasts_s[rows] <= self._sim.now)).tolist():
            row = int(rows[place])
            device = self._active[row]
            have[place] = device.is_up()
            if not self._is_choosy[row]:
                self._lasts_s[row] = device.lasts_s
        return have

    def _returns_s(self, rows: Rows, among: Bools | None) -> Array:
        """The earliest returns of those that are away and have charge; infinite for those that never do."""
        self._make_of(self._doubtful(rows))
        up, until_s = self._looked_up(rows)
        waits = ~up & (self._charge_j[rows] > self._drawn_j(rows))
        for row, device in self._active.items():
            away_s = device.away_until_s()
            waits[row] = away_s is not None and away_s < math.inf
            until_s[row] = math.inf if away_s is None else away_s
        waits &= ~self._kept_out[rows]
        return until_s[waits if among is None else waits & among]


def _mixed(bits: Numbers) -> Numbers:
    """SplitMix64's finaliser, in place."""
    shifted = np.empty_like(bits)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits ^= np.right_shift(bits, np.uint64(shift), out=shifted)
        bits *= np.uint64(factor)
    bits ^= np.right_shift(bits, np.uint64(31), out=shifted)
    return bits
