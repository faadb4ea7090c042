"""The page of a day, opened in a browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.quality.conftest import BEGIN_NS
from workers.quality.gap_rows import KnownGap
from workers.quality.page import page
from workers.quality.report import (
    DAY_NS,
    HOUR_NS,
    Cell,
    Counts,
    Line,
    Report,
    level_of,
    together,
)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="NOT RUN: no Chromium on the PATH; apt install chromium"
)
LOST_HOUR = 9


def line(symbol: str, data_type: str, proof: str, lost: int = 0) -> Line:
    cells = []
    for hour in range(24):
        missing = lost if hour == LOST_HOUR else 0
        counts = Counts(expected=100, received=100, stored=100 - missing, missing=missing)
        cells.append(Cell(BEGIN_NS + hour * HOUR_NS, counts, level_of(counts, proof)))
    total = together(each.counts for each in cells)
    return Line("binance_spot", symbol, data_type, total, cells, proof)


def day(*lines: Line) -> Report:
    gap = KnownGap(
        exchange="binance_spot", market_type="spot", symbol="BTC-USDT", data_type="trade",
        first_id=100, last_id=199, told_ns=BEGIN_NS, missing=100, why="<b>HTTP 503</b> & more",
    )  # fmt: skip
    return Report(BEGIN_NS, BEGIN_NS + DAY_NS, 3600, BEGIN_NS + DAY_NS, lines, [gap])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@needs_chromium
def test_a_day_is_drawn_in_both_themes_and_on_a_phone_without_asking_anybody(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "day.html"
    lines = [line(f"C{n}-USDT", "trade", "verified") for n in range(20)]
    lines += [
        line("BTC-USDT", "trade", "verified", 100),
        line("BTC-USDT", "ticker", "unverifiable"),
    ]
    file.write_text(page(day(*lines)))
    backgrounds = set()
    for theme, wide in (("light", 1200), ("dark", 420)):
        opened = browser.new_page(
            viewport={"width": wide, "height": 900},
            color_scheme=theme,  # type: ignore[arg-type]
        )
        asked: list[str] = []
        said: list[str] = []
        opened.on("request", lambda request: asked.append(request.url))  # noqa: B023
        opened.on("console", lambda message: said.append(message.text))  # noqa: B023
        opened.goto(file.as_uri())
        assert (asked, said) == ([file.as_uri()], [])
        assert opened.locator(".c").count() == 22 * 24
        lost = opened.locator(".c.nothing")
        assert lost.count() == 1
        assert "100 missing" in (lost.get_attribute("title") or "")
        assert opened.locator("svg rect.lost").count() == 1
        assert opened.get_by_text("<b>HTTP 503</b> & more").is_visible()
        assert opened.get_by_text("quotes and tickers have no number").is_visible()
        # Wide tables scroll by themselves; the page never does.
        assert opened.evaluate("document.documentElement.scrollWidth") == wide
        paint = "getComputedStyle(document.querySelector('{}')).backgroundColor"
        colours = {opened.evaluate(paint.format(f".c.{each}")) for each in ("complete", "counted")}
        assert len(colours) == 2
        backgrounds.add(opened.evaluate(paint.format("body")))
        opened.close()
    assert len(backgrounds) == 2


@needs_chromium
def test_a_day_without_data_says_so(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "day.html"
    file.write_text(page(Report(BEGIN_NS, BEGIN_NS + DAY_NS, 3600, BEGIN_NS, [], [])))
    opened = browser.new_page()
    opened.goto(file.as_uri())
    assert opened.get_by_role("heading", name="Nothing is counted of this day").is_visible()
    opened.close()
