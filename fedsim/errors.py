"""The errors that fedsim raises on purpose.

Every class is built from one message and nothing else: SimPy re-creates an uncaught process error from its
``args``, and a class with further required arguments would hide the real fault behind a ``TypeError``.
"""


class FedsimError(Exception):
    """Something that fedsim understood and refuses; the root of all its errors."""


class ScenarioError(FedsimError):
    """A scenario, topology or option that cannot be used: one line for each mistake."""


class DeadlockError(FedsimError):
    """Nothing is scheduled any more, and somebody still waits."""


class NotSimulatedError(FedsimError):
    """Something real was asked for inside simulated time: a socket, a thread, a signal, a subprocess."""


class MessageFailedError(FedsimError):
    """A message did not arrive; each child names a ``cause``.

    ``sent_bytes`` had been on the wire by then; ``wasted_bytes`` of them would have to go again.
    """

    cause = "failed"
    sent_bytes = 0.0
    wasted_bytes = 0.0


class NoRouteError(MessageFailedError):
    """No path through the network leads from one place to another."""

    cause = "no-route"


class LinkDownError(MessageFailedError):
    """A link on the way of a message went down, or its sender or receiver went elsewhere, and took it along."""

    cause = "link-down"


class MessageLostError(MessageFailedError):
    """All of a message was sent, and it never arrived."""

    cause = "lost"


class MessageCorruptedError(MessageFailedError):
    """A message arrived, and its checksum does not match: the receiver threw it away."""

    cause = "corrupted"


class DeviceDownError(FedsimError):
    """A device stopped in the middle of what it did; each child names a ``cause``.

    Where it was the target of a message, ``sent_bytes`` of that had been sent.
    """

    cause = "down"
    sent_bytes = 0.0


class DeviceCrashedError(DeviceDownError):
    """The device crashed and will be repaired."""

    cause = "crash"


class DeviceLeftError(DeviceDownError):
    """The device is no longer available: its owner took it away, or out of the network."""

    cause = "left"


class PowerCutError(DeviceDownError):
    """What it hangs on is down, and took the device along."""

    cause = "outage"


class ServerDownError(DeviceDownError):
    """The server is down; what was done for it is lost, unless it goes on where it was."""

    cause = "server"


class BatteryEmptyError(DeviceDownError):
    """The device ran out of charge."""

    cause = "battery"


class DeviceDepartedError(DeviceDownError):
    """The device does not belong to the fleet: it has not arrived yet, or it has departed for good."""

    cause = "departed"


class JobRefusedError(FedsimError):
    """A device is there, and does not do a job; each child names a ``cause``."""

    cause = "refused"


class OutOfMemoryError(JobRefusedError):
    """The job does not fit into the device's memory."""

    cause = "memory"


class JobFaultError(JobRefusedError):
    """A job failed in the middle, or turned out to have failed, and is not tried again."""

    cause = "fault"


class TooLateError(JobRefusedError):
    """Its time to compute was over before its first step was."""

    cause = "late"


class LowChargeError(JobRefusedError):
    """The battery is below the floor under which the device works for nobody."""

    cause = "floor"
