-- Best bid and ask, and the rolling 24 h figures; what a message did not carry is NULL, never 0.
--
-- Why these keys: tickers have no id. Their instant (the exchange's, else ours) and their kind (a best-price ticker has no
-- last_price) name them, as in the message id.
CREATE TABLE IF NOT EXISTS tickers
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
    best_bid_price     Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    best_bid_quantity  Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    best_ask_price     Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    best_ask_quantity  Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    last_price         Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    open_24h           Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    high_24h           Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    low_24h            Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    volume_24h         Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    quote_volume_24h   Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMMDD(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, coalesce(exchange_ns, received_ns), isNull(last_price))
SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1;
