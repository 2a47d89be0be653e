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


class NoRouteError(FedsimError):
    """No path through the network leads from one place to another."""


class MessageLostError(FedsimError):
    """A message was sent and never arrived; ``sent_bytes`` of it were sent."""

    sent_bytes = 0.0


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


class BatteryEmptyError(DeviceDownError):
    """The device ran out of charge."""

    cause = "battery"


class JobRefusedError(FedsimError):
    """A device is there, and refuses a job; each child names a ``cause``."""

    cause = "refused"


class OutOfMemoryError(JobRefusedError):
    """The job does not fit into the device's memory."""

    cause = "memory"


class LowChargeError(JobRefusedError):
    """The battery is below the floor under which the device works for nobody."""

    cause = "floor"
