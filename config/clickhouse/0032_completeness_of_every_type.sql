-- The ledger counts every type of event, not trades alone.
--
-- Why the two flags: a hole beside a row that came from history may be where somebody chose to begin, and does not count;
-- the row at each end of a window tells, the window's sums do not.
-- Why the indices: rows stored since the last look are found without reading the rest.
ALTER TABLE completeness
    ADD COLUMN IF NOT EXISTS first_filled Bool DEFAULT backfilled = stored,
    ADD COLUMN IF NOT EXISTS last_filled Bool DEFAULT backfilled = stored;
ALTER TABLE orderbook_deltas ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE orderbook_snapshots ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE tickers ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE klines ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE klines ADD INDEX IF NOT EXISTS by_open_time_ns open_time_ns TYPE minmax GRANULARITY 1;
ALTER TABLE funding_rates ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE open_interest ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE liquidations ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE long_short_ratios ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE volatility_index ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
ALTER TABLE instruments ADD INDEX IF NOT EXISTS by_stored_ns stored_ns TYPE minmax GRANULARITY 1;
