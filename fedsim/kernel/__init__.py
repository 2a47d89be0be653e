"""Virtual time, random streams and the event record: asyncio on a SimPy clock."""

from fedsim.kernel.awaiting import as_event, awaitable
from fedsim.kernel.budget import Budget, Stopped
from fedsim.kernel.collector import rare_collections
from fedsim.kernel.columns import Form
from fedsim.kernel.draws import Draws
from fedsim.kernel.environment import Environment
from fedsim.kernel.loop import EventLoop
from fedsim.kernel.luck import Luck
from fedsim.kernel.process import Process
from fedsim.kernel.record import EventRecord, read_record
from fedsim.kernel.simulation import Simulation
from fedsim.kernel.streams import Streams
from fedsim.kernel.task import Task
from fedsim.kernel.timeout import Timeout

__all__ = [
    "Budget",
    "Draws",
    "Environment",
    "EventLoop",
    "EventRecord",
    "Form",
    "Luck",
    "Process",
    "Simulation",
    "Stopped",
    "Streams",
    "Task",
    "Timeout",
    "as_event",
    "awaitable",
    "rare_collections",
    "read_record",
]
