-- Trades, one row for each trade of an exchange, however often it is delivered.
--
-- Why these keys: a trade is its exchange's id, so a trade sent, fetched or inserted again has the same key and FINAL (or
-- a merge) keeps the one stored last. Time is not in the key because two sources round it differently; ids grow with time,
-- so the minmax index on exchange_ns prunes nearly as well.
-- Why months: a part for each day of years of trades slows every start; rows of one trade always share a partition.
-- Why integers for time: nothing is rounded on the way; exchange_time is the same instant for reading.
-- Why a deduplication window: a batch sent twice under one token is stored once, without FINAL.
-- A time to live is set from clickhouse.ttl_days after the migrations, on stored_ns: a session of 2024 replayed today
-- is new data and must not vanish.
CREATE TABLE IF NOT EXISTS trades
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
    trade_id       UInt64 CODEC(Delta, ZSTD),
    price          Decimal(38, 18) CODEC(ZSTD(3)),
    quantity       Decimal(38, 18) CODEC(ZSTD(3)),
    side           Enum8('buy' = 1, 'sell' = 2),
    aggregate      Bool,
    first_trade_id Nullable(UInt64) CODEC(Delta, ZSTD),
    last_trade_id  Nullable(UInt64) CODEC(Delta, ZSTD),
    raw_quantity   Nullable(Decimal(38, 18)) CODEC(ZSTD(3)),
    exchange_time  Nullable(DateTime64(9, 'UTC')) ALIAS fromUnixTimestamp64Nano(exchange_ns, 'UTC'),
    received_time  DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(received_ns, 'UTC'),
    INDEX by_exchange_ns exchange_ns TYPE minmax GRANULARITY 1,
    INDEX by_received_ns received_ns TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree(stored_ns)
PARTITION BY toYYYYMM(fromUnixTimestamp64Nano(coalesce(exchange_ns, received_ns), 'UTC'))
ORDER BY (exchange, symbol, market_type, aggregate, trade_id)
SETTINGS non_replicated_deduplication_window = 1000;
