-- Volatility indices such as DVOL: values of now (no resolution, `close` alone) and candles.
--
-- Why these keys: a candle is its resolution and its beginning, a value its instant. A candle asked for while it ran is
-- replaced by the answer received last.
CREATE TABLE IF NOT EXISTS volatility_index
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
    resolution LowCardinality(Nullable(String)),
    open       Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    high       Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    low        Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    close      Decimal(38, 18) CODEC(ZSTD(3)),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, ifNull(resolution, ''), coalesce(exchange_ns, received_ns))
SETTINGS non_replicated_deduplication_window = 1000;
