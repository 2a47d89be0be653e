import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml

import fedsim.system.profiles
from fedsim.errors import FedsimError
from fedsim.system.law import Lognormal
from fedsim.system.profiles import Profiles, load_profiles

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "device_profiles.json"


def table():
    file = Path(fedsim.system.profiles.__file__).with_name("profiles.yaml")
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def reference():
    if not SHARED.exists():
        pytest.skip("the reference profiles are not beside this checkout")
    return json.loads(SHARED.read_text(encoding="utf-8"))


def numbers(value, path=""):
    """Every number with its evidence, and every number without, by path."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from numbers(item, f"{path}[{index}]")
    elif path.rsplit(".", 1)[-1] not in {"example", "radio", "half_duplex", "fading"}:
        yield path, (value, "")


def test_every_number_has_evidence_and_a_known_source():
    sources = table()["sources"]
    kinds = ("devices", "links", "radios", "fading", "speeds")
    cited = [pair for kind in kinds for pair in numbers(table()[kind], kind)]
    assert len(cited) > 120
    for path, (_, evidence) in cited:
        found = re.fullmatch(r"([DSMI]) (\w+)", evidence)
        assert found, f"{path} has no evidence"
        assert found[2] in sources, path
        assert (found[1] == "I") == (found[2] == "choice"), path
    used = {evidence.split()[1] for _, (_, evidence) in cited}
    assert used == set(sources)


def test_some_profiles_as_a_reader_would_check_them():
    profiles = load_profiles()
    phone = profiles.devices["phone-low"]
    assert (phone.flops_per_s, phone.train_w, phone.battery_j) == (5e8, 3.0, 41_760.0)
    assert (phone.step_overhead_s, profiles.devices["laptop"].step_overhead_s) == (0.005, 0.001)
    assert profiles.devices["server"].battery_j is None
    link = profiles.links["3g"]
    assert (link.rtt_s, link.up_bps) == (Lognormal(0.12, 0.45), Lognormal(9e5, 0.54))
    assert [name for name, link in profiles.links.items() if link.half_duplex] == ["wifi"]
    assert {name: link.radio for name, link in profiles.links.items()} == {
        "3g": "3g_2012",
        "4g": "4g_2020",
        "5g": "5g_low",
        "5g_mmwave": "5g_mmwave",
        "wifi": "wifi_modern",
        "ethernet": "ethernet",
    }
    assert profiles.radios["3g_2012"].tails == ((8.088, 0.8039), (0.824, 0.6013))


def test_energy_of_five_megabytes_up_on_4g():
    """Device notes, section 4: promotion, transfer at 8 Mbit/s and tail, 2012 (capped at 3.5 W) and 2020 phones."""
    joules = {}
    for name in ("4g_2012", "4g_2020"):
        radio = load_profiles().radios[name]
        active_w = min(radio.max_w, radio.beta_w + radio.alpha_up_w_per_bps * 8e6)
        [(tail_s, tail_w)] = radio.tails
        joules[name] = [radio.promotion_s * radio.promotion_w, active_w * 5.0, min(tail_s, 10.0) * tail_w]
    assert joules["4g_2012"] == pytest.approx([0.31, 17.5, 10.6], rel=0.02)
    assert joules["4g_2020"] == pytest.approx([0.34, 9.5, 1.8], rel=0.02)


def test_devices_are_those_of_the_notes():
    profiles = load_profiles()
    rows = reference()["devices"]
    assert list(profiles.devices) == list(rows)
    for name, row in rows.items():
        device = profiles.devices[name]
        assert device.flops_per_s == pytest.approx(row["gflops_train"] * 1e9, rel=1e-12)
        assert device.native_flops_per_s == pytest.approx(row["gflops_train_native"] * 1e9, rel=1e-12)
        assert device.ram_bytes == row["ram_gb"] * 1e9
        assert (device.train_w, device.idle_w) == (row["p_train_w"], row["p_idle_w"])
        assert device.sleep_w == row.get("p_sleep_w", 0.5 if name == "laptop" else device.idle_w)
        watt_hours = row["battery_wh"]
        assert device.battery_j == (None if watt_hours is None else pytest.approx(watt_hours * 3600))


def test_links_are_those_of_the_notes():
    profiles = load_profiles()
    rows = reference()["links"]
    assert list(profiles.links) == list(rows)
    paging_s = {"3g": 2.56, "wifi": 0.31, "ethernet": 0.0}
    for name, row in rows.items():
        link = profiles.links[name]
        for law, median, sigma in [
            (link.rtt_s, row["rtt_ms"] / 1e3, row["rtt_ln_sd"]),
            (link.down_bps, row["mean_down_mbps_median_user"] * 1e6, row["sd_user"]),
            (link.up_bps, row["mean_up_mbps_median_user"] * 1e6, row["sd_user"]),
        ]:
            assert (law.median, law.sigma) == (pytest.approx(median, rel=1e-12), sigma)
        assert link.loss == pytest.approx(row["residual_loss"], rel=1e-12)
        assert link.fading == row.get("rate_process")
        assert link.paging_wait_max_s == paging_s.get(name, 1.28)


def test_shapes_of_fading_are_those_of_the_notes():
    shapes = load_profiles().fading
    rows = {name: row for name, row in reference()["rate_processes"].items() if isinstance(row, dict)}
    assert sorted(shapes) == sorted(rows)
    for name, row in rows.items():
        shape = shapes[name]
        assert (shape.name, shape.slow_weight) == (name, row["slow_weight"])
        assert (shape.slow_s, shape.fast_s) == (row["tau_slow_s"], row["tau_fast_s"])
        assert shape.probabilities == tuple(reference()["rate_processes"]["probabilities"])
        assert shape.quantiles == tuple(row["quantiles"])
        assert shape.mean == pytest.approx(1.0, abs=0.005)


def test_radios_are_those_of_the_notes():
    profiles = load_profiles()
    rows = reference()["radios"]
    assert list(profiles.radios) == list(rows)
    for name, row in rows.items():
        radio = profiles.radios[name]
        assert radio.alpha_up_w_per_bps == pytest.approx(row["alpha_up_mw_per_mbps"] * 1e-9, rel=1e-12)
        assert radio.alpha_down_w_per_bps == pytest.approx(row["alpha_down_mw_per_mbps"] * 1e-9, rel=1e-12)
        assert radio.beta_w == pytest.approx(row["beta_mw"] / 1e3)
        assert radio.max_w == pytest.approx(row["p_max_mw"] / 1e3)
        assert radio.promotion_s == pytest.approx(row["promo_s"])
        assert radio.promotion_w == pytest.approx(row["promo_mw"] / 1e3)
        assert radio.idle_w == pytest.approx(row["idle_mw"] / 1e3)
        expected = [(seconds, milliwatts / 1e3) for seconds, milliwatts in row["tails"]]
        assert [*radio.tails] == [pytest.approx(tail) for tail in expected]


def test_profiles_are_values_that_nobody_can_change():
    profiles = load_profiles()
    assert profiles is load_profiles()
    with pytest.raises(TypeError):
        profiles.devices["toaster"] = profiles.devices["server"]
    for kind in fields(profiles):
        assert all(is_dataclass(profile) for profile in getattr(profiles, kind.name).values())


def test_a_link_with_an_unknown_radio_is_refused():
    there = load_profiles()
    with pytest.raises(FedsimError, match="link '3g' has an unknown radio, '3g_2012'"):
        Profiles(devices=there.devices, links=there.links, radios={}, fading=there.fading, speeds={})


def test_a_link_with_an_unknown_fading_is_refused():
    there = load_profiles()
    with pytest.raises(FedsimError, match="link '3g' has an unknown shape of fading, '3g_norway'"):
        Profiles(devices=there.devices, links=there.links, radios=there.radios, fading={}, speeds={})
