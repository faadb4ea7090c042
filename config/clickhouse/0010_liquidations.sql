-- Forced orders. `sampled` rows are not all there were: the exchange shows only some.
--
-- Why these keys: the same as the message id. Most exchanges give no id, so side, price and quantities tell the orders of
-- one instant apart; 0 stands for NULL there.
-- Kept for ever by default: few, and no exchange tells them a second time.
CREATE TABLE IF NOT EXISTS liquidations
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
    side            Enum8('buy' = 1, 'sell' = 2),
    price           Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    average_price   Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    quantity        Decimal(38, 18) CODEC(ZSTD(3)),
    filled_quantity Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    status          LowCardinality(Nullable(String)),
    sampled         Bool,
    raw_quantity    Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    trade_id        Nullable(UInt64) CODEC(Delta, ZSTD),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, coalesce(exchange_ns, received_ns), ifNull(trade_id, 0), side,
          ifNull(price, toDecimal128('0', 18)), quantity, ifNull(filled_quantity, toDecimal128('0', 18)))
SETTINGS non_replicated_deduplication_window = 1000;
