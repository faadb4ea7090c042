-- The life of instruments: a row when one was listed, changed, halted or delisted. What is so now is the newest row.
--
-- Why these keys: an instrument may be halted twice, so the instant is part of the key.
CREATE TABLE IF NOT EXISTS instruments
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
    status        Enum8('trading' = 1, 'halted' = 2, 'delisted' = 3),
    raw_status    LowCardinality(String),
    base          LowCardinality(String),
    quote         LowCardinality(String),
    settle        LowCardinality(Nullable(String)),
    tick_size     Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    lot_size      Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    contract_size Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    expiry_ns     Nullable(Int64) CODEC(Delta, ZSTD),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, coalesce(exchange_ns, received_ns), status, raw_status)
SETTINGS non_replicated_deduplication_window = 1000;
