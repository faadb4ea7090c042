-- Where a trade's id and price come from, for exchanges that have two ids (Deribit) or print trades away from the book.
--
-- Why Nullable: an exchange with one id, and a trade on the book, have neither; absent is NULL, not ''.
ALTER TABLE trades
    ADD COLUMN IF NOT EXISTS exchange_trade_id Nullable(String) CODEC(ZSTD(3)) AFTER raw_quantity,
    ADD COLUMN IF NOT EXISTS off_book Nullable(Enum8('block' = 1, 'rfq' = 2, 'combo' = 3, 'insurance_fund' = 4, 'adl' = 5))
        AFTER exchange_trade_id;
