"""The Binance spot dialect over the market: REST, WebSocket streams, limits."""
