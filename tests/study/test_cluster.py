"""Sweeps on a Dask cluster: a real scheduler and real workers, each a process of this machine."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

import fedsim
from fedsim.errors import FedsimError
from fedsim.study import cluster as clusters
from fedsim.study.cluster import cluster

pytest.importorskip("distributed", reason="needs the extra 'dask'")

ROOT = Path(__file__).resolve().parents[2]
QUIET = {
    "DASK_DISTRIBUTED__WORKER__LIFETIME__RESTART": "false",
    "DASK_DISTRIBUTED__DASHBOARD__LINK": "",
    "DASK_LOGGING__DISTRIBUTED": "error",
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    words = {**tiny, "data": {"name": "counts", "features": 4, "classes": 3, "examples": 30}, "stop": {"time": "1 s"}}
    Path("tiny.yaml").write_text(yaml.safe_dump(words))
    study = {"name": "study", "scenario": "tiny.yaml", "seeds": 4, "vary": {"protocol.cohort": [1, 2, 3]}}
    Path("study.yaml").write_text(yaml.safe_dump(study))


@contextmanager
def process(*arguments):
    """A process that has nothing of the study's folder, and not its working folder either."""
    environment = {**os.environ, **QUIET, "PYTHONPATH": str(ROOT)}
    elsewhere = Path("elsewhere").resolve()
    elsewhere.mkdir(exist_ok=True)
    with (elsewhere / "log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments], env=environment, cwd=elsewhere, stdout=log, stderr=log
        )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def dask(workers):
    """The address of a scheduler, and its workers' processes."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    local = ("--host", "127.0.0.1", "--no-dashboard")
    with ExitStack() as stack:
        stack.enter_context(process("distributed.cli.dask_scheduler", "--port", str(port), *local))
        quiet = ("--no-nanny", "--nthreads", "1", *local)
        own = [stack.enter_context(process("distributed.cli.dask_worker", address, *quiet)) for _ in range(workers)]
        yield address, own


def bytes_of(folder):
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_a_worker_that_is_killed_in_the_middle_changes_no_byte():
    fedsim.sweep("study.yaml", out="here")
    with dask(workers=2) as (address, workers), cluster(address) as lanes:

        def kill_one(step):
            if step.run is not None and workers[0].poll() is None:
                os.kill(workers[0].pid, signal.SIGKILL)
                workers[0].wait()

        found = fedsim.sweep("study.yaml", out="there", executor=lanes, tell=kill_one)
        assert workers[0].returncode == -signal.SIGKILL
    assert found.complete
    assert bytes_of("there") == bytes_of("here")


class Lonely:
    """A client of a scheduler whose workers never come, or are of another version."""

    def __init__(self, *_, **__):
        self.has_workers = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def wait_for_workers(self, number, timeout):
        if not self.has_workers:
            raise TimeoutError

    def nthreads(self):
        raise OSError("connection reset")

    def get_executor(self, pure):
        return None

    def run(self, work):
        return {"tcp://a:1": work(), "tcp://b:2": "0.0.1"}


class Motley(Lonely):
    def __init__(self, *_, **__):
        self.has_workers = True


@pytest.mark.parametrize(
    ("client", "rule"),
    [(Lonely, "x:1: the scheduler has no workers"), (Motley, "its workers must have fedsim .*: tcp://b:2 has 0.0.1")],
)
def test_workers_that_never_come_or_compute_something_else_are_refused(monkeypatch, client, rule):
    monkeypatch.setattr("distributed.Client", client)
    with pytest.raises(FedsimError, match=rule), cluster("x:1"):
        pass


class Deserted(Motley):
    def run(self, work):
        return {"tcp://a:1": work()}


def test_a_scheduler_that_goes_away_is_not_taken_for_a_full_disk(monkeypatch):
    monkeypatch.setattr("distributed.Client", Deserted)
    with (
        pytest.raises(FedsimError, match="x:1: the scheduler is gone; what is finished is kept"),
        cluster("x:1") as lanes,
    ):
        fedsim.sweep("study.yaml", out="there", executor=lanes)


@pytest.mark.parametrize("address", ["head", "tcp://head", "tcp://head:", ""])
def test_an_address_has_a_port(address):
    with pytest.raises(FedsimError, match="with its port, such as tcp://head:8786"), cluster(address):
        pass


def test_a_scheduler_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(clusters, "_PATIENCE_S", 0.5)
    with pytest.raises(FedsimError, match="no Dask scheduler answers there"), cluster(f"tcp://127.0.0.1:{free_port()}"):
        pass


def test_without_dask_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(FedsimError, match=r"--cluster needs Dask: pip install 'fedsim-des\[dask\]'"), cluster("x"):
        pass
