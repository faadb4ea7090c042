"""How exchanges are reached: proxy, trusted authorities, and the address calls leave from."""

import functools
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import certifi

from workers.model.errors import TransportError
from workers.transport.proxy import Proxy, is_exempt, proxy_of_environment
from workers.transport.rates import DIRECT


class _Secret(Protocol):
    def get_secret_value(self) -> str: ...


class NetworkSection(Protocol):
    """What is read of `config.settings.NetworkSettings`."""

    @property
    def proxy(self) -> _Secret | None:
        """The proxy's address."""
        ...

    @property
    def no_proxy(self) -> Sequence[str]:
        """Hosts reached without it."""
        ...

    @property
    def ca_file(self) -> Path | None:
        """Certificates of a private authority."""
        ...

    @property
    def egress(self) -> str | None:
        """Names the address calls leave from."""
        ...


@dataclass(frozen=True)
class Network:
    """The way to exchanges, for REST and WebSocket alike.

    Args:
        proxy: `http://user:password@host:port`, `https://...`, `socks5h://...`; None: what the
            environment says; "": none.
        no_proxy: hosts, domains (.example.org) and networks that are reached without any proxy.
        ca_file: certificates, PEM, trusted beside the usual ones.
        egress: names the address calls leave from; None: the proxy's, else `direct`.
    """

    proxy: str | None = field(default=None, repr=False)
    no_proxy: tuple[str, ...] = ()
    ca_file: Path | None = None
    egress_name: str | None = None

    @classmethod
    def from_settings(cls, section: NetworkSection) -> "Network":
        """As the settings' section `network` says."""
        return cls(
            section.proxy.get_secret_value() if section.proxy else None,
            tuple(section.no_proxy),
            section.ca_file,
            section.egress,
        )

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy that leads to an address; None: connect directly.

        Raises:
            TransportError: its address cannot be used.
        """
        if is_exempt(urlsplit(url).hostname or "", self.no_proxy):
            return None
        address = proxy_of_environment(url) if self.proxy is None else self.proxy
        return Proxy.parse(address) if address else None

    def egress(self, url: str) -> str:
        """The name under which an exchange's limits are counted: who shares it shares them."""
        if self.egress_name:
            return self.egress_name
        proxy = self.proxy_for(url)
        return f"{proxy.host}:{proxy.port}" if proxy else DIRECT

    def tls(self) -> ssl.SSLContext:
        """Verifies certificates and host names; of those we call and of an HTTPS proxy.

        Trusted are the system's authorities and certifi's, or in their place those that
        `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE` name; `ca_file` beside either.

        Raises:
            TransportError: a file is missing or holds no certificates.
        """
        named = (os.environ.get("SSL_CERT_FILE"), os.environ.get("REQUESTS_CA_BUNDLE"))
        return _trust(*named, str(self.ca_file) if self.ca_file else None)


@functools.lru_cache(maxsize=8)
def _trust(ssl_cert_file: str | None, bundle: str | None, ca_file: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not (ssl_cert_file or bundle):
        context.load_default_certs()
        context.load_verify_locations(certifi.where())
    for name, path in (
        ("SSL_CERT_FILE", ssl_cert_file),
        ("REQUESTS_CA_BUNDLE", bundle),
        ("network.ca_file", ca_file),
    ):
        if path:
            _add(context, name, path)
    return context


def _add(context: ssl.SSLContext, name: str, path: str) -> None:
    folder = Path(path).is_dir()
    try:
        context.load_verify_locations(None if folder else path, path if folder else None)
    except FileNotFoundError:
        raise TransportError(f"{name}: {path}: no such file; nothing can be verified") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise TransportError(
            f"{name}: {path}: no certificates in it ({reason}); write a file in PEM format"
        ) from error
