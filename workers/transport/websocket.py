"""One WebSocket connection to an exchange: bytes in, messages out.

websocket-client connects (TLS, upgrade) and sends, tunnel.py leads through proxies; receiving is
ours (frames.py), because the library reads each frame in two to three small pieces and copies it
between them. The library reads the upgrade reply byte by byte, so what follows it in the same
segment is still in the socket.

Does not reconnect, subscribe or watch for silence: the collector does.
"""

import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any

import websocket
from python_socks import ProxyError

from workers.model.clock import Clock, SystemClock
from workers.model.errors import TransportError
from workers.transport.failures import explain
from workers.transport.frames import ABNORMAL, NORMAL, PING, FrameReader
from workers.transport.headers import retry_after_s, user_agent
from workers.transport.network import Network
from workers.transport.proxy import Proxy
from workers.transport.tunnel import open_tunnel, raw_socket, socket_options

DEFAULT_MAX_MESSAGE_BYTES = 16 * 1024 * 1024
READ_BYTES = 64 * 1024
"""One read; larger buffers are mapped afresh by the C library for each call and cost more."""
CLOSE_TIMEOUT_S = 1.0

_NO_PROXY: dict[str, Any] = {
    "http_proxy_host": "none.invalid",
    "http_proxy_port": 1,
    "http_no_proxy": ["*"],
}
"""Without a proxy's name the library reads the environment, by rules of its own; so name one and
exempt every host from it."""
_CONNECT_ERRORS = (
    websocket.WebSocketException,
    ProxyError,
    TransportError,  # a proxy address we cannot use
    OSError,
    ValueError,
)


class Disconnected(TransportError):
    """The connection is not there: it could not be made, or it ended.

    Args:
        code: the close code; 1006 for an end without a close frame, 1002 or 1009 where we refused
            the stream; None: the connection was never made.
        reason: the peer's words, or ours.
        http_status: the status of an upgrade the server refused (429: too many connects), else
            None.
        retry_after_s: how long that answer asked to wait; None: it did not say.
    """

    def __init__(
        self,
        code: int | None,
        reason: str,
        http_status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"disconnected, code {code}: {reason}" if code else reason)
        self.code, self.reason, self.http_status = code, reason, http_status
        self.retry_after_s = retry_after_s


class WebSocketConnection:
    """A connection that is made once and ends once; make another to reconnect.

    For one thread; only `abort` may be called from another.

    Args:
        url: `ws://` or `wss://` address.
        connect_timeout_s: for each step of connecting (TCP, proxy, TLS), for the upgrade as a
            whole, and for each send.
        max_message_bytes: a longer message ends the connection with code 1009.
        network: proxy and trusted authorities; default: the environment's.
        headers: more headers for the upgrade request.
        clock: stamps `received_ns`.

    Attributes:
        received_ns: when the last read returned, UTC.
        last_received_s: the same on the monotonic clock, any bytes count.
        bytes_received: by reads so far, frame headers included.
        pings_received: pings, each answered at once with the same payload.
        pongs_received: pongs of the peer.
        last_pong: payload of the latest pong.
        messages_discarded: messages that came after `close` was called.
        close_code: None while open; see `Disconnected.code`, 1000 after our own `close`.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_s: float,
        max_message_bytes: int = DEFAULT_MAX_MESSAGE_BYTES,
        network: Network | None = None,
        headers: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.url = url
        self._connect_timeout_s = connect_timeout_s
        self._network = network if network is not None else Network()
        self._headers = {"User-Agent": user_agent(), **(headers or {})}
        self._clock: Clock = clock if clock is not None else SystemClock()
        self._library = websocket.WebSocket(sockopt=socket_options())
        self._frames = FrameReader(max_message_bytes)
        self._socket: socket.socket | None = None
        self._timeout_s: float | None = None
        self._aborted = False
        self._ended: Disconnected | None = None
        self.received_ns = 0
        self.last_received_s = self._clock.monotonic_s()
        self.bytes_received = 0
        self.pings_received = 0
        self.pongs_received = 0
        self.last_pong = b""
        self.messages_discarded = 0
        self.close_code: int | None = None

    def connect(self) -> None:
        """Connect and upgrade. Redirects are refused.

        Raises:
            Disconnected: it did not work, the reason says why; code None.
        """
        if self._socket is not None or self._ended is not None:
            raise Disconnected(None, f"{self.url}: connected once already; make another connection")
        # The library's timeout is for each read, and a server may send its reply byte by byte.
        watchdog = threading.Timer(self._connect_timeout_s * 3, self._shut)
        watchdog.daemon = True
        watchdog.start()
        proxy: Proxy | None = None
        try:
            proxy = self._network.proxy_for(self.url)
            self._library.sock_opt.sslopt = {"context": self._network.tls()}
            self._library.connect(  # type: ignore[no-untyped-call]
                self.url,
                timeout=self._connect_timeout_s,
                header=self._headers,
                suppress_origin=True,
                redirect_limit=0,
                **(_NO_PROXY if proxy is None else {"socket": self._through(proxy)}),
            )
        except _CONNECT_ERRORS as error:
            self._ended = self._cannot_connect(error, proxy)
            raise self._ended from error
        finally:
            watchdog.cancel()
        self._socket = self._library.sock
        self._timeout_s = self._connect_timeout_s
        self.last_received_s = self._clock.monotonic_s()
        if self._aborted:
            raise self._end(ABNORMAL, "aborted")

    def receive(self, timeout_s: float) -> list[bytes]:
        """Every message that is complete after a read, in order; at least one, or [] on timeout.

        Answers pings on the way. Messages received before the connection's end are returned, the
        next call raises. Payloads are the frame's bytes, text or binary alike, not checked.

        Args:
            timeout_s: how long to wait for the first message; 0: only what is there.

        Raises:
            Disconnected: the connection ended.
        """
        end_s = self._clock.monotonic_s() + timeout_s
        wait_s = timeout_s
        while True:
            messages = self._read(wait_s)
            if messages or messages is None:
                return messages or []
            # Control frames or a part of a message only: go on until the time is over.
            wait_s = end_s - self.last_received_s
            if wait_s <= 0:
                return []

    def send(self, data: bytes | str) -> None:
        """Send one message; bytes go out as a text frame too, exchanges expect that for JSON.

        Raises:
            Disconnected: the connection ended, or ends here because the send failed.
        """
        self._send(data, websocket.ABNF.OPCODE_TEXT)

    def ping(self, payload: bytes = b"") -> None:
        """Send a ping with at most 125 bytes. Raises Disconnected like `send`."""
        if len(payload) > 125:
            raise ValueError(f"ping payload of {len(payload)} bytes, the limit is 125")
        self._send(payload, websocket.ABNF.OPCODE_PING)

    def close(self) -> None:
        """Say goodbye, wait a second at most for the answer, and end. Safe to call again."""
        if self._socket is not None and self._ended is None:
            if self._aborted:
                self._end(ABNORMAL, "aborted")
                return
            try:
                self._set_timeout(CLOSE_TIMEOUT_S)
                self._library.send_close(NORMAL)
                end_s = self._clock.monotonic_s() + CLOSE_TIMEOUT_S
                while self._frames.ending is None and self._clock.monotonic_s() < end_s:
                    self._set_timeout(max(0.01, end_s - self._clock.monotonic_s()))
                    data = self._socket.recv(READ_BYTES)
                    if not data:
                        break
                    self.messages_discarded += len(self._frames.feed(data))
            except (websocket.WebSocketException, OSError) as error:
                self._end(NORMAL, f"closed by us; the goodbye failed: {error}")
            self._end(NORMAL, "closed by us")

    def abort(self) -> None:
        """End at once, without goodbye; a receiver in another thread wakes with code 1006.

        The thread that owns the connection still calls `close`, which frees the socket.
        """
        self._aborted = True
        self._shut()

    def _through(self, proxy: Proxy) -> socket.socket:
        return open_tunnel(
            proxy, self.url, timeout_s=self._connect_timeout_s, tls=self._network.tls()
        )

    def _cannot_connect(self, error: Exception, proxy: Proxy | None) -> Disconnected:
        status = getattr(error, "status_code", None)
        if status:
            words = f"answered {status}"
        elif isinstance(error, TransportError):
            words = str(error)
        else:
            _, words = explain(error)
        way = f" through {proxy.name}" if proxy else ""
        asked = (getattr(error, "resp_headers", None) or {}).get("retry-after")
        return Disconnected(
            None, f"{self.url}: cannot connect{way}: {words}", status, retry_after_s(asked)
        )

    def _read(self, timeout_s: float) -> list[bytes] | None:
        """Messages of one read; None if there was nothing to read in time."""
        if self._ended is not None:
            raise self._ended
        if self._socket is None:
            raise Disconnected(None, f"{self.url}: not connected yet")
        if timeout_s != self._timeout_s:
            self._set_timeout(timeout_s)
        try:
            data = self._socket.recv(READ_BYTES)
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if self._aborted:
                raise self._end(ABNORMAL, "aborted") from None
            return None
        except OSError as error:
            reason = "aborted" if self._aborted else f"{type(error).__name__}: {error}"
            raise self._end(ABNORMAL, reason) from error
        self.received_ns = self._clock.now_ns()
        self.last_received_s = self._clock.monotonic_s()
        if not data:
            raise self._end(ABNORMAL, self._end_of_stream())
        self.bytes_received += len(data)
        frames = self._frames
        messages = frames.feed(data)
        if frames.controls:
            self._answer_controls(messages)
        if frames.ending is not None and self._ended is None:
            ended = self._end_by_frames()
            if not messages:
                raise ended
        return messages

    def _end_of_stream(self) -> str:
        if self._aborted:
            return "aborted"
        held = self._frames.held_bytes
        inside = f" inside a message, {held} bytes of it lost" if held else ""
        return f"the peer ended the stream without a close frame{inside}"

    def _answer_controls(self, messages: list[bytes]) -> None:
        controls = self._frames.controls[:]
        self._frames.controls.clear()
        for opcode, payload in controls:
            if opcode != PING:
                self.pongs_received += 1
                self.last_pong = payload
                continue
            self.pings_received += 1
            try:
                self._send(payload, websocket.ABNF.OPCODE_PONG)
            except Disconnected:
                # Messages of the same read come first; the next call raises what `_send` noted.
                if not messages:
                    raise
                return

    def _end_by_frames(self) -> Disconnected:
        """The stream ended by a close frame or an error in it: answer, then end."""
        ending = self._frames.ending
        assert ending is not None
        code = NORMAL if ending.code == 1005 else ending.code
        try:
            self._set_timeout(CLOSE_TIMEOUT_S)
            self._library.send_close(code)
        except (websocket.WebSocketException, OSError) as error:
            return self._end(ending.code, f"{ending.reason or 'closed'}; no answer sent: {error}")
        return self._end(ending.code, ending.reason or "closed by the peer")

    def _send(self, data: bytes | str, opcode: int) -> None:
        if self._ended is not None:
            raise self._ended
        if self._socket is None:
            raise Disconnected(None, f"{self.url}: not connected yet")
        try:
            self._set_timeout(self._connect_timeout_s)
            self._library.send(data, opcode)
        except (websocket.WebSocketException, OSError) as error:
            # A part of the frame may be out: nothing can follow it.
            reason = "aborted" if self._aborted else f"send failed: {type(error).__name__}: {error}"
            raise self._end(ABNORMAL, reason) from error

    def _set_timeout(self, timeout_s: float) -> None:
        assert self._socket is not None
        self._socket.settimeout(timeout_s)
        self._timeout_s = timeout_s

    def _end(self, code: int, reason: str) -> Disconnected:
        """Note the end, once; close the socket."""
        if self._ended is None:
            self.close_code = code
            self._ended = Disconnected(code, reason)
            self._shut()
            held = self._library.sock
            self._library.shutdown()  # type: ignore[no-untyped-call]
            if held is not None:
                held.close()  # the library leaves TLS inside TLS open
        return self._ended

    def _shut(self) -> None:
        """Shut the TCP connection both ways, from any thread; wakes whoever reads from it."""
        held = self._library.sock
        if held is None:
            return
        try:
            # Not SSLSocket.shutdown: it takes the TLS object from under a reading thread.
            socket.socket.shutdown(raw_socket(held), socket.SHUT_RDWR)
        except OSError:
            # Closed already, by either side: what was wanted.
            return
