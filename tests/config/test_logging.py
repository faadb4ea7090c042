"""Log lines: one format for everyone, no secret in any."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config import load
from config.logging import configure, mask, secrets_of
from config.settings import LogSettings


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_both_libraries_write_the_same_json(tmp_path: Path) -> None:
    file = tmp_path / "log"
    configure(LogSettings(format="json"), file=file)
    logging.getLogger("celery.worker").warning("Connected to %s", "redis")
    structlog.get_logger("workers.collector").warning("gap", symbol="BTC-USDT", missing=3)
    of_celery, ours = lines(file)
    assert of_celery["event"] == "Connected to redis"
    assert ours["event"] == "gap"
    assert (ours["symbol"], ours["missing"]) == ("BTC-USDT", 3)
    for line in (of_celery, ours):
        assert line["level"] == "warning"
        assert str(line["logger"]).startswith(("celery.", "workers."))
        assert str(line["timestamp"]).endswith("Z")


def test_an_exception_stays_on_its_line(tmp_path: Path) -> None:
    file = tmp_path / "log"
    configure(LogSettings(format="json"), file=file)
    try:
        raise LookupError("no book")
    except LookupError:
        logging.getLogger("a").exception("failed")
        structlog.get_logger("b").exception("failed")
    for line in lines(file):
        assert "LookupError: no book" in str(line["exception"])


def test_the_level_is_the_settings_unless_one_is_typed(tmp_path: Path) -> None:
    file = tmp_path / "log"
    configure(LogSettings(level="warning", format="json"), file=file)
    logging.getLogger("a").info("not seen")
    structlog.get_logger("b").info("not seen")
    configure(LogSettings(level="warning", format="json"), file=file, level="INFO")
    logging.getLogger("a").info("seen")
    assert [line["event"] for line in lines(file)] == ["seen"]


def test_a_terminal_gets_lines_for_people_a_file_gets_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    configure(LogSettings())
    structlog.get_logger("a").warning("gap", symbol="BTC-USDT")
    assert "gap" in terminal.getvalue()
    with pytest.raises(json.JSONDecodeError):
        json.loads(terminal.getvalue())
    monkeypatch.setattr("sys.stderr", plain := io.StringIO())
    configure(LogSettings())
    structlog.get_logger("a").warning("gap", symbol="BTC-USDT")
    assert json.loads(plain.getvalue())["event"] == "gap"


PASSWORD = "p@ss/word with:everything"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_reaches_the_log(tmp_path: Path, log_format: str) -> None:
    settings = load(
        env={
            "MARKETPRISM_REDIS__PASSWORD": PASSWORD,
            "MARKETPRISM_CLICKHOUSE__PASSWORD": "sesame",
            "MARKETPRISM_LOG__FORMAT": log_format,
        }
    )
    file = tmp_path / "log"
    configure(settings.log, secrets=secrets_of(settings), file=file)
    log = logging.getLogger("celery")
    log.warning("Cannot connect to %s", settings.redis.url)
    log.warning("password is %s", PASSWORD)
    structlog.get_logger("store").warning("refused", user="default", password="sesame")
    try:
        raise ConnectionError(settings.redis.url)
    except ConnectionError:
        log.exception("lost")
    written = file.read_text()
    assert written.count("***") >= 4
    for secret in secrets_of(settings):
        assert secret not in written


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("redis://:secret@127.0.0.1:1/0", "redis://:***@127.0.0.1:1/0"),
        ("nats://me:secret@a:4222,nats://me:x@b", "nats://me:***@a:4222,nats://me:***@b"),
        ("http://127.0.0.1:5555/a@b", "http://127.0.0.1:5555/a@b"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
    ],
)
def test_passwords_in_addresses_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked
