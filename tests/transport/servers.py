"""Servers on loopback whose every byte the test decides: WebSocket, TLS, an HTTP proxy."""

import queue
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.transport import wire

TLS_DATA = Path(__file__).parent.parent / "data" / "tls"
CA_FILE = TLS_DATA / "ca.pem"
WAIT_S = 10.0


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS_DATA / "server.pem", TLS_DATA / "server.key")
    return context


class Peer:
    """The server's end of one connection. With TLS, records can be sealed and sent in pieces."""

    def __init__(self, raw: socket.socket, tls: ssl.SSLContext | None) -> None:
        self.raw = raw
        self.request = b""
        raw.settimeout(WAIT_S)
        # Else a small segment waits 40 ms for the client's delayed acknowledgement.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = tls.wrap_bio(self._in, self._out, server_side=True) if tls else None
        if self._tls:
            self._pump(self._tls.do_handshake)

    def seal(self, data: bytes) -> bytes:
        """The bytes that carry `data` on the wire: TLS records, or `data` itself."""
        if not self._tls:
            return data
        self._tls.write(data)
        return self._out.read()

    def send(self, *frames: bytes) -> None:
        """Send all frames with one call, in one segment if they fit."""
        self.raw.sendall(self.seal(b"".join(frames)))

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes of the client."""
        data = b""
        while len(data) < size:
            part = self._some(size - len(data))
            if not part:
                raise EOFError(f"{len(data)} of {size} bytes, then the client's end")
            data += part
        return data

    def read_frame(self) -> tuple[int, bytes]:
        return wire.read_frame(self.read)

    def read_headers(self) -> bytes:
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += self.read(1)
        return data

    def read_end(self) -> None:
        """Wait for the client's end of the stream, ignoring what comes before it."""
        try:
            while self._some(65536):
                continue
        except ConnectionError:
            return

    def close(self) -> None:
        self.raw.close()

    def reset(self) -> None:
        """End with RST instead of FIN."""
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.raw.close()

    def _some(self, size: int) -> bytes:
        if not self._tls:
            return self.raw.recv(size)
        tls = self._tls
        try:
            return self._pump(lambda: tls.read(size))
        except ssl.SSLError:
            return b""

    def _pump(self, step: Callable[[], object]) -> bytes:
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.raw.recv(65536)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
            else:
                self._flush()
                return done if isinstance(done, bytes) else b""

    def _flush(self) -> None:
        pending = self._out.read()
        if pending:
            self.raw.sendall(pending)


def upgrade(after: bytes = b"") -> Callable[[Peer], None]:
    """Answer the upgrade request; `after` follows the reply in the same segment."""

    def act(peer: Peer) -> None:
        peer.send(wire.upgrade_reply(peer.request), after)

    return act


def reply(text: bytes) -> Callable[[Peer], None]:
    """Answer the upgrade request with these bytes."""

    def act(peer: Peer) -> None:
        peer.send(text)

    return act


class RawServer:
    """Accepts connections, reads one request on each, acts, and hands out the peers.

    Args:
        act: what to do with a peer once its request is read.
        tls: the server's TLS context, None: plain TCP.
    """

    def __init__(
        self, act: Callable[[Peer], None] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._act = act or upgrade()
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        scheme = "wss" if tls else "ws"
        self.url = f"{scheme}://127.0.0.1:{self.port}/ws"
        self._peers: queue.Queue[Peer] = queue.Queue()
        self._made: list[Peer] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def peer(self) -> Peer:
        """The next peer that was acted on."""
        return self._peers.get(timeout=WAIT_S)

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            try:
                peer = Peer(raw, self._tls)
            except (OSError, ssl.SSLError):
                raw.close()
                continue
            self._made.append(peer)
            try:
                peer.request = peer.read_headers()
                self._act(peer)
            except (OSError, EOFError, ssl.SSLError):
                peer.close()
                continue
            self._peers.put(peer)

    def __enter__(self) -> "RawServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._made:
            peer.close()
        self._thread.join(WAIT_S)


class ConnectProxy:
    """An HTTP proxy that tunnels every CONNECT to one port of 127.0.0.1, whatever name is asked.

    Args:
        target_port: where every tunnel ends.
        refusal: answers this instead.

    Attributes:
        requests: the request heads it was given.
    """

    def __init__(self, target_port: int, refusal: bytes = b"") -> None:
        self.requests: list[bytes] = []
        self._target_port = target_port
        self._sockets: list[socket.socket] = []
        self._refusal = refusal
        self._server = RawServer(self._tunnel)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def _tunnel(self, peer: Peer) -> None:
        self.requests.append(peer.request)
        if self._refusal:
            peer.send(self._refusal)
            return
        target = socket.create_connection(("127.0.0.1", self._target_port))
        self._sockets.append(target)
        peer.raw.settimeout(None)
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        for source, sink in ((peer.raw, target), (target, peer.raw)):
            threading.Thread(target=_copy, args=(source, sink), daemon=True).start()

    def __enter__(self) -> "ConnectProxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.__exit__(kind, error, trace)
        for each in self._sockets:
            each.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
