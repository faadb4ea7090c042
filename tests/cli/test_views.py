"""How books and trades are drawn; pure."""

import time

import pytest
from rich.console import Console

from cli.views import (
    BookView,
    alike,
    book_line,
    clock_time,
    pointed,
    span,
    spread,
    trade_line,
    trade_text,
    trimmed,
)
from tests.cli.events import EXCHANGE_NS, book, trade

NS = 1_000_000_000


def drawn(view: BookView) -> str:
    console = Console(width=120, color_system=None)
    with console.capture() as text:
        console.print(view)
    return text.get()


def test_a_book_as_one_line() -> None:
    assert book_line(book(EXCHANGE_NS)) == (
        "22:13:20.123 BTC-USDT SYNCED bid 64000.1 x 1.5 ask 64000.2 x 1 spread 0.1 "
        "verified 4321 update 99 latency 3 ms"
    )


def test_an_empty_side_is_none_and_never_a_number() -> None:
    text = book_line(book(EXCHANGE_NS, bids=[]))
    assert "bid none ask 64000.2 x 1 spread none" in text
    assert spread(book(asks=[])) == ""


def test_a_trade_as_one_line_in_its_side_s_colour() -> None:
    assert trade_line(trade()) == "22:13:20.123 buy     64000.1               0.001      4711"
    assert trade_text(trade()).style == "green"
    assert trade_text(trade(side="sell")).style == "red"


def test_a_book_is_drawn_with_state_depth_and_bars_that_grow_downwards() -> None:
    view = BookView("binance_spot BTC-USDT", rows=10)
    assert "waiting for the first snapshot" in drawn(view)
    view.show(book())
    text = drawn(view)
    assert "SYNCED" in text
    assert "verified depth 4321, update 99" in text
    assert "from the exchange 3 ms, to NATS 1 ms, 1 snapshots" in text
    best, second = (line for line in text.splitlines() if "64000." in line)
    assert best.split() == ["█" * 9, "1.5", "64000.1", "64000.2", "1", "█" * 6]
    assert second.split() == ["█" * 12, "0.5", "64000.0", "64000.3", "3", "█" * 24]


def test_a_view_shows_no_more_rows_than_asked_and_survives_an_empty_book() -> None:
    view = BookView("b", rows=1)
    view.show(book())
    assert "64000.3" not in drawn(view)
    view.show(book(bids=[], asks=[], state="SYNCING", verified_depth=0))
    assert "SYNCING" in drawn(view)


def test_age_runs_on_while_nothing_arrives() -> None:
    view = BookView("b", rows=1)
    view.show(book(time.time_ns() - 90 * NS))
    assert "age 90.0 s" in drawn(view)


@pytest.mark.parametrize(
    ("ns", "text"),
    [(0, "0 ms"), (3_400_000, "3 ms"), (2_100_000_000, "2.1 s"), (300 * NS, "5 min")],
)
def test_span(ns: int, text: str) -> None:
    assert span(ns) == text


def test_clock_time_is_utc_with_milliseconds() -> None:
    assert clock_time(EXCHANGE_NS) == "22:13:20.123"


def test_zeros_at_the_end_of_a_decimal_are_not_shown_but_those_of_an_integer_are() -> None:
    assert [trimmed(each) for each in ("64000.10", "1.000", "100", "0.00000001")] == [
        "64000.1",
        "1",
        "100",
        "0.00000001",
    ]


def test_decimals_line_up_at_the_point() -> None:
    assert pointed("64000.10", 6, 3) == " 64000.1  "
    assert pointed("7", 6, 3) == "     7    "
    assert alike(["64000.10", "7", "0.00000001"]) == [
        "64000.10000000",
        "7.00000000",
        "0.00000001",
    ]
    assert alike(["64000.00", "7.00", ""]) == ["64000", "7", ""]
    assert alike([]) == []
