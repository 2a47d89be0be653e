"""Fleets: laws drawn into rows, and nobody's row is another's business."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.kernel import Simulation
from fedsim.system.access import Access
from fedsim.system.course import STEADY, Fades
from fedsim.system.fleet import DeviceGroup, Fleet, Kind
from fedsim.system.handover import ByLaw
from fedsim.system.law import Choice, Constant, Exponential, Lognormal, Uniform, Weibull
from fedsim.system.profiles import load_profiles
from fedsim.system.ways import Roams, WayIn

RADIO = load_profiles().radios["4g_2020"]

speeds = st.sampled_from(
    [
        Constant(1e9),
        Uniform(1e9, 2e9),
        Exponential(1e9),
        Lognormal(1e9, 0.5),
        Weibull(1e9, 0.7),
        Choice((1e9, 4e9), (1, 3)),
    ]
)


WAY = WayIn(
    link="4g",
    places=("cell-a", "cell-b"),
    radio=RADIO,
    half_duplex=False,
    paging_s=1.28,
    up_bps=Lognormal(8e6, 0.53),
    down_bps=Lognormal(20e6, 0.53),
    rtt_s=Lognormal(0.05, 0.25),
)
OF_WAY = {field.name for field in fields(WayIn)} - {"correlation"}


def kind(*, rates_correlation=0.0, **changes):
    """Phones at two cells."""
    given = {
        "step_overhead_s": 0.005,
        "train_w": 3.0,
        "idle_w": 0.3,
        "sleep_w": 0.03,
        "battery_j": 40_000.0,
        "flops_per_s": Lognormal(1e9, 0.5),
        "charge": Uniform(0.2, 1.0),
    }
    of_way = {name: value for name, value in changes.items() if name in OF_WAY}
    own = {name: value for name, value in changes.items() if name not in OF_WAY}
    return Kind(way=replace(WAY, correlation=rates_correlation, **of_way), **(given | own))


def group(name="phones", *, count=12, **changes):
    """Twelve phones of one kind."""
    return DeviceGroup(name=name, count=count, kinds=(kind(**changes),))


def fleet(*groups, seed=1):
    return Fleet(groups, Simulation(seed=seed).luck, Simulation(seed=seed).rng)


def specs(of):
    return [of.spec(index) for index in range(len(of))]


def test_a_row_is_what_its_group_says_and_what_it_drew():
    laws = {"flops_per_s": Constant(2e9), "charge": Constant(0.25), "rtt_s": Constant(0.1)}
    rates = {"up_bps": Constant(8e6), "down_bps": Constant(20e6)}
    spec = fleet(group("a", count=2), group("b", half_duplex=True, loss=0.001, **laws, **rates)).spec(3)
    assert (spec.name, spec.group, spec.row, spec.place) == ("b-01", "b", 3, "cell-b")
    assert (spec.flops_per_s, spec.kind.step_overhead_s, spec.charge_j) == (2e9, 0.005, 10_000.0)
    assert (spec.kind.train_w, spec.kind.idle_w, spec.kind.sleep_w, spec.paging_s) == (3.0, 0.3, 0.03, 1.28)
    assert spec.access == Access(up_bps=8e6, down_bps=20e6, delay_s=0.05, half_duplex=True, loss=0.001)
    assert (spec.link, spec.radio, spec.handover) == ("4g", RADIO, None)


def test_names_are_groups_and_ranks():
    of = fleet(group("low", count=2), group("high", count=101))
    assert [of.name(index) for index in (0, 1, 2, 12, 102)] == ["low-00", "low-01", "high-00", "high-10", "high-100"]


def test_devices_are_spread_over_their_places_in_turn():
    places = [spec.place for spec in specs(fleet(group(count=5, places=("x", "y"))))]
    assert places == ["x", "y", "x", "y", "x"]


def test_on_the_mains_nothing_runs_out():
    assert {spec.charge_j for spec in specs(fleet(group(battery_j=None)))} == {math.inf}


def test_a_charge_is_a_share():
    charges_j = [spec.charge_j for spec in specs(fleet(group(count=50, battery_j=10.0, charge=Uniform(-1.0, 2.0))))]
    assert (min(charges_j), max(charges_j)) == (0.0, 10.0)
    assert 0.0 < sorted(charges_j)[25] < 10.0


def test_every_attribute_has_its_own_luck():
    """The same law everywhere, and no two columns alike."""
    law = Uniform(0.5, 1.0)
    of = fleet(group(flops_per_s=law, charge=law, up_bps=law, down_bps=law, rtt_s=law))
    columns = np.stack([of.flops_per_s, of.charge, of.up_bps, of.down_bps, of.rtt_s])
    assert len(np.unique(columns)) == columns.size


def test_groups_of_the_same_laws_have_their_own_luck():
    of = fleet(group("a"), group("b"))
    assert not set(of.flops_per_s[:12]) & set(of.flops_per_s[12:])


@settings(deadline=None, max_examples=50)
@given(law=speeds, seed=st.integers(0, 1000), more=st.integers(1, 5))
def test_one_more_device_changes_nobody_elses_row(law, seed, more):
    before = specs(fleet(group("a", flops_per_s=law), seed=seed))
    after = specs(fleet(group("a", flops_per_s=law, count=12 + more), seed=seed))
    assert after[:12] == before
    assert len(after) == 12 + more


@settings(deadline=None, max_examples=50)
@given(law=speeds, seed=st.integers(0, 1000))
def test_one_more_group_changes_nobody_elses_row(law, seed):
    """But their places in the fleet, where it comes first."""
    before = specs(fleet(group("a", flops_per_s=law), seed=seed))
    assert specs(fleet(group("a", flops_per_s=law), group("b"), seed=seed))[:12] == before
    shifted = specs(fleet(group("b"), group("a", flops_per_s=law), seed=seed))[12:]
    assert [(spec.name, spec.flops_per_s, spec.access) for spec in shifted] == [
        (spec.name, spec.flops_per_s, spec.access) for spec in before
    ]
    assert [spec.row for spec in shifted] == list(range(12, 24))


def test_a_device_fades_about_the_rates_that_it_drew():
    shape = load_profiles().fading["4g_mpls"]
    steady, fading = (specs(fleet(group(course=course))) for course in (STEADY, Fades(shape=shape)))
    for before, after in zip(steady, fading, strict=True):
        assert (before.access.up, before.access.down) == (None, None)
        assert (after.access.up_bps, after.access.down_bps) == (before.access.up_bps, before.access.down_bps)
        hours_bps = [after.access.up.at(3600.0 * hour)[0] for hour in range(400)]
        assert np.mean(hours_bps) == pytest.approx(after.access.up_bps, rel=0.2)
        assert len(set(hours_bps)) > 300


def test_a_device_has_one_fading_for_each_technology():
    """The same in every cell of its own technology, another on the way by WiFi."""
    course = Fades(shape=load_profiles().fading["4g_mpls"])
    own = kind(course=course)

    def other(link):
        return replace(own.way, link=link, places=("x",), loss=0.01)

    moves = ByLaw(stay_s=Constant(1.0), away_s=Constant(1.0))
    spec = fleet(group(course=course, roams=Roams(others=[other("4g"), other("wifi")], moves=moves))).spec(3)
    same, wifi = spec.handover.others
    seconds = range(20)
    assert [same.access.up.at(second) for second in seconds] == [spec.access.up.at(second) for second in seconds]
    shapes = [np.array([way.access.up.at(second)[0] / way.access.up_bps for second in seconds]) for way in (same, wifi)]
    assert not np.allclose(*shapes)
    assert (same.access.loss, spec.access.loss) == (0.01, 0.0)


def test_ten_thousand_devices_that_fade_ask_for_no_luck_until_they_send():
    asked = []
    sim = Simulation(seed=1)

    def streams(*names):
        asked.append(names)
        return sim.rng(*names)

    of = Fleet([group(count=10_000, course=Fades(shape=load_profiles().fading["4g_mpls"]))], sim.luck, streams)
    drawn = len(asked)
    ways = [spec.access.up for spec in specs(of)]
    assert len(asked) == drawn
    ways[77].at(5.0)
    assert {names[:2] for names in asked[drawn:]} == {("rate", "phones-77")}


def test_a_fleet_follows_its_laws():
    """Medians of lognormal laws, within four standard errors of ln: sigma * sqrt(pi / 2 / n)."""
    of = fleet(group(count=4000))
    for column, median, sigma in [(of.flops_per_s, 1e9, 0.5), (of.up_bps, 8e6, 0.53), (of.rtt_s, 0.05, 0.25)]:
        error = 4 * sigma * math.sqrt(math.pi / 2 / 4000)
        assert math.log(np.median(column) / median) == pytest.approx(0.0, abs=error)


def mixed(count=12, **changes):
    """Half of them slow and on 3G, the others fast and on WiFi."""
    slow = kind(flops_per_s=Uniform(1.0, 2.0), link="3g", battery_j=None)
    fast = kind(flops_per_s=Uniform(10.0, 20.0), link="wifi", places=("home",), sleep_w=0.5)
    return DeviceGroup(name="mixed", count=count, kinds=(slow, fast), **changes)


def test_attributes_of_a_kind_go_together():
    of = fleet(group("others", count=3), mixed(400, weights=(1, 3)))
    is_fast = of.flops_per_s[3:] >= 10
    assert is_fast.mean() == pytest.approx(0.75, abs=4 * math.sqrt(0.75 * 0.25 / 400))
    for index, fast in enumerate(is_fast, start=3):
        spec = of.spec(index)
        assert (spec.link, spec.charge_j == math.inf) == (("wifi", False) if fast else ("3g", True))
        assert spec.place == ("home" if fast else ("cell-a", "cell-b")[(index - 3) % 2])
        assert of.by_kind("standby_w")[index] == (0.5 if fast else 0.03) + RADIO.idle_w
        assert of.capacity_j()[index] == (40_000.0 if fast else math.inf)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 1000), more=st.integers(1, 5))
def test_one_more_device_changes_nobody_elses_kind(seed, more):
    assert specs(fleet(mixed(12 + more), seed=seed))[:12] == specs(fleet(mixed(12), seed=seed))


def test_a_kind_without_weight_is_nobodys():
    assert {spec.link for spec in specs(fleet(mixed(50, weights=(1, 0))))} == {"3g"}


def test_devices_with_names_of_their_own():
    """Their luck goes with their names, whatever their order, and their kinds are theirs in turn."""
    named = mixed(2, names=("ada", "bob"))
    of = fleet(group("others", count=3), named)
    assert [of.name(index) for index in (2, 3, 4)] == ["others-02", "ada", "bob"]
    assert [of.spec(index).link for index in (3, 4)] == ["3g", "wifi"]
    swapped = fleet(replace(named, names=("bob", "ada"), kinds=named.kinds[::-1]))
    assert swapped.spec(1).flops_per_s == of.spec(3).flops_per_s
    assert swapped.spec(0).access == of.spec(4).access


def test_slowness_is_the_share_that_is_faster():
    of = fleet(group("a", count=2, flops_per_s=Constant(5.0)), group("b", count=1, flops_per_s=Constant(9.0)),
               group("c", count=2, flops_per_s=Constant(1.0)))  # fmt: skip
    assert of.slowness().tolist() == [0.25, 0.25, 0.0, 0.75, 0.75]
    assert fleet(group(count=1)).slowness().tolist() == [0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: group(count=0), "group 'phones' needs devices and kinds"),
        (lambda: DeviceGroup(name="x", count=1, kinds=()), "group 'x' needs devices and kinds"),
        (lambda: group(places=()), "devices need a place"),
        (lambda: mixed(weights=(1,)), "needs a weight >= 0 for each kind"),
        (lambda: mixed(weights=(1, -1)), "needs a weight >= 0 for each kind"),
        (lambda: mixed(2, names=("a",)), "needs 2 different names"),
        (lambda: mixed(2, names=("a", "a")), "needs 2 different names"),
        (lambda: fleet(mixed(1, names=("a",)), replace(mixed(1, names=("a",)), name="b")), "got twice: a"),
    ],
)
def test_groups_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("groups", [[], [group("a"), group("a")]], ids=["none", "twice"])
def test_groups_need_names_of_their_own(groups):
    with pytest.raises(ValueError, match="each with a name of its own"):
        fleet(*groups)


@pytest.mark.parametrize(("up", "speed"), [(0.75, 0.4), (-0.6, 0.0), (1.0, -1.0)])
def test_what_a_device_draws_may_go_together(up, speed):
    """Spearman's coefficients within four standard errors, whatever the laws; each law as without them."""
    plain, tied = (
        fleet(group(count=10_000, rates_correlation=one, correlation=other)) for one, other in [(0.0, 0.0), (up, speed)]
    )
    error = 4 / math.sqrt(10_000)
    for column, coefficient in ((tied.up_bps, up), (tied.flops_per_s, speed)):
        assert stats.spearmanr(column, tied.down_bps).statistic == pytest.approx(coefficient, abs=error)
    assert abs(stats.spearmanr(plain.up_bps, plain.down_bps).statistic) < error
    assert stats.spearmanr(tied.up_bps, tied.flops_per_s).statistic == pytest.approx(up * speed, abs=0.05)
    for name in ("up_bps", "flops_per_s"):
        assert stats.ks_2samp(getattr(plain, name), getattr(tied, name)).pvalue > 1e-4
    for name in ("down_bps", "rtt_s", "charge"):
        assert np.array_equal(getattr(plain, name), getattr(tied, name))
    assert np.array_equal(plain.flops_per_s, tied.flops_per_s) == (speed == 0)


def test_in_another_cell_a_device_has_the_rates_of_its_technology():
    """With rates that go together, too: home and away by 4G are alike."""
    moves = ByLaw(stay_s=Constant(1.0), away_s=Constant(1.0))
    there = replace(WAY, places=("x",), correlation=0.75)
    of = fleet(group(count=50, rates_correlation=0.75, roams=Roams(others=[there], moves=moves)))
    for spec in specs(of):
        [other] = spec.handover.others
        assert (other.access.up_bps, other.access.down_bps) == (spec.access.up_bps, spec.access.down_bps)
