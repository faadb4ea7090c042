"""Proxies on loopback: SOCKS 5 (RFC 1928, 1929), and TLS in front of an HTTP proxy."""

import contextlib
import select
import socket
import ssl
import struct
import threading
from types import TracebackType

from tests.transport.servers import WAIT_S


class _Relay:
    """Accepts, lets `open` make the far end, then copies both ways, one thread a connection.

    Attributes:
        passed: bytes copied, both ways together.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.passed = 0
        self._open: list[socket.socket] = []
        self._serving: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def open(self, near: socket.socket) -> tuple[socket.socket, socket.socket]:
        """The two ends to copy between."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            near.settimeout(WAIT_S)
            self._serving.append(threading.Thread(target=self._serve, args=(near,), daemon=True))
            self._serving[-1].start()

    def _serve(self, near: socket.socket) -> None:
        mine = [near]
        with contextlib.suppress(OSError, EOFError):
            one, other = self.open(near)
            mine += [one, other]
            self._open += mine
            while True:
                waiting = isinstance(one, ssl.SSLSocket) and one.pending()
                ready = [one] if waiting else select.select([one, other], [], [])[0]
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        raise EOFError
                    self.passed += len(data)
                    (other if source is one else one).sendall(data)
        for each in mine:
            each.close()

    def __enter__(self) -> "_Relay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)
        for thread in (self._thread, *self._serving):
            thread.join(WAIT_S)


class TlsFront(_Relay):
    """Speaks TLS and passes what is inside on to a port: makes an HTTPS proxy of an HTTP one."""

    def __init__(self, context: ssl.SSLContext, target_port: int) -> None:
        self._context, self._target_port = context, target_port
        super().__init__()
        self.url = f"https://127.0.0.1:{self.port}"

    def open(self, near: socket.socket) -> tuple[socket.socket, socket.socket]:
        secured = self._context.wrap_socket(near, server_side=True)
        return secured, socket.create_connection(("127.0.0.1", self._target_port))


class SocksProxy(_Relay):
    """A SOCKS 5 proxy whose every tunnel ends at one port of 127.0.0.1, whatever is asked.

    Args:
        target_port: that port.
        login: user and password it asks for; None: it asks for none.
        reply: what it answers; 0: granted, 2: not allowed.

    Attributes:
        asked: (host, port) of each tunnel; the host as it came: a name, or an address.
        logins: what clients said who they are.
    """

    def __init__(
        self, target_port: int, login: tuple[str, str] | None = None, reply: int = 0
    ) -> None:
        self._target_port, self._login, self._reply = target_port, login, reply
        self.asked: list[tuple[str, int]] = []
        self.logins: list[tuple[str, str]] = []
        super().__init__()

    def url(self, scheme: str) -> str:
        user = ":".join(self._login) + "@" if self._login else ""
        return f"{scheme}://{user}127.0.0.1:{self.port}"

    def open(self, near: socket.socket) -> tuple[socket.socket, socket.socket]:
        methods = _exactly(near, _exactly(near, 2)[1])
        wanted = 2 if self._login else 0
        near.sendall(bytes([5, wanted if wanted in methods else 0xFF]))
        if self._login:
            name = _exactly(near, _exactly(near, 2)[1]).decode()
            password = _exactly(near, _exactly(near, 1)[0]).decode()
            self.logins.append((name, password))
            near.sendall(bytes([1, (name, password) != self._login]))
        kind = _exactly(near, 4)[3]
        if kind == 3:
            host = _exactly(near, _exactly(near, 1)[0]).decode()
        else:
            host = socket.inet_ntoa(_exactly(near, 4))
        (port,) = struct.unpack("!H", _exactly(near, 2))
        self.asked.append((host, port))
        near.sendall(bytes([5, self._reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if self._reply:
            raise EOFError
        return near, socket.create_connection(("127.0.0.1", self._target_port))


def _exactly(near: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = near.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
