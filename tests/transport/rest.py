"""An exchange's REST side on loopback; what it answers is the test's."""

import http.server
import ssl
import threading
from collections.abc import Callable
from typing import Any

from tests.transport.servers import WAIT_S, server_tls


class Door(http.server.BaseHTTPRequestHandler):
    """Gives each request to the server's `answer`."""

    protocol_version = "HTTP/1.1"
    server: "Rest"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        self.server.ports.add(self.client_address[1])
        self.server.answer(self)

    def say(self, status: int, body: bytes = b"{}", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        return


class Rest(http.server.ThreadingHTTPServer):
    """An exchange's REST side; `answer` is set by the test."""

    daemon_threads = True

    def __init__(self, secure: bool | ssl.SSLContext = False) -> None:
        super().__init__(("127.0.0.1", 0), Door)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.ports: set[int] = set()
        self.answer: Callable[[Door], None] = lambda door: door.say(200)
        if secure:
            context = server_tls() if secure is True else secure
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if secure else 'http'}://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is expected here."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(WAIT_S)
