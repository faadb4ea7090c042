"""What only the whole tree can tell: names, spellings, and settings that contradict each other."""

import ipaddress
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from urllib.parse import SplitResult, urlsplit

from config.durations import format_duration
from config.exchanges import OFFERS, Kind, exchanges_known, kind_of
from config.explain import nearest, show
from config.problem import Keys, Origins, Problem, dotted
from config.queues import DEFAULT_QUEUE, PROCESSORS, WRITER, processor
from config.settings import (
    ROOT,
    TTL_DAYS,
    ExchangeSettings,
    Settings,
)
from config.shards import collectors

SYMBOL = re.compile(r"[^\s\-.*>/_a-z]+-[^\s\-.*>/_a-z]+(-PERP|-\d{6}(-\d+(d\d+)?-[CP])?)?")
"""BASE-QUOTE, BASE-QUOTE-PERP, BASE-QUOTE-YYMMDD, BASE-QUOTE-YYMMDD-STRIKE-C; a NATS token too."""

RIGHT: dict[Kind, str] = {"pair": "BTC-USDT", "contract": "BTC-USDT-PERP", "index": "BTC-DVOL"}

QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "BTC", "ETH", "BNB", "EUR", "TRY", "USD")
NATS_SCHEMES = ("nats", "tls", "ws", "wss")


def check(settings: Settings, origins: Origins) -> list[Problem]:
    """Problems of a tree whose single values are all valid."""
    found = [
        *_exchanges(settings),
        *_symbols(("simulator", "symbols"), settings.simulator.symbols),
        *_nats_servers(settings),
        *_hosts(settings),
        *_orders(settings),
        *_services(settings),
        *_tables(settings),
        *_ports(settings),
        *_simulation(settings),
        *_paths(settings),
    ]
    return [Problem(dotted(keys), value, remedy, origins.of(keys)) for keys, value, remedy in found]


Finding = tuple[Keys, str, str]
"""Path, value found, what would be right."""


def _exchanges(settings: Settings) -> Iterator[Finding]:
    known = exchanges_known()
    for name, exchange in settings.exchanges.items():
        path = ("exchanges", name)
        if name not in known:
            remedy = f"no such exchange{nearest(name, list(known))}; available: {', '.join(known)}"
            yield path, repr(name), remedy
        yield from _symbols((*path, "symbols"), exchange.symbols)
        twice = {each for each in exchange.channels if exchange.channels.count(each) > 1}
        for channel in sorted(twice):
            yield (*path, "channels"), f"{channel!r} twice", "name each channel once"
        if name in OFFERS:
            yield from _offered(name, exchange)


def _offered(name: str, exchange: ExchangeSettings) -> Iterator[Finding]:
    """Channels and symbols that this exchange does not have."""
    offer = OFFERS[name]
    for position, channel in enumerate(exchange.channels):
        if channel not in offer.channels:
            near = nearest(channel, list(offer.channels))
            remedy = f"{name} has no such channel{near}; choose of {', '.join(offer.channels)}"
            yield ("exchanges", name, "channels", position), repr(channel), remedy
    if exchange.depth > offer.depth:
        yield (
            ("exchanges", name, "depth"),
            str(exchange.depth),
            f"{name} gives {offer.depth} at most",
        )
    for position, symbol in enumerate(exchange.symbols):
        kind, path = kind_of(symbol), ("exchanges", name, "symbols", position)
        if SYMBOL.fullmatch(symbol) and kind not in offer.kinds:
            rights = " or ".join(RIGHT[each] for each in offer.kinds)
            yield path, repr(symbol), f"{name} lists no such symbols; write {rights}"
        elif kind == "index" and "volatility-index" not in exchange.channels:
            yield path, repr(symbol), "an index needs the channel volatility-index; add it"


def _symbols(path: Keys, symbols: list[str]) -> Iterator[Finding]:
    for position, symbol in enumerate(symbols):
        if not SYMBOL.fullmatch(symbol):
            remedy = f"write BASE-QUOTE in capitals, such as {respell(symbol)}"
            yield (*path, position), repr(symbol), remedy
        elif symbol in symbols[:position]:
            yield (*path, position), f"{symbol!r} twice", "name each symbol once"


def respell(symbol: str) -> str:
    """Our spelling of what was probably meant: `btcusdt`, `BTC/USDT`, `BTC_USDT` -> `BTC-USDT`."""
    text = re.sub(r"[\s/_:.\-]+", "-", symbol.strip().upper()).strip("-")
    if SYMBOL.fullmatch(text):
        return text
    quote = next((q for q in QUOTES if text.endswith(q) and len(text) > len(q)), None)
    return f"{text.removesuffix(quote)}-{quote}" if quote and "-" not in text else "BTC-USDT"


def _nats_servers(settings: Settings) -> Iterator[Finding]:
    for position, server in enumerate(settings.nats.servers):
        path = ("nats", "servers", position)
        parts = _parsed(server)
        if parts is None or "://" not in server or parts.scheme not in NATS_SCHEMES:
            host = re.split("[@/]", server)[-1] or "127.0.0.1:4222"
            yield path, show(server, path), f"write nats://HOST:PORT, such as nats://{host}"
        elif not parts.hostname:
            yield path, show(server, path), "write nats://HOST:PORT; the host is missing"


def _hosts(settings: Settings) -> Iterator[Finding]:
    hosts = {
        ("redis", "host"): settings.redis.host,
        ("clickhouse", "host"): settings.clickhouse.host,
        ("flower", "address"): settings.flower.address,
        ("simulator", "address"): settings.simulator.address,
        ("telemetry", "address"): settings.telemetry.address,
    }
    for keys, host in hosts.items():
        if not host or re.search(r"[\s/@]", host) or (":" in host and not _is_ip(host)):
            yield keys, show(host, keys), "write a host name or an IP address and nothing else"


def _orders(settings: Settings) -> Iterator[Finding]:
    """Pairs of settings of which the second must not be smaller than the first."""
    reconnect, writer = settings.stability.reconnect, settings.writer
    pairs: list[tuple[Keys, float, str, float]] = [
        (
            ("stability", "reconnect", "max_delay"),
            reconnect.max_delay,
            "first_delay",
            reconnect.first_delay,
        ),
        (("writer", "retry_limit"), writer.retry_limit, "retry_first", writer.retry_first),
    ]
    for keys, larger, name, smaller in pairs:
        if larger < smaller:
            remedy = f"write at least {name}, {format_duration(smaller)}"
            yield keys, format_duration(larger), remedy


def _services(settings: Settings) -> Iterator[Finding]:
    known = [WRITER, DEFAULT_QUEUE]
    for exchange, each in settings.exchanges.items():
        known += collectors(exchange, each.shards)
    known += [processor(each.name) for each in entry_points(group=PROCESSORS)]
    for name in settings.telemetry.ports:
        if name not in known:
            remedy = f"no such service{nearest(name, known)}; known here: {', '.join(known)}"
            yield ("telemetry", "ports", name), repr(name), remedy


def _tables(settings: Settings) -> Iterator[Finding]:
    for table in settings.clickhouse.ttl_days:
        if table not in TTL_DAYS:
            remedy = f"no such table{nearest(table, list(TTL_DAYS))}; known: {', '.join(TTL_DAYS)}"
            yield ("clickhouse", "ttl_days", table), repr(table), remedy


def _ports(settings: Settings) -> Iterator[Finding]:
    """Two listeners of one machine on one port."""
    taken: dict[tuple[str, int], Keys] = {}
    for keys, host, port in _listeners(settings):
        machine = "this machine" if is_this_machine(host) else host
        first = taken.setdefault((machine, port), keys)
        if first != keys:
            yield keys, str(port), f"{dotted(first)} has the same port; choose another"


def _listeners(settings: Settings) -> Iterator[tuple[Keys, str, int]]:
    yield ("redis", "port"), settings.redis.host, settings.redis.port
    nats_host = settings.redis.host
    for position, server in enumerate(settings.nats.servers):
        parts = _parsed(server)
        if parts and parts.hostname:
            nats_host = parts.hostname
            yield ("nats", "servers", position), nats_host, parts.port or 4222
    yield ("nats", "monitoring_port"), nats_host, settings.nats.monitoring_port
    yield ("clickhouse", "port"), settings.clickhouse.host, settings.clickhouse.port
    yield ("clickhouse", "http_port"), settings.clickhouse.host, settings.clickhouse.http_port
    yield ("flower", "port"), settings.flower.address, settings.flower.port
    if settings.local.simulate:
        yield ("simulator", "port"), settings.simulator.address, settings.simulator.port
    for name, port in settings.telemetry.ports.items():
        yield ("telemetry", "ports", name), settings.telemetry.address, port


def _simulation(settings: Settings) -> Iterator[Finding]:
    """Simulated data must not meet real data: not its exchanges, database or directory."""
    if not settings.local.simulate:
        return
    for name, exchange in settings.enabled_exchanges().items():
        yield from _simulated_urls(settings, name, exchange)
    live = Settings()
    if settings.clickhouse.database == live.clickhouse.database:
        remedy = "the database of real data; with local.simulate choose another: marketprism_demo"
        yield ("clickhouse", "database"), repr(live.clickhouse.database), remedy
    if settings.data_path == live.data_path:
        remedy = "the directory of real data; with local.simulate choose another: .marketprism/demo"
        yield ("data_dir",), repr(str(settings.data_dir)), remedy


def _simulated_urls(settings: Settings, name: str, exchange: ExchangeSettings) -> Iterator[Finding]:
    address, port = settings.simulator.address, settings.simulator.port
    for key, url, scheme in (
        ("ws_url", exchange.ws_url, "ws"),
        ("rest_url", exchange.rest_url, "http"),
    ):
        parts = _parsed(url)
        host = (parts.hostname if parts else None) or ""
        same_host = host == address or (is_this_machine(host) and is_this_machine(address))
        if not same_host or (parts and parts.port != port):
            right = f"{scheme}://{address}:{port}"
            remedy = f"local.simulate is on: write {right}, or {scheme}://{{simulator}}"
            yield ("exchanges", name, key), repr(url), remedy


def _paths(settings: Settings) -> Iterator[Finding]:
    streams = ROOT / "config" / settings.nats.streams_file
    if not streams.is_file():
        near = nearest(streams.name, [each.name for each in streams.parent.glob("*.yaml")])
        yield ("nats", "streams_file"), repr(settings.nats.streams_file), f"no such file{near}"
    if settings.data_path.exists() and not settings.data_path.is_dir():
        yield ("data_dir",), repr(str(settings.data_dir)), "that is a file; name a directory"


def is_this_machine(host: str) -> bool:
    """A name or address that means the machine itself, also `0.0.0.0`."""
    if host == "localhost":
        return True
    return _is_ip(host) and (
        ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _parsed(url: str) -> SplitResult | None:
    """The parts of an address; None where it is none, or its port is out of range."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
