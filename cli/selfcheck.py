"""`marketprism up --mode test`: would it work? Configuration, connections, mapping."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from config.load import CONFIG_VARIABLE, ConfigError, effective_environment
from config.settings import ExchangeSettings, Settings
from workers.exchanges import registry
from workers.exchanges.base import Acknowledged, Exchange, Stream
from workers.local.port_list import StackPort, stack_ports
from workers.local.ports import PortTaken, answers, is_free
from workers.local.presence import running
from workers.local.programs import programs, simulator_command
from workers.local.servers import servers
from workers.model.errors import MarketPrismError, TransportError
from workers.model.instrument import Instrument
from workers.transport.budget import WeightBudget
from workers.transport.http import HttpClient
from workers.transport.network import Network
from workers.transport.websocket import WebSocketConnection

_FIRST_FRAME_S = 15.0

Dial = Callable[[str], WebSocketConnection]


def run_checks(settings: Settings, out: Console) -> bool:
    """Check everything, print a tick or a cross per item.

    Returns:
        whether every item has its tick.
    """
    sheet = _Sheet(out)
    sheet.item("configuration", lambda: f"{effective_environment().get(CONFIG_VARIABLE)}")
    sheet.item("programs", lambda: f"{len(programs(settings))} can be started")
    own = running(settings.data_path) is not None
    for each in stack_ports(settings):
        sheet.item(each.setting, lambda each=each: _port(each, own=own))  # type: ignore[misc]
    _check_remote(settings, sheet)
    with _simulator(settings, sheet):
        for name, exchange_settings in settings.enabled_exchanges().items():
            _check_exchange(name, exchange_settings, settings, sheet)
    return sheet.passed


class _Sheet:
    """Prints one line per item and remembers whether all passed."""

    def __init__(self, out: Console) -> None:
        self._out, self.passed = out, True

    def item(self, name: str, check: Callable[[], str]) -> bool:
        """Run a check; its result is the remark behind the tick, its error behind the cross."""
        begun_s = time.monotonic()
        try:
            remark, passed = check(), True
        except (MarketPrismError, ConfigError, OSError) as error:
            remark, passed = str(error), False
        mark, style = ("✓", "green") if passed else ("✗", "red")
        took = f"({time.monotonic() - begun_s:.1f} s)"
        self._out.print(f"{mark} {name:<36} {remark} {took}", style=None if passed else style)
        self.passed &= passed
        return passed


def _port(each: StackPort, *, own: bool) -> str:
    """Free, or held by our own running stack."""
    if is_free(each.port, each.address):
        return f"port {each.port} is free"
    if own:
        return f"port {each.port} answers (a stack runs)"
    raise PortTaken(each.port, each.setting, each.variable)


def _check_remote(settings: Settings, sheet: _Sheet) -> None:
    """Servers elsewhere must be reachable; ours are started by `up`."""
    ours = {server.name for server in servers(settings)}
    redis, clickhouse, nats = settings.redis, settings.clickhouse, settings.nats.servers
    remote = {
        "redis": [f"{redis.host}:{redis.port}"],
        "nats": [each.rsplit("/", 1)[-1].rsplit("@", 1)[-1] for each in nats],
        "clickhouse": [f"{clickhouse.host}:{clickhouse.port}"],
    }
    for name in remote.keys() - ours:
        for address in remote[name]:
            sheet.item(f"{name} {address}", lambda address=address: _answers(address))  # type: ignore[misc]


def _answers(address: str) -> str:
    host, _, port = address.rpartition(":")
    if not answers(int(port), host, 5.0):
        raise TransportError(f"nothing answers at {address}")
    return "answers"


@contextmanager
def _simulator(settings: Settings, sheet: _Sheet) -> Iterator[None]:
    """The simulated exchange for the time of the checks, unless it runs already."""
    simulator = settings.simulator
    if not settings.local.simulate or answers(simulator.port, simulator.address):
        yield
        return
    process = subprocess.Popen(
        simulator_command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        sheet.item("simulated exchange", lambda: _wait_for(settings, process))
        yield
    finally:
        process.terminate()
        process.wait(settings.local.stop_timeout)


def _wait_for(settings: Settings, process: "subprocess.Popen[bytes]") -> str:
    simulator = settings.simulator
    deadline, pause = time.monotonic() + settings.local.start_timeout, threading.Event()
    while not answers(simulator.port, simulator.address):
        if process.poll() is not None or time.monotonic() > deadline:
            raise TransportError(f"it does not answer on port {simulator.port}")
        pause.wait(0.1)
    return "started for this check"


def _check_exchange(name: str, each: ExchangeSettings, settings: Settings, sheet: _Sheet) -> None:
    """REST with instruments and a book, WebSocket with a first event."""
    listed: list[Instrument] = []
    network = Network.from_settings(settings.network)

    def dial(url: str) -> WebSocketConnection:
        timeout_s = settings.stability.reconnect.connect_timeout
        connection = WebSocketConnection(url, connect_timeout_s=timeout_s, network=network)
        connection.connect()
        return connection

    if not sheet.item(f"{name} REST", lambda: _rest(name, each, listed, network)):
        sheet.item(f"{name} WebSocket", lambda: _connects(name, each, dial))
        return
    sheet.item(f"{name} WebSocket and mapping", lambda: _stream(name, each, listed, dial))


def _rest(name: str, each: ExchangeSettings, listed: list[Instrument], network: Network) -> str:
    exchange = registry.exchange(name)
    limits = exchange.limits
    client = HttpClient(
        each.rest_url,
        exchange=name,
        timeout_s=each.rest_timeout,
        budget=WeightBudget(limits.weight, limits.weight_window_s),
        read_error=exchange.read_error,
        used_weight_header=limits.used_weight_header,
        network=network,
    )
    try:
        by_symbol = {
            instrument.symbol: instrument
            for instrument in exchange.read_instruments(
                client.get(exchange.instruments_request()).body
            )
        }
        unlisted = [symbol for symbol in each.symbols if symbol not in by_symbol]
        if unlisted:
            raise TransportError(f"{each.rest_url} does not list {', '.join(unlisted)}")
        listed += [by_symbol[symbol] for symbol in each.symbols]
        depth = min(each.depth, 100)
        reply = client.get(exchange.snapshot_request(listed[0].raw_symbol, depth))
        book = exchange.read_snapshot(reply.body, depth)
        return (
            f"{each.rest_url}: {len(by_symbol)} instruments, book of {listed[0].symbol} with "
            f"{len(book.bids)}/{len(book.asks)} levels"
        )
    finally:
        client.close()


def _connects(name: str, each: ExchangeSettings, dial: Dial) -> str:
    """All that can be checked of the WebSocket without instruments."""
    url = registry.exchange(name).stream_url(each.ws_url, each.channels[0])
    dial(url).close()
    return f"{each.ws_url} accepts connections; mapping not checked without REST"


def _stream(name: str, each: ExchangeSettings, listed: list[Instrument], dial: Dial) -> str:
    exchange: Exchange = registry.exchange(name)
    mapper = exchange.mapper(listed)
    url = exchange.stream_url(each.ws_url, each.channels[0])
    streams = [
        Stream(channel, instrument.symbol, instrument.raw_symbol)
        for channel in each.channels
        if exchange.stream_url(each.ws_url, channel) == url
        for instrument in listed
    ]
    connection = dial(url)
    try:
        for message in exchange.subscribe(streams, 1):
            connection.send(message)
        deadline, frames = time.monotonic() + _FIRST_FRAME_S, 0
        while time.monotonic() < deadline:
            for frame in connection.receive(1.0):
                frames += 1
                for mapped in mapper.map(frame, connection.received_ns):
                    if isinstance(mapped, Acknowledged):
                        if mapped.error:
                            raise TransportError(f"subscription refused: {mapped.error}")
                    else:
                        kind = type(mapped).__name__
                        return f"{each.ws_url}: frame {frames} became a {kind}"
        raise TransportError(
            f"{each.ws_url}: no data within {_FIRST_FRAME_S:g} s of subscribing ({frames} frames)"
        )
    finally:
        connection.close()
