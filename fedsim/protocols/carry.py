"""Messages of learners, some of which have nothing to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fedsim.protocols.node import Delivery, DeviceNode, ServerNode


@dataclass(frozen=True, kw_only=True, slots=True)
class Unsaid:
    """The delivery of a message that is not sent: it takes no time, wakes no radio and can not be lost."""

    wake_s: float = 0.0
    move_s: float = 0.0
    parts: Mapping[str, float] = field(default_factory=lambda: {"wake_s": 0.0})
    wasted: Mapping[str, float] = field(default_factory=dict)


async def carry(source: DeviceNode | ServerNode, target: Any, size_bytes: float) -> Delivery:
    """Send a message, unless it has no bytes: a learner whose devices learn alone has nothing to send.

    Raises:
        DeviceDownError, MessageFailedError: as ``send``.
    """
    return await source.send(target, size_bytes) if size_bytes else Unsaid()
