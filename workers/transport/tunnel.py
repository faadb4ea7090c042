"""Connects through a proxy: HTTP CONNECT, SOCKS 4 and 5, with TLS inside and, for https, around.

python-socks speaks to the proxy. With TLS in TLS what comes back is no `socket.socket` but behaves
like one.
"""

import functools
import socket
import ssl
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from python_socks import ProxyType
from python_socks.sync.v2 import Proxy as ProxyClient
from websocket._socket import DEFAULT_SOCKET_OPTION

from workers.transport.proxy import Proxy

_TYPES = {
    "http": ProxyType.HTTP,
    "https": ProxyType.HTTP,
    "socks4": ProxyType.SOCKS4,
    "socks4a": ProxyType.SOCKS4,
    "socks5": ProxyType.SOCKS5,
    "socks5h": ProxyType.SOCKS5,
}
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
"""Asked of the kernel: bursts wait there while books are being updated."""
_NAMES_FOUND_THERE = ("socks4a", "socks5h")


def open_tunnel(proxy: Proxy, url: str, *, timeout_s: float, tls: ssl.SSLContext) -> socket.socket:
    """A connection to the host of a WebSocket address, through a proxy, TLS spoken.

    Args:
        proxy: which.
        url: `ws://` or `wss://` address.
        timeout_s: for each step, and what the socket is left with.
        tls: verifies the exchange and, if it speaks TLS, the proxy.

    Raises:
        ProxyError: the proxy refused; ProxyTimeoutError, ProxyConnectionError: it is not there.
        OSError: network trouble, certificates included.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    client = ProxyClient(
        _TYPES[proxy.kind],
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password if proxy.username is not None else None,
        rdns=proxy.kind in _NAMES_FOUND_THERE,
        proxy_ssl=tls if proxy.kind == "https" else None,
    )
    stream = client.connect(
        parts.hostname or "",
        parts.port or (443 if secure else 80),
        dest_ssl=tls if secure else None,
        timeout=timeout_s,
    )
    made = cast(socket.socket, stream.socket)
    for option in (*DEFAULT_SOCKET_OPTION, *socket_options()):
        raw_socket(made).setsockopt(*option)
    return made


def raw_socket(held: socket.socket) -> socket.socket:
    """The TCP socket under however many layers of TLS."""
    while not isinstance(held, socket.socket):
        held = held.socket
    return held


@functools.cache
def _receive_buffer_allowed() -> bool:
    """Whether the kernel grants the buffer; less would be smaller than what it tunes by itself."""
    limit = Path("/proc/sys/net/core/rmem_max")
    try:
        return int(limit.read_text()) >= RECEIVE_BUFFER_BYTES
    except (OSError, ValueError):
        return False


def socket_options() -> list[tuple[int, int, int]]:
    """Beside websocket-client's own: TCP_NODELAY and keepalive (30 s idle, 3 probes of 10 s)."""
    if not _receive_buffer_allowed():
        return []
    return [(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)]
