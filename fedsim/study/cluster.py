"""Runs of a sweep on the machines of a Dask cluster."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from fedsim.errors import FedsimError
from fedsim.study.stream import Lanes
from fedsim.version import __version__

_PATIENCE_S: Final = 30


@contextmanager
def cluster(address: str) -> Iterator[Lanes]:
    """The workers of a scheduler, for as long as the block lasts.

    Nothing is shared with them but the scenarios, which go to them, and the files of runs, which come back: no disk.
    Files that a scenario names, such as data, must be where it says on every worker. A run whose worker died is given
    to another, up to the number of times that the scheduler allows.

    Raises:
        FedsimError: Dask is not installed, nobody answers, there are no workers, or they have another fedsim.
    """
    try:
        from distributed import Client  # noqa: PLC0415  # an extra
        from distributed.scheduler import KilledWorker  # noqa: PLC0415  # the same
    except ImportError:
        raise FedsimError("--cluster needs Dask: pip install 'fedsim-des[dask]'") from None
    with _client(Client, address) as client:
        _check_workers(client, address)
        executor = client.get_executor(pure=False)
        yield Lanes(executor=executor, at_a_time=lambda: _at_a_time(client, address), deaths=(KilledWorker,))


def _at_a_time(client: Any, address: str) -> int:
    """As many runs as keep all workers busy that there are now."""
    try:
        return 2 * int(sum(client.nthreads().values()))
    except OSError:
        raise FedsimError(f"{address}: the scheduler is gone; what is finished is kept") from None


@contextmanager
def _client(kind: Any, address: str) -> Iterator[Any]:
    if not re.search(r":\d+$|^inproc:", address):
        raise FedsimError(f"{address}: must be a scheduler's address with its port, such as tcp://head:8786")
    try:
        client = kind(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise FedsimError(f"{address}: no Dask scheduler answers there: {error}") from None
    with client:
        yield client


def _check_workers(client: Any, address: str) -> None:
    """See to it that there are workers, and that they compute what this fedsim would."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE_S)
    except TimeoutError:
        raise FedsimError(f"{address}: the scheduler has no workers") from None
    try:
        versions = client.run(_version)
    except Exception as error:
        raise FedsimError(f"{address}: its workers cannot run fedsim: {error}") from error
    strangers = {worker: version for worker, version in versions.items() if version != __version__}
    if strangers:
        listed = ", ".join(f"{worker} has {version}" for worker, version in strangers.items())
        raise FedsimError(f"{address}: its workers must have fedsim {__version__}: {listed}")


def _version() -> str:
    return __version__
