"""The plainest transport: delay, then bytes."""

from dataclasses import dataclass

from fedsim.system.transport import FORGETFUL, Connection, Memory, Path, Plan


@dataclass(frozen=True, slots=True)
class Ideal:
    """Size over rate plus delay; no headers, no set-up, no acknowledgements."""

    def plan(self, path: Path, size_bytes: float, connection: Connection) -> Plan:  # noqa: ARG002  # a transport has it
        """The size itself, after the delay."""
        return Plan(wire_bytes=size_bytes, delay_s=path.delay_s)

    def remembers(self, path: Path) -> Memory:  # noqa: ARG002  # a transport has it
        """Nothing."""
        return FORGETFUL
