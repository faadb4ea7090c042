"""The poller against a small HTTP server that counts what it is asked."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from config.settings import ExchangeSettings
from workers.exchanges.registry import exchange as find_exchange
from workers.model.clock import ManualClock
from workers.model.errors import ExchangeError, ServiceClosed, TransportError, WireError
from workers.model.names import UnknownName
from workers.runtime.poller import INSTRUMENTS_LIFETIME_S, Poller, Pollers
from workers.telemetry.metrics import Counters
from workers.transport.call import CallPolicy

SYMBOLS = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
INFO = {
    "symbols": [
        {"symbol": raw, "status": "TRADING", "baseAsset": base, "quoteAsset": quote, "filters": []}
        for raw, (base, quote) in SYMBOLS.items()
    ]
}


class Replies:
    """What the server answers, and how often each path was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.last_query: dict[str, list[str]] = {}
        self.depth: Any = None
        self.status = 200

    def to(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        self.asked[path] += 1
        self.last_query = query
        if path == "/api/v3/exchangeInfo":
            return 200, json.dumps(INFO).encode()
        if self.depth is not None:
            body = self.depth if isinstance(self.depth, bytes) else json.dumps(self.depth).encode()
            return self.status, body
        limit = int(query["limit"][0])
        bids = [[f"{100 - n}.10", "1.5"] for n in range(min(limit, 90))]
        asks = [[f"{101 + n}.30", "2"] for n in range(limit)]
        return 200, json.dumps({"lastUpdateId": 77, "bids": bids, "asks": asks}).encode()


@pytest.fixture
def replies() -> Replies:
    return Replies()


@pytest.fixture
def url(replies: Replies) -> Iterator[str]:
    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, body = replies.to(parts.path, parse_qs(parts.query))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def section(url: str, **more: Any) -> ExchangeSettings:
    return ExchangeSettings(
        ws_url="ws://127.0.0.1:9", rest_url=url, symbols=["BTC-USDT"], depth=5000, **more
    )


@pytest.fixture
def poller(url: str) -> Poller:
    exchange = find_exchange("binance_spot")
    policy = CallPolicy("binance_spot", Counters(), first_wait_s=0.001, longest_wait_s=0.01)
    return Poller(exchange, section(url, publish_depth=100), ManualClock(), policy)


def test_a_poll_is_a_verified_book_event(poller: Poller, replies: Replies) -> None:
    book = poller.order_book("BTC-USDT")
    assert replies.last_query == {"symbol": ["BTCUSDT"], "limit": ["100"]}
    assert (book.exchange, book.symbol, book.raw_symbol) == ("binance_spot", "BTC-USDT", "BTCUSDT")
    assert (book.source, book.state, book.last_update_id) == ("poll", "SYNCED", 77)
    assert book.bids[0] == ("100.10", "1.5")
    assert book.asks[0] == ("101.30", "2")
    assert (len(book.bids), len(book.asks), book.verified_depth, book.depth) == (90, 100, 90, 100)


def test_more_levels_than_are_published_are_cut(poller: Poller, replies: Replies) -> None:
    book = poller.order_book("BTC-USDT", depth=500)
    assert replies.last_query["limit"] == ["500"]
    assert (len(book.asks), book.depth) == (100, 500)


def test_fewer_levels_are_what_was_asked_for(poller: Poller) -> None:
    book = poller.order_book("BTC-USDT", depth=5)
    assert (len(book.bids), len(book.asks), book.verified_depth) == (5, 5, 5)


def test_a_market_without_any_order_proves_nothing(poller: Poller, replies: Replies) -> None:
    replies.depth = {"lastUpdateId": -1, "bids": [], "asks": []}
    book = poller.order_book("BTC-USDT")
    assert (book.state, book.verified_depth) == ("SYNCING", 0)


def test_instruments_are_loaded_once_an_hour(url: str, replies: Replies) -> None:
    clock = ManualClock()
    poller = Poller(find_exchange("binance_spot"), section(url), clock)
    for symbol in ("BTC-USDT", "ETH-USDT", "BTC-USDT"):
        assert poller.instrument(symbol).symbol == symbol
    assert replies.asked["/api/v3/exchangeInfo"] == 1
    clock.advance(INSTRUMENTS_LIFETIME_S + 1)
    poller.instrument("BTC-USDT")
    assert replies.asked["/api/v3/exchangeInfo"] == 2


def test_an_unknown_symbol_hears_the_nearest(poller: Poller) -> None:
    with pytest.raises(
        UnknownName, match=r"no symbol of binance_spot is called 'BTC-USDC'; nearest:.*BTC-USDT"
    ):
        poller.order_book("BTC-USDC")


@pytest.mark.parametrize("depth", [0, -1, 5001, True, "20", 1.5])
def test_a_depth_out_of_range_is_refused_before_anything_is_sent(
    poller: Poller, replies: Replies, depth: Any
) -> None:
    with pytest.raises(ValueError, match="choose a whole number from 1 to 5000"):
        poller.order_book("BTC-USDT", depth=depth)
    assert not replies.asked


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        pytest.param(400, {"code": -1121, "msg": "Invalid symbol."}, ExchangeError, id="refused"),
        pytest.param(200, b"<html>", TransportError, id="a-page"),
        pytest.param(200, b'{"last', WireError, id="not-json"),
        pytest.param(302, b"", TransportError, id="redirect"),
    ],
)
def test_a_bad_reply_is_an_error_of_its_kind(
    poller: Poller, replies: Replies, status: int, body: Any, error: type[Exception]
) -> None:
    replies.status, replies.depth = status, body
    with pytest.raises(error, match="binance_spot"):
        poller.order_book("BTC-USDT")


def test_threads_share_the_budget_not_the_session(poller: Poller, replies: Replies) -> None:
    threads = [threading.Thread(target=poller.order_book, args=("BTC-USDT",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert replies.asked == {"/api/v3/exchangeInfo": 1, "/api/v3/depth": 4}
    assert poller.budget.used == 20 + 4 * 5


def test_the_pollers_of_a_process_are_made_once_and_end_together(url: str) -> None:
    pollers = Pollers({"binance_spot": section(url)}, find_exchange)
    poller = pollers.of("binance_spot")
    assert pollers.of("binance_spot") is poller
    with pytest.raises(UnknownName, match="no exchange is called 'binance'; nearest: binance_spot"):
        pollers.of("binance")
    pollers.close()
    with pytest.raises(ServiceClosed):
        poller.order_book("BTC-USDT")
