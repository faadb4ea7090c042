"""REST: replies, errors, weights, limits."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.simulator.running import Running
from workers.simulator.binance.limits import LimitOptions


def test_exchange_info_tells_names_steps_and_limits(shared: Running) -> None:
    info = shared.json("/api/v3/exchangeInfo")
    assert [each["symbol"] for each in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    bitcoin = info["symbols"][0]
    assert (bitcoin["baseAsset"], bitcoin["quoteAsset"]) == ("BTC", "USDT")
    assert bitcoin["status"] == "TRADING"
    filters = {each["filterType"]: each for each in bitcoin["filters"]}
    snapshot = shared.json("/api/v3/depth?symbol=BTCUSDT&limit=50")
    for price, quantity in snapshot["bids"] + snapshot["asks"]:
        assert Decimal(price) % Decimal(filters["PRICE_FILTER"]["tickSize"]) == 0
        assert Decimal(quantity) % Decimal(filters["LOT_SIZE"]["stepSize"]) == 0
    weight = next(row for row in info["rateLimits"] if row["rateLimitType"] == "REQUEST_WEIGHT")
    assert (weight["interval"], weight["intervalNum"], weight["limit"]) == ("MINUTE", 1, 6000)


def test_exchange_info_can_be_narrowed(shared: Running) -> None:
    one = shared.json("/api/v3/exchangeInfo?symbol=ETHUSDT")
    some = shared.json('/api/v3/exchangeInfo?symbols=["ETHUSDT","BTCUSDT"]')
    assert [each["symbol"] for each in one["symbols"]] == ["ETHUSDT"]
    assert [each["symbol"] for each in some["symbols"]] == ["ETHUSDT", "BTCUSDT"]
    assert shared.json("/api/v3/exchangeInfo?permissions=LEVERAGED")["symbols"] == []
    assert len(shared.json('/api/v3/exchangeInfo?permissions=["SPOT","MARGIN"]')["symbols"]) == 2
    bare = shared.json("/api/v3/exchangeInfo?symbol=ETHUSDT&showPermissionSets=false")
    assert one["symbols"][0]["permissionSets"] == [["SPOT"]]
    assert bare["symbols"][0]["permissionSets"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("depth?symbol=NOSUCH", -1121, id="unknown-symbol"),
        pytest.param("depth", -1102, id="no-symbol"),
        pytest.param("depth?symbol=", -1105, id="empty-symbol"),
        pytest.param("depth?symbol=BTCUSDT&limit=", -1105, id="empty-limit"),
        pytest.param("ticker/24hr?symbols=[]", -1105, id="no-symbols"),
        pytest.param("depth?symbol=BTCUSDT&symbol=ETHUSDT", -1101, id="symbol-given-twice"),
        pytest.param("depth?symbol=btcusdt", -1100, id="lower-case-symbol"),
        pytest.param("depth?symbol=BTCUSDT&limit=ten", -1100, id="limit-not-a-number"),
        pytest.param("depth?symbol=BTCUSDT&limit=0", -1130, id="limit-zero"),
        pytest.param("depth?symbol=BTCUSDT&deep=1", -1104, id="unread-parameter"),
        pytest.param("depth?symbol=BTCUSDT&symbolStatus=BREAK", -1220, id="other-status"),
        pytest.param("ping?x=1", -1101, id="too-many-parameters"),
        pytest.param("aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128, id="id-and-time"),
        pytest.param("historicalTrades?symbol=BTCUSDT&fromId=-1", -1100, id="negative-id"),
        pytest.param("klines?symbol=BTCUSDT&interval=2m", -1120, id="interval"),
        pytest.param("klines?symbol=BTCUSDT", -1102, id="no-interval"),
        pytest.param("ticker/24hr?symbol=NOSUCH", -1121, id="ticker-of-nothing"),
        pytest.param('exchangeInfo?symbols=["BTCUSDT","BTCUSDT"]', -1151, id="twice"),
        pytest.param("depth?symbol=BTCUSDT&symbolStatus=OPEN", -1122, id="no-such-status"),
        pytest.param("ticker/price?symbol=BTCUSDT&symbolStatus=HALT", -1220, id="price-status"),
        pytest.param("ticker/price?symbol=NOSUCH", -1121, id="price-of-nothing"),
        pytest.param("ticker", -1102, id="window-of-nothing"),
        pytest.param("ticker?symbol=BTCUSDT&windowSize=60m", -1130, id="window-of-60-minutes"),
        pytest.param("ticker/24hr?symbol=BTCUSDT&type=HALF", -1130, id="ticker-type"),
        pytest.param("klines?symbol=BTCUSDT&interval=1d&timeZone=15", -1130, id="time-zone"),
        pytest.param("historicalBlockTrades?symbol=BTCUSDT", -1102, id="block-trades-from-where"),
        pytest.param("referencePrice?symbol=BTCUSDT", -2043, id="no-reference-price"),
    ],
)
def test_a_wrong_request_gets_the_exchanges_error(shared: Running, path: str, code: int) -> None:
    reply = shared.get(f"/api/v3/{path}")
    assert reply.status_code == 400
    assert reply.json()["code"] == code
    assert reply.json()["msg"]


def test_version_one_is_retired(shared: Running) -> None:
    assert shared.get("/api/v1/depth?symbol=BTCUSDT").status_code == 404


def test_microseconds_on_request(shared: Running) -> None:
    milli = shared.json("/api/v3/time")["serverTime"]
    micro = shared.get("/api/v3/time", {"X-MBX-TIME-UNIT": "MICROSECOND"}).json()["serverTime"]
    assert len(str(milli)) == 13
    assert 0 <= micro / 1000 - milli < 60_000


@pytest.mark.parametrize(
    ("path", "weight"),
    [
        ("ping", 1),
        ("time", 1),
        ("exchangeInfo", 20),
        ("depth?symbol=BTCUSDT", 5),
        ("depth?symbol=BTCUSDT&limit=100", 5),
        ("depth?symbol=BTCUSDT&limit=101", 25),
        ("depth?symbol=BTCUSDT&limit=1000", 50),
        ("depth?symbol=BTCUSDT&limit=5000", 250),
        ("trades?symbol=BTCUSDT", 25),
        ("historicalTrades?symbol=BTCUSDT", 25),
        ("aggTrades?symbol=BTCUSDT", 4),
        ("klines?symbol=BTCUSDT&interval=1m", 2),
        ("ticker/24hr?symbol=BTCUSDT", 2),
        ("ticker/24hr", 80),
        ("ticker/24hr?symbols=[%22BTCUSDT%22,%22ETHUSDT%22]", 2),
        ("uiKlines?symbol=BTCUSDT&interval=1m", 2),
        ("avgPrice?symbol=BTCUSDT", 2),
        ("ticker/price?symbol=BTCUSDT", 2),
        ("ticker/price", 4),
        ("ticker/bookTicker?symbol=BTCUSDT", 2),
        ("ticker/bookTicker", 4),
        ("ticker?symbol=BTCUSDT", 4),
        ("ticker/tradingDay?symbols=[%22BTCUSDT%22,%22ETHUSDT%22]", 8),
        ("historicalBlockTrades?symbol=BTCUSDT&fromId=1", 25),
        ("referencePrice?symbol=BTCUSDT", 2),
    ],
)
def test_each_request_costs_its_documented_weight(shared: Running, path: str, weight: int) -> None:
    def used(what: str) -> int:
        headers = shared.get(f"/api/v3/{what}").headers
        assert headers["X-MBX-USED-WEIGHT"] == headers["X-MBX-USED-WEIGHT-1M"]
        return int(headers["X-MBX-USED-WEIGHT-1M"])

    before, after = used("ping"), used(path)
    if after < before:  # the clock minute turned between the two
        before, after = used("ping"), used(path)
    assert after - before == weight


def test_over_the_weight_limit_is_429_and_going_on_is_418(start: Callable[..., Running]) -> None:
    running = start(limits=LimitOptions(weight=100, patience=3, ban_s=90.0))
    path = "/api/v3/depth?symbol=BTCUSDT&limit=1000"
    replies = [running.get(path) for _ in range(12)]
    statuses = [reply.status_code for reply in replies]
    assert statuses[:2] == [200, 200]
    assert statuses == sorted(statuses, key=[200, 429, 418].index)
    assert statuses.count(429) == 3
    limited = replies[statuses.index(429)]
    assert 1 <= int(limited.headers["Retry-After"]) <= 60
    assert limited.json()["code"] == -1003
    banned = replies[-1]
    assert banned.status_code == 418
    assert 85 <= int(banned.headers["Retry-After"]) <= 90
    assert "IP banned until" in banned.json()["msg"]
    assert running.get("/api/v3/ping").status_code == 418
    assert running.state()["limited"]["429"] == 3
