"""Virtual time, random streams and the event record: asyncio on a SimPy clock."""

from fedsim.kernel.awaiting import as_event, awaitable
from fedsim.kernel.environment import Environment
from fedsim.kernel.loop import EventLoop
from fedsim.kernel.process import Process
from fedsim.kernel.record import EventRecord
from fedsim.kernel.simulation import Simulation
from fedsim.kernel.streams import Streams
from fedsim.kernel.timeout import Timeout

__all__ = [
    "Environment",
    "EventLoop",
    "EventRecord",
    "Process",
    "Simulation",
    "Streams",
    "Timeout",
    "as_event",
    "awaitable",
]
