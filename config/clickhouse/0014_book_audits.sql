-- Live books compared with books the exchange gave apart from the stream, level by level.
--
-- Why these keys: an audit is its book and the moment it was made.
CREATE TABLE IF NOT EXISTS book_audits
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
    result           Enum8('equal' = 1, 'different' = 2, 'unmatched' = 3),
    method           Enum8('rest' = 1, 'subscription' = 2),
    last_update_id   Nullable(UInt64) CODEC(Delta, ZSTD),
    levels_compared  UInt64 CODEC(T64, ZSTD),
    levels_different UInt64 CODEC(T64, ZSTD),
    detail           Nullable(String) CODEC(ZSTD(3)),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, received_ns, ifNull(last_update_id, 0))
SETTINGS non_replicated_deduplication_window = 1000;
