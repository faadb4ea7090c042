"""Ports of the local servers: free ones for tests, and who holds a taken one."""

import contextlib
import errno
import socket

import psutil

from workers.model.errors import MarketPrismError

LOOPBACK = "127.0.0.1"


class LocalStackError(MarketPrismError):
    """The local stack cannot do what was asked; the message says what to change."""


class PortTaken(LocalStackError):
    """Something else listens where one of our processes must.

    Args:
        port: the number.
        setting: path of the setting that chose it, `redis.port`.
        variable: environment variable that overrides the setting.
    """

    def __init__(self, port: int, setting: str, variable: str) -> None:
        self.port, self.setting, self.variable = port, setting, variable
        super().__init__(
            f"port {port} ({setting}) is taken by {holder(port)}, "
            f"or choose another port: {variable}=<port>"
        )


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def free_port() -> int:
    """A port nobody listens on now."""
    return free_ports(1)[0]


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Whether a server could listen on the port.

    Raises:
        OSError: the address itself cannot be used.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def answers(port: int, address: str = LOOPBACK, timeout_s: float = 1.0) -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((address, port), timeout_s).close()
    except OSError:
        return False
    return True


def holder(port: int) -> str:
    """Who listens on the port and what to do, `nginx (pid 812); end that process`.

    Other users' processes cannot be seen. Of a process in a stack of ours, also whose it is.
    """
    for process in psutil.process_iter(["name"]):
        try:
            connections = process.net_connections(kind="tcp")
        except psutil.Error:
            continue
        for each in connections:
            if each.status == psutil.CONN_LISTEN and each.laddr.port == port:
                return f"{process.info['name']} (pid {process.pid}){_remedy(process)}"
    return "a process that cannot be seen from here; end it"


def _remedy(process: psutil.Process) -> str:
    """How to end it: by `marketprism down` if it is below a `marketprism up`."""
    try:
        for parent in process.parents():
            command = parent.cmdline()
            if any("marketprism" in each or each == "cli.main" for each in command[:3]) and (
                "up" in command
            ):
                return f" of the stack in {parent.cwd()}; stop it there with: marketprism down"
    except psutil.Error:
        return "; end that process"
    return "; end that process"
