"""Every closed form of the reference data has its test: the list of them, so that a new one cannot be forgotten."""

import ast
import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ORACLES = TESTS.parents[1] / "shared" / "data" / "oracles" / "analytic.json"

TESTED = {
    "mm1_*": ("system/test_server.py", "test_every_job_waits_as_the_recursion_says"),
    "md1_*": ("system/test_server.py", "test_every_job_waits_as_the_recursion_says"),
    "mg1_*": ("system/test_server.py", "test_every_job_waits_as_the_recursion_says"),
    "mg1ps_*": ("system/test_link_queue.py", "test_messages_share_a_link_as_the_twin_says"),
    "closed_*": ("system/test_server.py", "test_clients_that_compute_and_queue_for_ever"),
    "max_exp_1": ("protocols/test_order_statistics.py", "test_a_round_lasts_as_long_as_the_slowest_of_many"),
    "max_exp_10": ("protocols/test_order_statistics.py", "test_a_round_lasts_as_long_as_the_slowest_of_many"),
    "max_exp_100": ("protocols/test_order_statistics.py", "test_a_round_of_a_hundred"),
    "max_exp_1000": ("protocols/test_order_statistics.py", "test_a_round_of_a_thousand"),
    "max_hexp_*": ("protocols/test_order_statistics.py", "test_the_slowest_of_unequal_devices"),
    "max_logn_*_10": ("protocols/test_order_statistics.py", "test_a_round_of_ten_with_a_heavier_tail"),
    "max_logn_*_100": ("protocols/test_order_statistics.py", "test_a_round_of_a_hundred"),
    "max_uniform_20": ("protocols/test_order_statistics.py", "test_the_slowest_of_uniform_devices"),
    "kth_*": ("protocols/test_order_statistics.py", "test_over_selection_closes_the_round_at_the_kth_answer"),
    "deadline_exp": ("protocols/test_order_statistics.py", "test_a_deadline_cuts_the_round"),
    "maxplus*": ("system/test_cycle_time.py", "test_published_examples"),
    "weibull_*": ("system/test_presence.py", "test_weibull_devices_against_the_closed_forms"),
    "availability_transient": ("system/test_presence.py", "test_the_transient_of_availability"),
    "at_least_k_up": ("system/test_presence.py", "test_how_often_enough_devices_are_there"),
    "retransmit": ("system/test_interruptions.py", "test_attempts_equal_theory"),
    "battery_duty": ("system/test_device_battery.py", "test_a_duty_cycle_lasts_as_long_as_the_closed_form_says"),
    "battery_charge": ("system/test_charger.py", "test_the_oracle_of_charging"),
    "cpu_energy_*": ("system/test_processor.py", "test_local_training_costs_what_the_closed_form_says"),
    "mathis*": ("system/test_tcp.py", "test_mathis_of_the_reference_numbers"),
    "slow_start*": ("system/test_tcp.py", "test_slow_start_of_the_reference_numbers"),
}
"""Names of entries, and the test that reads them."""

NOT_MODELLED = {
    "mmc_*": "a server computes one thing after the other, and does not share its queue with other servers",
    "mm1k_*": "a server turns nobody away",
    "staleness_*": "there is no asynchronous protocol",
    "shannon_*": "rates of links are given or measured, not computed from a signal",
}
"""What fedsim has no part for, and why. Whoever adds that part tests it by these."""


@pytest.fixture(scope="module")
def names():
    if not ORACLES.exists():
        pytest.skip("needs shared/data/oracles beside the checkout")
    return [entry["id"] for entry in json.loads(ORACLES.read_text())["entries"]]


def test_every_entry_has_one_place(names):
    places = {name: [pattern for pattern in {**TESTED, **NOT_MODELLED} if fnmatchcase(name, pattern)] for name in names}
    assert {name: found for name, found in places.items() if len(found) != 1} == {}
    assert {pattern for found in places.values() for pattern in found} == {*TESTED, *NOT_MODELLED}


def texts_of(tree, function):
    """What a test of this name, its decorators, and the lists that these name say."""
    body = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    lists = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    said, known = [body[function]], set()
    while said:
        for node in ast.walk(said.pop()):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.Name) and node.id in lists and node.id not in known:
                known.add(node.id)
                said.append(lists[node.id])


@pytest.mark.parametrize("pattern", TESTED)
def test_its_test_names_it(names, pattern):
    """The entry itself, or, where a test takes all that begin alike, their beginning."""
    file, function = TESTED[pattern]
    texts = set(texts_of(ast.parse((TESTS / file).read_text(encoding="utf-8")), function))
    entries = [name for name in names if fnmatchcase(name, pattern)]
    assert texts >= set(entries) or pattern.removesuffix("*") in texts
