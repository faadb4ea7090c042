-- Proven holes in the data, and what we lost ourselves (`lost`, cause overflow). Few rows, kept for ever by default.
--
-- Why these keys: the same as the message id; ids may be NULL where an exchange's ids cannot tell what is missing.
CREATE TABLE IF NOT EXISTS gaps
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
    data_type      LowCardinality(String),
    cause          LowCardinality(String),
    first_id       Nullable(UInt64),
    last_id        Nullable(UInt64),
    lost           Nullable(UInt64),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, data_type, received_ns, ifNull(first_id, 0), ifNull(last_id, 0))
SETTINGS non_replicated_deduplication_window = 1000;
