"""Which proxy leads to an address, by the usual environment variables.

`https_proxy` (wss, https), `http_proxy` (ws, http), `all_proxy`, `no_proxy`, lower or upper case.
Loopback addresses are never reached through a proxy: the simulated exchange lives there. SOCKS
proxies need the package python-socks for WebSockets and PySocks for REST.
"""

import ipaddress
import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

from workers.model.errors import TransportError

_SCHEME_OF = {"ws": "http", "wss": "https"}
_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")


def proxy_for(url: str) -> str | None:
    """The proxy's address for `url` (ws, wss, http, https), None: connect directly."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host):
        return None
    proxies = urllib.request.getproxies_environment()
    if urllib.request.proxy_bypass(host):
        return None
    return proxies.get(_SCHEME_OF.get(parts.scheme, parts.scheme)) or proxies.get("all")


def websocket_options(proxy: str | None) -> dict[str, Any]:
    """The proxy as websocket-client wants it, for its `connect`.

    Raises:
        TransportError: the proxy's address cannot be used.
    """
    if proxy is None:
        # Without a proxy's name the library reads the environment, by rules of its own; so name
        # one and exempt every host from it.
        return {"http_proxy_host": "none.invalid", "http_proxy_port": 1, "http_no_proxy": ["*"]}
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    kind = {"socks": "socks5h"}.get(parts.scheme, parts.scheme)
    try:
        port = parts.port or (1080 if kind in _SOCKS else 80)
    except ValueError as error:
        raise TransportError(f"proxy {parts.hostname}: {error}") from error
    if parts.hostname is None or kind not in ("http", *_SOCKS):
        raise TransportError(
            f"proxy with scheme {parts.scheme!r} and host {parts.hostname!r} cannot be used; write "
            "http://host:port or socks5h://host:port"
        )
    options: dict[str, Any] = {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": port,
        "proxy_type": kind,
        # The bypass was decided already; a name that never matches keeps the library from it.
        "http_no_proxy": ["proxy-decided.invalid"],
    }
    if parts.username is not None:
        options["http_proxy_auth"] = (unquote(parts.username), unquote(parts.password or ""))
    return options


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
