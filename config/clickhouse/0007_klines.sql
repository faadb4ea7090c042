-- Candles, one row for each: the running ones are replaced until they are closed.
--
-- Why these keys: a candle is its interval and its beginning, whoever tells of it: stream, poll or backfill.
-- Why a version of its own: a running candle delivered once more must not replace the closed one, so a closed candle wins
-- over one that is not (or of which nobody says so), and among equals the one received last.
CREATE TABLE IF NOT EXISTS klines
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
    interval      LowCardinality(String),
    open_time_ns  Int64 CODEC(Delta, ZSTD),
    close_time_ns Nullable(Int64) CODEC(Delta, ZSTD),
    open          Decimal(38, 18) CODEC(ZSTD(3)),
    high          Decimal(38, 18) CODEC(ZSTD(3)),
    low           Decimal(38, 18) CODEC(ZSTD(3)),
    close         Decimal(38, 18) CODEC(ZSTD(3)),
    volume        Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    quote_volume  Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    trade_count   Nullable(UInt64) CODEC(T64, ZSTD),
    closed        Nullable(Bool),
    version       UInt64 MATERIALIZED bitOr(bitShiftLeft(toUInt64(ifNull(closed, false)), 63), toUInt64(received_ns))
        CODEC(Delta, ZSTD),
    open_time     DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(open_time_ns, 'UTC'),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(open_time_ns, 'UTC'))
ORDER BY (exchange, symbol, market_type, interval, open_time_ns)
SETTINGS non_replicated_deduplication_window = 1000;
