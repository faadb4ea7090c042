"""The Deribit dialect: JSON-RPC 2.0 over HTTP and one WebSocket, API v2."""
