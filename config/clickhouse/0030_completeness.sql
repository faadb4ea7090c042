-- The completeness ledger: what was expected of each symbol's trades in each minute, hour and day, and what is stored.
--
-- Why ids, not rows: an exchange counts its trades, so the ids between two stored ones say exactly how many are missing.
-- `expected` = `stored` + `missing`; `stored`, `missing` and `unused` (ids the exchange left out and said so) count ids.
-- `received` counts deliveries as they were seen, before ClickHouse merges repeats. Missing ids have no time: those of one
-- hole are spread evenly over the minutes after the trade before it up to the minute of the trade behind it.
-- Why these keys: a window is told again whenever a row of it was stored; the newest telling stays.
CREATE TABLE IF NOT EXISTS completeness
(
    exchange       LowCardinality(String),
    market_type    LowCardinality(String),
    symbol         LowCardinality(String),
    data_type      LowCardinality(String),
    window_s       UInt32,
    window_ns      Int64 CODEC(Delta, ZSTD),
    expected       UInt64 CODEC(T64, ZSTD),
    received       UInt64 CODEC(T64, ZSTD),
    stored         UInt64 CODEC(T64, ZSTD),
    duplicates     UInt64 CODEC(T64, ZSTD),
    backfilled     UInt64 CODEC(T64, ZSTD),
    missing        UInt64 CODEC(T64, ZSTD),
    unused         UInt64 CODEC(T64, ZSTD),
    proof          Enum8('verified' = 1, 'unverifiable' = 2),
    first_id       Nullable(UInt64),
    last_id        Nullable(UInt64),
    first_ns       Nullable(Int64),
    last_ns        Nullable(Int64),
    stored_ns      Int64 CODEC(Delta, ZSTD),
    window_time    DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(window_ns, 'UTC')
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(window_ns, 'UTC'))
ORDER BY (exchange, symbol, market_type, data_type, window_s, window_ns);
-- How far each part of the ledger has read: rows stored up to `until_ns` are counted.
CREATE TABLE IF NOT EXISTS ledger_progress
(
    name      String,
    until_ns  Int64,
    stored_ns Int64
)
ENGINE = ReplacingMergeTree(stored_ns)
ORDER BY name;
-- Rows stored since the last look are found without reading the rest.
ALTER TABLE trades ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
