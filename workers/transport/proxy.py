"""A proxy's address, and which hosts are reached without one. Pure but for the environment.

`https_proxy` (wss, https), `http_proxy` (ws, http), `all_proxy`, `no_proxy`, lower or upper case.
Loopback addresses are not reached through a proxy of the environment: the simulated exchange lives
there. A proxy that the settings name is used for them, too, unless `network.no_proxy` has them.
"""

import ipaddress
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from workers.model.errors import TransportError

_SCHEME_OF = {"ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_KINDS = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_ALIASES = {"socks": "socks5h"}


@dataclass(frozen=True)
class Proxy:
    """An address of a proxy.

    Args:
        kind: http, https (TLS to the proxy itself), socks4, socks5 (names are found here),
            socks4a, socks5h (the proxy finds them).
        host: its name or address.
        port: its port.
        username: None: it asks for none.
        password: goes with it.
    """

    kind: str
    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, address: str) -> "Proxy":
        """The proxy in `http://user:password@host:port`; without a scheme it is an HTTP proxy.

        Raises:
            TransportError: it cannot be used; the message holds no password.
        """
        parts = urlsplit(address if "://" in address else f"http://{address}")
        kind = _ALIASES.get(parts.scheme, parts.scheme)
        try:
            port = parts.port or _DEFAULT_PORTS.get(kind, 1080)
        except ValueError as error:
            raise TransportError(f"proxy {parts.hostname}: {error}") from error
        if parts.hostname is None or kind not in _KINDS:
            raise TransportError(
                f"proxy with scheme {parts.scheme!r} and host {parts.hostname!r} cannot be used; "
                "write http://host:port or socks5h://host:port"
            )
        username = None if parts.username is None else unquote(parts.username)
        return cls(kind, parts.hostname, port, username, unquote(parts.password or ""))

    @property
    def name(self) -> str:
        """For messages: no user, no password."""
        return f"{self.kind}://{self._authority}"

    @property
    def url(self) -> str:
        """With user and password; never log it."""
        if self.username is None:
            return self.name
        user, password = quote(self.username, safe=""), quote(self.password, safe="")
        return f"{self.kind}://{user}:{password}@{self._authority}"

    @property
    def _authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def proxy_of_environment(url: str) -> str | None:
    """The proxy's address for `url` (ws, wss, http, https), None: connect directly."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    proxies = urllib.request.getproxies_environment()
    if is_loopback(host) or is_exempt(host, proxies.get("no", "").split(",")):
        return None
    return proxies.get(_SCHEME_OF.get(parts.scheme, parts.scheme)) or proxies.get("all")


def is_exempt(host: str, names: Iterable[str]) -> bool:
    """Whether a host is in a list of hosts, domains (.example.org), networks (10.0.0.0/8) or *.

    A name stands for the domain below it, too, as curl, urllib and requests read it.
    """
    listed = [each.strip().lower().lstrip(".") for each in names if each.strip()]
    name = host.lower().rstrip(".")
    if any(each == "*" or name == each or name.endswith("." + each) for each in listed):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(listed))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _networks(listed: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    networks = []
    for each in listed:
        try:
            networks.append(ipaddress.ip_network(each, strict=False))
        except ValueError:
            continue  # a name, compared as such
    return networks
