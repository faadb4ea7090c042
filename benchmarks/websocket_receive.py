"""CPU a received WebSocket frame costs when frames wait in the socket: ours, the library's, none.

    python -m benchmarks.websocket_receive

A child process sends unmasked text frames as fast as it can; the receiver's own CPU time is divided
by the frames. Ways are measured in turn, five rounds each, so that a machine that changes its speed
changes all of them. "socket only" is recv(64 KiB) without reading frames: the floor.
"""

import base64
import hashlib
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import websocket

from benchmarks._machine import table
from workers.transport.websocket import WebSocketConnection

SIZES = (200, 1500)
BYTES_PER_ROUND = 60_000_000
LIBRARY_SHARE = 10
"""The library alone is slow enough to measure with a tenth of the frames."""
ROUNDS = 5
LIMIT_US = 1.5


def ours(url: str, frames: int) -> float:
    """Seconds of CPU for `frames` frames through WebSocketConnection."""
    connection = WebSocketConnection(url, connect_timeout_s=10)
    connection.connect()
    left = frames
    begun_s = time.thread_time()
    while left > 0:
        left -= len(connection.receive(10))
    took_s = time.thread_time() - begun_s
    connection.abort()
    connection.close()
    return took_s


def library(url: str, frames: int) -> float:
    """The same through websocket-client's own `recv`."""
    connection = websocket.create_connection(
        url, timeout=10, skip_utf8_validation=True, http_no_proxy=["*"]
    )
    begun_s = time.thread_time()
    for _ in range(frames):
        connection.recv()
    took_s = time.thread_time() - begun_s
    connection.shutdown()
    return took_s


def nothing(url: str, frames: int) -> float:
    """The same with reads of the socket alone."""
    connection = WebSocketConnection(url, connect_timeout_s=10)
    connection.connect()
    held = connection._socket
    assert held is not None
    size = int(url.split("/")[-2])
    left = frames * (size + header_size(size))
    begun_s = time.thread_time()
    while left > 0:
        left -= len(held.recv(65536))
    took_s = time.thread_time() - begun_s
    connection.abort()
    connection.close()
    return took_s


WAYS: dict[str, tuple[Callable[[str, int], float], int]] = {
    "ours": (ours, 1),
    "websocket-client recv": (library, LIBRARY_SHARE),
    "socket only": (nothing, 1),
}


def main() -> None:
    """Print the table."""
    command = [sys.executable, "-m", "benchmarks.websocket_receive", "serve"]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) as child:
        try:
            assert child.stdout is not None
            rows = measure(int(child.stdout.readline()))
        finally:
            child.terminate()
    header = ["frame", *(f"{name}, µs" for name in WAYS), "ours : library", f"≤ {LIMIT_US} µs"]
    table("Receiving a saturated frame: CPU of the receiver, medians", header, rows)


def measure(port: int) -> list[list[str]]:
    """A row for each size: microseconds per frame for each way."""
    rows = []
    for size in SIZES:
        frames = BYTES_PER_ROUND // size
        taken: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(ROUNDS):
            for name, (way, share) in WAYS.items():
                count = frames // share
                seconds = way(f"ws://127.0.0.1:{port}/{size}/{count}", count)
                taken[name].append(seconds / count * 1e6)
        medians = {name: statistics.median(values) for name, values in taken.items()}
        row = [f"{size} B", *(f"{value:.2f}" for value in medians.values())]
        ratio = medians["websocket-client recv"] / medians["ours"]
        rows.append([*row, f"1 : {ratio:.0f}", "yes" if medians["ours"] <= LIMIT_US else "NO"])
    return rows


def header_size(size: int) -> int:
    """Bytes before an unmasked payload of this size."""
    return 2 if size < 126 else 4 if size < 0x10000 else 10


def serve() -> None:
    """Send what the path asks for, `/SIZE/COUNT`, to one client after another."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += client.recv(65536)
        headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if line)
        guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(headers[b"Sec-WebSocket-Key"] + guid).digest())
        client.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        size, count = (int(part) for part in request.split(b" ")[1].split(b"/")[1:])
        frame = struct.pack("!BBH", 0x81, 126, size) + b"x" * size
        try:
            while count > 0:
                several = min(count, 1_000_000 // len(frame))
                client.sendall(frame * several)
                count -= several
            client.recv(1)
        except ConnectionError:
            continue
        finally:
            client.close()


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
