"""Flower as a person sees it, in a headless Chromium; the pictures of docs/control.md.

`FLOWER_PICTURES=docs/flower pytest tests/e2e/test_flower_guide.py` takes them anew.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from config.settings import ROOT
from tests.e2e.running import RunningStack
from tests.waiting import wait_until

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        CHROMIUM is None, reason="NOT RUN: no Chromium on the PATH; apt install chromium"
    ),
]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 720})
        browser.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    wanted = os.environ.get("FLOWER_PICTURES")
    folder = ROOT / wanted if wanted else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(stack: RunningStack, *words: str) -> str:
    """Id of a task run from a shell to its end."""
    answer = stack.command("run", *words, "--wait", "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return str(json.loads(answer.stdout)["task_id"])


def test_the_workers_page_shows_every_service(
    every_exchange: RunningStack, page: Page, pictures: Path
) -> None:
    page.goto(f"{every_exchange.settings.flower.url}/workers")
    collectors = [f"collector.{name}@" for name in every_exchange.settings.enabled_exchanges()]
    for name in (*collectors, "writer@", "worker@"):
        row = page.locator("tr", has_text=name).first
        expect(row).to_contain_text("Online", timeout=30_000)
    page.screenshot(path=pictures / "workers.png")


def test_a_triggered_task_is_shown_with_its_result(
    every_exchange: RunningStack, page: Page, pictures: Path
) -> None:
    task_id = run(every_exchange, "polling.volatility_index", "--currency", "BTC")
    page.goto(f"{every_exchange.settings.flower.url}/task/{task_id}")
    expect(page.locator("body")).to_contain_text("polling.volatility_index", timeout=30_000)
    expect(page.locator("body")).to_contain_text("SUCCESS", timeout=30_000)
    page.screenshot(path=pictures / "task.png")


def test_a_command_to_a_collector_is_shown_with_its_answer(
    every_exchange: RunningStack, page: Page, pictures: Path
) -> None:
    where = ("--exchange", "okx_spot", "--symbol", "BTC-USDT")
    task_id = run(every_exchange, "collector.resync_book", *where)
    page.goto(f"{every_exchange.settings.flower.url}/task/{task_id}")
    expect(page.locator("body")).to_contain_text("collector.okx_spot", timeout=30_000)
    expect(page.locator("body")).to_contain_text("SUCCESS", timeout=30_000)
    page.screenshot(path=pictures / "command.png")
    wait_until(every_exchange.synced, 60, "the book SYNCED again", every_s=0.5)


def test_the_tasks_page_lists_what_ran(
    every_exchange: RunningStack, page: Page, pictures: Path
) -> None:
    page.goto(f"{every_exchange.settings.flower.url}/tasks")
    expect(page.locator("#tasks-table")).to_contain_text("polling.", timeout=30_000)
    page.screenshot(path=pictures / "tasks.png")
