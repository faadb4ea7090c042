"""What the quality events of a span say, by check."""

from config.settings import ClickHouseSettings
from workers.store.queries import QueryResult, query

BOOKKEEPING = ("unused_trade_id",)
"""Checks that tell the ledger something and are nothing odd."""

_BY_CHECK = """
SELECT check, exchange, data_type, sum(count) AS cases, count() AS events,
       uniqExact(symbol) AS symbols, topK(3)(symbol) AS examples,
       min(received_ns) AS first_ns, max(received_ns) AS last_ns,
       argMax(value, received_ns) AS last_value, argMax(limit, received_ns) AS last_limit,
       argMax(detail, received_ns) AS last_detail
FROM quality_events
WHERE received_ns >= %(since)s AND check NOT IN %(left_out)s
  AND (%(exchange)s = '' OR exchange = %(exchange)s)
GROUP BY check, exchange, data_type
ORDER BY last_ns DESC, check, exchange, data_type
"""


def quality_by_check(
    settings: ClickHouseSettings, since_ns: int, exchange: str | None = None
) -> QueryResult:
    """Quality events since then by check, exchange and type of data, the latest first.

    Args:
        settings: of ClickHouse.
        since_ns: nanoseconds UTC.
        exchange: this one alone.

    Raises:
        StoreError: see `query`.
    """
    asked = {"since": since_ns, "exchange": exchange or "", "left_out": BOOKKEEPING}
    return query(settings, _BY_CHECK, asked)
