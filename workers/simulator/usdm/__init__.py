"""The Binance USD-M dialect over the market: routes, streams, REST, limits."""
