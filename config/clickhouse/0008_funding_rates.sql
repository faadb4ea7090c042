-- Funding of perpetuals with mark and index price: what is expected now, and what was paid.
--
-- Why these keys: the same as the message id. Rate, mark price and index price may come in messages of their own with one
-- and the same time, and a rate that was paid has the time of its payment, which a price may have too; so the values are
-- part of the key. -1e19 stands for NULL there; nothing costs that.
-- Why months: histories go back for years, and a part for each day of them slows every start.
CREATE TABLE IF NOT EXISTS funding_rates
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
    funding_rate         Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    funding_time_ns      Nullable(Int64) CODEC(Delta, ZSTD),
    next_funding_time_ns Nullable(Int64) CODEC(Delta, ZSTD),
    mark_price           Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    index_price          Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, coalesce(exchange_ns, received_ns),
          ifNull(funding_rate, toDecimal128('-10000000000000000000', 18)),
          ifNull(mark_price, toDecimal128('-10000000000000000000', 18)),
          ifNull(index_price, toDecimal128('-10000000000000000000', 18)))
SETTINGS non_replicated_deduplication_window = 1000;
