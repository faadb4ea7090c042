from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.simulator.okx_client import Running
from workers.simulator.__main__ import main
from workers.simulator.okx.window import signed_crc

SWAP = "BTC-USDT-SWAP"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Running]:
    with Running("limit_share=1000") as running:
        yield running


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("public/time", {}),
        ("public/instruments", {"instType": "SPOT"}),
        ("public/funding-rate", {"instId": SWAP}),
        ("public/funding-rate", {"instId": "ANY"}),
        ("public/funding-rate-history", {"instId": SWAP}),
        ("public/open-interest", {"instType": "SWAP", "instId": SWAP}),
        ("public/mark-price", {"instType": "SWAP"}),
        ("market/books", {"instId": SWAP}),
        ("market/trades", {"instId": SWAP}),
        ("market/candles", {"instId": SWAP}),
        ("market/history-candles", {"instId": SWAP}),
        ("market/ticker", {"instId": "BTC-USDT"}),
        ("market/tickers", {"instType": "SWAP"}),
        ("market/index-tickers", {"instId": "BTC-USDT"}),
        ("rubik/stat/contracts/open-interest-history", {"instId": SWAP}),
        ("rubik/stat/contracts/long-short-account-ratio-contract", {"instId": SWAP}),
    ],
)
def test_an_endpoint_answers_with_rows(exchange: Running, path: str, query: dict[str, str]) -> None:
    assert exchange.data(path, **query)


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("market/books", {}, 400, "50014"),
        ("market/books", {"instId": "NO-SUCH"}, 200, "51001"),
        ("public/instruments", {"instType": "MARTIAN"}, 200, "51000"),
        ("public/funding-rate", {"instId": "BTC-USDT"}, 200, "51001"),
        ("market/candles", {"instId": SWAP, "bar": "7m"}, 200, "51000"),
        ("no/such", {}, 404, "404"),
    ],
)
def test_a_bad_request_has_its_code(
    exchange: Running, path: str, query: dict[str, str], status: int, code: str
) -> None:
    reply = exchange.get(f"/api/v5/{path}", **query)
    assert (reply.status_code, reply.json()["code"]) == (status, code)


def test_a_full_book_has_three_elements_a_level_and_no_sequence(exchange: Running) -> None:
    found = exchange.data("market/books-full", instId=SWAP, sz=5000)[0]
    assert "seqId" not in found
    assert len(found["bids"]) > 400
    assert {len(level) for level in found["bids"]} == {3}


def test_pages_of_candles_and_funding_go_back_without_holes(exchange: Running) -> None:
    for path, query, step in (
        ("market/candles", {"instId": "BTC-USDT", "bar": "1m", "limit": 1}, 60_000),
        ("public/funding-rate-history", {"instId": SWAP, "limit": 1}, 28_800_000),
    ):
        (first,) = exchange.data(path, **query)
        time = int(first["fundingTime"] if isinstance(first, dict) else first[0])
        (older,) = exchange.data(path, after=time, **query)
        assert int(older["fundingTime"] if isinstance(older, dict) else older[0]) == time - step


def test_sizes_of_a_swap_are_contracts(exchange: Running) -> None:
    listed = exchange.data("public/instruments", instType="SWAP", instId=SWAP)[0]
    for row in exchange.data("market/trades", instId=SWAP, limit=50):
        assert Decimal(row["sz"]) % Decimal(listed["lotSz"]) == 0
    assert listed["ctVal"] == "0.01"


@pytest.mark.parametrize("status", [429, 200])
def test_too_many_requests_are_refused_for_the_rest_of_the_window(status: int) -> None:
    with Running(f"limit_status={status}") as exchange:
        found = [exchange.get("/api/v5/public/time") for _ in range(30)]
        refused = [reply for reply in found if reply.json()["code"] == "50011"]
        assert 10 <= len(refused) <= 20
        assert {reply.status_code for reply in refused} == {status}
        assert exchange.data("market/books", instId=SWAP), "limits are counted by endpoint"


@pytest.mark.parametrize(
    ("text", "crc"),
    [
        ("3366.1:7:3366.8:9:3366:6:3368:8", -1881014294),
        ("3366.1:7:3366.8:9:3368:8:3372:8", 831078360),
        ("3366.8:9:3368:8", -1786096438),
    ],
)
def test_checksums_worked_out_elsewhere(text: str, crc: int) -> None:
    assert signed_crc(text) == crc


@pytest.mark.parametrize(
    "arguments", [["--switch", "martian=1"], ["--switch", "idle_s=soon"], ["--dump", "x"]]
)
def test_what_the_dialect_cannot_do_ends_the_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dialect", "okx", "--port", "0", *arguments]) == 1
    assert arguments[0] in capsys.readouterr().err
