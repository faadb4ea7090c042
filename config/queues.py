"""Names shared by tasks, beat, celeryconfig and the services: queues, tasks, subjects, services."""

DEFAULT_QUEUE = "polling"
"""What the general worker (`celery -A tasks worker`) consumes."""

WRITER = "writer"

ORDERBOOK_SNAPSHOT = "polling.orderbook_snapshot"
POLL_LONG_SHORT_RATIO = "polling.long_short_ratio"
POLL_VOLATILITY_INDEX = "polling.volatility_index"
POLL_OPEN_INTEREST = "polling.open_interest"
POLL_OPEN_INTEREST_HISTORY = "polling.open_interest_history"
POLL_FUNDING_RATE = "polling.funding_rate"
POLL_FUNDING_RATE_HISTORY = "polling.funding_rate_history"
POLL_MARK_PRICE = "polling.mark_price"
POLL_INSTRUMENTS = "polling.instruments"
POLL_KLINES = "polling.klines"
POLL_TICKERS = "polling.tickers"
RESYNC_BOOK = "collector.resync_book"
READ_BOOK = "collector.read_book"
CLEAN_IDLE_BOOKS = "collector.clean_idle_books"
CHECK_MEMORY = "collector.check_memory"
AUDIT_BOOKS = "collector.audit_books"
SUBSCRIBE = "collector.subscribe"
UNSUBSCRIBE = "collector.unsubscribe"
STATUS = "collector.status"
SET_LOG_LEVEL = "collector.set_log_level"
RELOAD_CONFIG = "collector.reload_config"
UPDATE_LEDGER = "quality.update_ledger"
FILL_GAPS = "quality.fill_gaps"
BACKFILL_TRADES = "backfill.trades"
BACKFILL_PERIODS = "backfill.periods"
DAILY_REPORT = "quality.daily_report"


def collector(exchange: str, shard: int = 0) -> str:
    """Name of an exchange's collector, its service and its queue: `collector.binance_spot`.

    The second and further shards have their number behind it; see shards.py.
    """
    return f"collector.{exchange}.{shard}" if shard else f"collector.{exchange}"


PROCESSORS = "marketprism.processors"
"""Entry points of user processors."""


def processor(name: str) -> str:
    """Name of a user processor's service, `processor.large_trades`."""
    return f"processor.{name}"


def subject(event_type: str, exchange: str, symbol: str) -> str:
    """NATS subject of an event, `trade-data.binance_spot.BTC-USDT`."""
    return f"{event_type}-data.{exchange}.{symbol}"


DEAD_LETTERS = "dead-letter"
"""Subject root: `dead-letter.binance_spot.broken_json`, `dead-letter.writer.trades`."""
