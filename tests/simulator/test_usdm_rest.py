"""Binance USD-M over REST: what is asked by polls, weights, the buckets beside them, errors."""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.simulator.running import Running

DATA = "/futures/data"
RATIOS = ("globalLongShortAccountRatio", "topLongShortAccountRatio", "topLongShortPositionRatio")


@pytest.fixture(scope="module")
def usdm() -> Iterator[Running]:
    running = Running(dialect="binance_derivatives", levels=600)
    yield running
    running.stop()


def weighed(usdm: Running, path: str) -> int:
    """Weight that a request cost."""
    before = int(usdm.get("/fapi/v1/ping").headers["X-MBX-USED-WEIGHT-1M"])
    return int(usdm.get(path).headers["X-MBX-USED-WEIGHT-1M"]) - before


@pytest.mark.parametrize(
    ("path", "weight"),
    [
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=50", 2),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=499", 2),
        ("/fapi/v1/aggTrades?symbol=BTCUSDT", 20),
        ("/fapi/v1/premiumIndex", 10),
        ("/fapi/v1/fundingRate?symbol=BTCUSDT", 0),
        (f"{DATA}/openInterestHist?symbol=BTCUSDT&period=5m", 0),
    ],
)
def test_a_request_costs_its_weight(usdm: Running, path: str, weight: int) -> None:
    # A minute that ends between the two requests begins at nothing: then ask again.
    assert weight in (weighed(usdm, path), weighed(usdm, path))


def test_a_contract_is_listed_with_its_steps(usdm: Running) -> None:
    listed = {each["symbol"]: each for each in usdm.json("/fapi/v1/exchangeInfo")["symbols"]}
    row = listed["BTCUSDT"]
    facts = row["contractType"], row["status"], row["marginAsset"]
    assert facts == ("PERPETUAL", "TRADING", "USDT")
    steps: dict[str, Any] = {each["filterType"]: each for each in row["filters"]}
    tick, step = (
        Decimal(steps["PRICE_FILTER"]["tickSize"]),
        Decimal(steps["LOT_SIZE"]["stepSize"]),
    )
    for row in usdm.json("/fapi/v1/trades?symbol=BTCUSDT&limit=50"):
        assert Decimal(row["price"]) % tick == 0
        assert Decimal(row["qty"]) % step == 0
        assert row["isRPITrade"] is False


@pytest.mark.parametrize("name", RATIOS)
def test_ratios_are_of_whole_periods_ascending_and_always_the_same(
    usdm: Running, name: str
) -> None:
    path = f"{DATA}/{name}?symbol=BTCUSDT&period=15m&limit=500"
    rows = usdm.json(path)
    times = [row["timestamp"] for row in rows]
    assert times == [times[0] + n * 900_000 for n in range(500)]
    assert usdm.json(f"{path}&startTime={times[7]}&endTime={times[9]}") == rows[7:10]
    for row in rows[:5]:
        shares = Decimal(row["longAccount"]) + Decimal(row["shortAccount"])
        assert abs(shares - 1) < Decimal("0.001")


def test_takers_name_no_symbol_and_open_interest_has_a_value(usdm: Running) -> None:
    row = usdm.json(f"{DATA}/takerlongshortRatio?symbol=ETHUSDT&period=5m&limit=1")[0]
    assert row.keys() == {"buySellRatio", "buyVol", "sellVol", "timestamp"}
    history = usdm.json(f"{DATA}/openInterestHist?symbol=ETHUSDT&period=1h")
    assert len(history) == 30
    price = Decimal(history[-1]["sumOpenInterestValue"]) / Decimal(history[-1]["sumOpenInterest"])
    assert 2000 < price < 5000


def test_open_interest_trails_and_repeats_itself(usdm: Running) -> None:
    row = usdm.json("/fapi/v1/openInterest?symbol=BTCUSDT")
    now = usdm.json("/fapi/v1/time")["serverTime"]
    assert 4_000 <= now - row["time"] < 30_000
    assert row["time"] % 4_000 == 0


def test_funding_was_paid_each_eight_hours(usdm: Running) -> None:
    rows = usdm.json("/fapi/v1/fundingRate?symbol=BTCUSDT&limit=10")
    times = [row["fundingTime"] for row in rows]
    assert {later - time for time, later in itertools.pairwise(times)} == {28_800_000}
    assert usdm.json(f"/fapi/v1/fundingRate?symbol=BTCUSDT&startTime={times[-2]}") == rows[-2:]
    expected = usdm.json("/fapi/v1/premiumIndex?symbol=BTCUSDT")
    assert expected["nextFundingTime"] == times[-1] + 28_800_000


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", 400, -4021),
        ("/fapi/v1/depth?symbol=NOUSDT", 400, -1121),
        ("/fapi/v1/historicalTrades?symbol=BTCUSDT", 401, -2014),
        ("/fapi/v1/aggTrades?symbol=BTCUSDT&startTime=1&endTime=9999999999999", 400, -1127),
        (f"{DATA}/openInterestHist?symbol=BTCUSDT&period=7m", 400, -1130),
        ("/fapi/v1/nothing", 404, -5000),
    ],
)
def test_a_wrong_request_gets_its_error(usdm: Running, path: str, status: int, code: int) -> None:
    reply = usdm.get(path)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_calls_without_weight_have_limits_of_their_own() -> None:
    switches = ("data_calls=3", "funding_calls=2")
    running = Running(dialect="binance_derivatives", levels=100, switches=switches)
    try:
        data = f"{DATA}/takerlongshortRatio?symbol=BTCUSDT&period=5m"
        assert [running.get(data).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = running.get(data)
        assert refused.headers["Retry-After"] == "300"
        paths = ("/fapi/v1/fundingRate", "/fapi/v1/fundingInfo", "/fapi/v1/fundingRate")
        assert [running.get(path).status_code for path in paths] == [200, 200, 429]
        assert running.get("/fapi/v1/ping").status_code == 200
    finally:
        running.stop()


def test_too_much_weight_is_refused_and_then_banned() -> None:
    running = Running(dialect="binance_derivatives", levels=100, switches=("weight=40",))
    try:
        codes = [running.get("/fapi/v1/aggTrades?symbol=BTCUSDT").status_code for _ in range(16)]
        assert codes[:2] == [200, 200]
        assert codes.index(429) < codes.index(418)
        assert running.get("/fapi/v1/ping").status_code == 418
    finally:
        running.stop()
