"""What a simulated event loop does not do, and what to use instead."""

from typing import Any, NoReturn

from fedsim.errors import NotSimulatedError

_NETWORK = "the network is simulated: use a SimPy Store, an asyncio.Queue or fedsim.system's transfers"
_THREADS = "nothing runs beside the simulation: call the function directly, and charge its time with a timeout"
_SIGNALS = "signals come from outside simulated time: handle them around Simulation.run"
_PROCESSES = "nothing runs beside the simulation: start subprocesses before or after Simulation.run"

_REFUSED = {
    _NETWORK: (
        "add_reader add_writer remove_reader remove_writer create_connection create_datagram_endpoint "
        "create_server create_unix_connection create_unix_server connect_accepted_socket connect_read_pipe "
        "connect_write_pipe getaddrinfo getnameinfo sendfile start_tls sock_accept sock_connect sock_recv "
        "sock_recv_into sock_recvfrom sock_recvfrom_into sock_sendall sock_sendfile sock_sendto"
    ),
    _THREADS: "run_in_executor set_default_executor",
    _SIGNALS: "add_signal_handler remove_signal_handler",
    _PROCESSES: "subprocess_exec subprocess_shell",
}


def _refusal(name: str, reason: str) -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise NotSimulatedError(f"{name} is not available in simulated time; {reason}")

    refuse.__name__ = name
    refuse.__doc__ = f"Refused: {reason}."
    return refuse


def refusing(cls: type) -> type:
    """Class decorator: every operation that would touch the real world raises ``NotSimulatedError``."""
    for reason, names in _REFUSED.items():
        for name in names.split():
            setattr(cls, name, _refusal(name, reason))
    return cls
