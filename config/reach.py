"""Settings about exchanges: where they are, how they are reached, what is collected."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from config.durations import Duration
from config.exchanges import OFFERS, Channel
from config.section import Names, Section, split
from config.shards import MOST_SHARDS


def _address(url: str, schemes: tuple[str, ...], example: str) -> str:
    """The URL without a slash at its end."""
    wanted = f"write an address such as {example}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"{wanted}; the port is a whole number from 1 to 65535") from None
    if parts.scheme not in schemes:
        known = " or ".join(f"{scheme}://" for scheme in schemes)
        raise ValueError(f"{wanted}; it begins with {known}")
    if not parts.hostname or port == 0 or re.search(r"\s", url):
        raise ValueError(f"{wanted}; the host is missing or the address is misspelt")
    if parts.query or parts.fragment:
        raise ValueError(f"{wanted}; nothing may follow after ? or #")
    return url.rstrip("/")


def _http(url: str) -> str:
    return _address(url, ("http", "https"), "https://api.binance.com")


def _websocket(url: str) -> str:
    return _address(url, ("ws", "wss"), "wss://stream.binance.com:9443")


def _proxy(secret: SecretStr | None) -> SecretStr | None:
    """An error of it must not show the address: there may be a password in it."""
    if secret is not None:
        address = secret.get_secret_value()
        _address(address, ("http", "https", "socks5", "socks5h"), "socks5h://127.0.0.1:1080")
    return secret


class NetworkSettings(Section):
    """How exchanges are reached; the servers of this system are reached without."""

    proxy: Annotated[SecretStr | None, AfterValidator(_proxy)] = None
    """http://, https://, socks5:// or socks5h:// (the proxy finds names), with user:password@ where
    it asks for them. None: HTTPS_PROXY, ALL_PROXY and the like of the environment count."""
    no_proxy: Names = []
    """Hosts, domains (.example.org) and networks that are reached without the proxy."""
    ca_file: Annotated[Path, AfterValidator(Path.expanduser)] | None = None
    """Certificates, PEM, trusted beside the system's own."""
    egress: Annotated[str, Field(min_length=1, pattern=r"^[\w.:-]+$")] | None = None
    """Names the address calls leave from: processes that share Redis and this name share each
    exchange's limits. None: the proxy's host and port, else one name for all."""


class ExchangeSettings(Section):
    """One exchange: its addresses and what is collected of it."""

    enabled: bool = True
    ws_url: Annotated[str, AfterValidator(_websocket)] = Field(
        examples=["wss://stream.binance.com:9443"]
    )
    rest_url: Annotated[str, AfterValidator(_http)] = Field(examples=["https://api.binance.com"])
    symbols: Names = Field(min_length=1, examples=["[BTC-USDT, ETH-USDT]"])
    """Ours, BASE-QUOTE: BTC-USDT, BTC-USDT-PERP, BTC-USDT-260327, BTC-DVOL."""
    channels: Annotated[list[Channel], BeforeValidator(split), Field(min_length=1)] = [
        "trade",
        "orderbook",
        "ticker",
    ]
    """Each exchange has its own default; see config/exchanges.py."""
    depth: int = Field(5000, ge=5, le=10_000)
    """Levels a side asked for and kept. Default: the deepest the exchange gives, spot 5000,
    binance_derivatives 1000, okx 400, deribit 10000 (all)."""
    publish_depth: int = Field(400, ge=1, le=5000, validate_default=True)
    """Levels a side in published snapshots."""
    publish_interval: Duration = Field(0.1, ge=0.01, le=60.0)
    """A symbol's snapshots are published at most this often."""
    streams_per_connection: int = Field(200, ge=1, le=1024)
    shards: int = Field(1, ge=1, le=MOST_SHARDS)
    """Collectors that share the symbols: collector.<exchange>, collector.<exchange>.1, ..."""
    rest_timeout: Duration = Field(10.0, gt=0, le=60.0)

    @field_validator("publish_depth", mode="after")
    @classmethod
    def _publishes_what_it_keeps(cls, value: int, info: ValidationInfo) -> int:
        depth = info.data.get("depth", value)
        if value > depth:
            raise ValueError(f"choose at most {depth}, the depth that is kept")
        return value


def with_offers(exchanges: object) -> object:
    """Each exchange's own defaults below what is written."""
    if not isinstance(exchanges, dict):
        return exchanges
    filled = dict(exchanges)
    for name, written in exchanges.items():
        offer = OFFERS.get(name)
        if offer and isinstance(written, dict):
            filled[name] = {"channels": list(offer.collected), "depth": offer.depth} | written
    return filled
