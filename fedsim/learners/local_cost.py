"""What a device's local work asks of it, in counts: seconds and joules follow from the device."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalCost:
    """A full round's work of one device: ``steps`` steps, and what comes before the first.

    A *dispatch* is a call of the training library, and costs the device's fixed overhead. A library that loops over
    steps by itself does ``steps_per_dispatch`` in one; a step that trains several models takes
    ``dispatches_per_step``. ``begin_*`` is spent whatever the number of steps, and even with none.
    """

    steps: int
    step_flops: float
    step_moved_bytes: float  # through memory
    memory_bytes: float  # held: model, gradient, the solver's state, batch
    steps_per_dispatch: int = 1
    dispatches_per_step: int = 1
    begin_flops: float = 0.0
    begin_moved_bytes: float = 0.0
    begin_dispatches: int = 0

    def flops(self, steps: int) -> float:
        """Floating-point operations of so many steps."""
        return self.begin_flops + steps * self.step_flops

    def moved_bytes(self, steps: int) -> float:
        """Bytes that so many steps move through the device's memory."""
        return self.begin_moved_bytes + steps * self.step_moved_bytes

    def dispatches(self, steps: int) -> int:
        """Calls of the training library that so many steps take."""
        return self.begin_dispatches + -(-steps // self.steps_per_dispatch) * self.dispatches_per_step
