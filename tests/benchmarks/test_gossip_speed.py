"""Speed of gossip among many peers, with network and clock: what a message costs, and how that grows.

    pytest tests/benchmarks/test_gossip_speed.py --benchmark-enable
    python tests/benchmarks/many_peers.py 1000 100

Peers on a random 10-regular overlay, softmax with 60 features and 10 classes, 100 examples each, an epoch of D-PSGD in
minibatches of 10 a round; laptops of different speeds on ethernet, links in equal parts by Marfoq's model.

Measured on two slow cores (2026-11), nobody else at work, learning included: 1,000 peers for 100 rounds, a million
messages, in 36 s and 733 MB. A message more costs 26 us among 100 peers, 45 among 1,000, 49 among 10,000, which is what
memory costs that no cache holds; making 10,000 peers with their data takes 11 s. Messages are letters
(``fedsim.system.letters``), 200 calls of Python each; with tasks they are 440 calls, and take nearly three times as
long. Under max-min shares a message among 1,000 peers that all send at once takes some 1,000 us: every one that comes
or goes changes the rates of thousands.
"""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.scenario import build
from fedsim.study.run import play
from fedsim.system.letters import Letters


def measured(peers, rounds):
    """In a process of its own, so that memory is its own."""
    script = Path(__file__).with_name("many_peers.py")
    told = subprocess.run([sys.executable, script, str(peers), str(rounds)], capture_output=True, check=True, text=True)
    return json.loads(told.stdout)


def test_a_message_among_many_peers_costs_hardly_more_than_among_few(benchmark):
    """Near linear in messages: per message at most twice as much for ten times the peers; the peers learn."""
    few, many, rounds = (100, 1000, 10) if benchmark.enabled else (20, 60, 4)
    small = measured(few, rounds)
    large = benchmark.pedantic(measured, args=(many, rounds), rounds=1)
    benchmark.extra_info["microseconds per message"] = [round(told["us_per_message"]) for told in (small, large)]
    benchmark.extra_info["megabytes"] = [round(told["mb"]) for told in (small, large)]
    assert large["accuracy"][1] > large["accuracy"][0] + 0.2
    if benchmark.enabled:
        assert large["us_per_message"] < 2 * small["us_per_message"]
        assert large["mb"] < 1000


def seconds(peers, rounds, letters, monkeypatch):
    """Of the processor, in this process, with letters or without."""
    import many_peers  # a script beside this file

    with monkeypatch.context() as patch:
        patch.setattr(build, "Letters", letters)
        return many_peers.gossip(peers, rounds)["s"]


def test_a_letter_costs_less_than_half_of_a_message_that_takes_a_task(benchmark, monkeypatch):
    """The learning included, of which either has the same."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    peers, rounds, turns = (100, 20, 3) if benchmark.enabled else (12, 2, 1)
    plain_s = min(seconds(peers, rounds, lambda *_: None, monkeypatch) for _ in range(turns))
    seconds_of_letters = partial(seconds, peers, rounds, Letters, monkeypatch)
    letters_s = min(benchmark.pedantic(seconds_of_letters, rounds=1), *(seconds_of_letters() for _ in range(turns)))
    benchmark.extra_info["of a message with a task"] = letters_s / plain_s
    assert letters_s > 0
    if benchmark.enabled:
        assert letters_s < 0.5 * plain_s


@pytest.mark.parametrize("sharing", ["equal-split", "max-min"])
def test_every_peer_goes_at_its_own_pace_and_all_are_computed_together(sharing, monkeypatch):
    """A round of all peers is a few calls of the learner, though no two of them end at the same time."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import many_peers  # a script beside this file

    from fedsim.learners.dpsgd import DPsgd

    sizes, local = [], DPsgd.local
    monkeypatch.setattr(DPsgd, "local", lambda *given: sizes.append(len(given[-1].devices)) or local(*given))
    sim = Simulation(seed=1)
    play(many_peers.scenario(20, 5, sharing), sim)
    mixed = sim.events.frame("mixed")
    assert len(np.unique(mixed["time_s"])) > 0.9 * len(mixed)
    assert max(sizes) == 20
    assert len(sizes) < 0.2 * len(mixed)
