-- Changes of order books as the exchange sent them: absolute quantities, quantity 0 removes the level.
--
-- Why these keys: update ids name a change; reading a book forward is "last_update_id > x" in key order.
-- Why days: deltas are the largest flow and live for weeks; an expired day is dropped as whole parts, without rewriting.
-- Levels as in 0003.
CREATE TABLE IF NOT EXISTS orderbook_deltas
(
    exchange       LowCardinality(String),
    market_type    Enum8('spot' = 1, 'perpetual' = 2, 'future' = 3, 'option' = 4),
    symbol         LowCardinality(String),
    raw_symbol     LowCardinality(String),
    exchange_ns    Nullable(Int64) CODEC(Delta, ZSTD),
    received_ns    Int64 CODEC(Delta, ZSTD),
    published_ns   Int64 CODEC(Delta, ZSTD),
    source         Enum8('live' = 1, 'poll' = 2, 'backfill' = 3, 'replay' = 4),
    stored_ns      Int64 DEFAULT toUnixTimestamp64Nano(now64(9)) CODEC(Delta, ZSTD),
    first_update_id UInt64 CODEC(Delta, ZSTD),
    last_update_id  UInt64 CODEC(Delta, ZSTD),
    prev_update_id  Nullable(UInt64) CODEC(Delta, ZSTD),
    bids            Array(Tuple(price Decimal(38, 18), quantity Decimal(38, 18))) CODEC(ZSTD(3)),
    asks            Array(Tuple(price Decimal(38, 18), quantity Decimal(38, 18))) CODEC(ZSTD(3)),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMMDD(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, last_update_id, first_update_id)
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;
