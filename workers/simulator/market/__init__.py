"""The market behind the dialect: instruments, order books, trades, candles, one seeded engine."""
