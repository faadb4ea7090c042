-- Every hole that is known, what caused it and what became of it. The newest row of a gap tells how it stands.
--
-- Why these keys: a gap is its first and last id as they were first told; holes never overlap. Without ids (a book, ids
-- counted anew) it is the moment it was told, `told_ns`. `missing` is what is still missing of it.
CREATE TABLE IF NOT EXISTS gap_ledger
(
    exchange     LowCardinality(String),
    market_type  LowCardinality(String),
    symbol       LowCardinality(String),
    raw_symbol   LowCardinality(String),
    data_type    LowCardinality(String),
    first_id     Nullable(UInt64),
    last_id      Nullable(UInt64),
    told_ns      Int64,
    begun_ns     Nullable(Int64),
    ended_ns     Nullable(Int64),
    cause        Enum8('exchange' = 1, 'network' = 2, 'ours' = 3, 'unknown' = 4),
    told_as      LowCardinality(String),
    state        Enum8('open' = 1, 'filling' = 2, 'filled' = 3, 'unfillable' = 4),
    why          String,
    missing      UInt64,
    attempts     UInt32,
    next_try_ns  Int64,
    closed_ns    Nullable(Int64),
    stored_ns    Int64,
    told_time    DateTime64(9, 'UTC') ALIAS fromUnixTimestamp64Nano(told_ns, 'UTC')
)
ENGINE = ReplacingMergeTree(stored_ns)
ORDER BY (exchange, symbol, market_type, data_type, ifNull(first_id, 0), ifNull(last_id, 0), if(isNull(first_id), told_ns, 0));
