"""The dialect of OKX v5, spot and swaps, over the market engine."""
