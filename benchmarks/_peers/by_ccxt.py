"""ccxt pro: its WebSocket client's `handle_message`, as aiohttp's messages reach it.

The book begins as `watch_order_book` begins it, with the snapshot from the tape in place of
its REST call. Its numbers are floats. It reads text, which aiohttp has made of the bytes before.
"""

import asyncio
import time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from aiohttp import WSMessage, WSMsgType
from ccxt import pro

from benchmarks._peers.tapes import Tape

VERSIONS = {each: version(each) for each in ("ccxt", "orjson")}


class Feed:
    """An exchange with its client, ready for frames of the tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape, instrument = tape, tape.instrument
        binance = instrument.exchange.startswith("binance")
        self.linear = instrument.exchange == "binance_derivatives"
        self.exchange = pro.binance() if binance else pro.okx()
        self.symbol = f"{instrument.base}/{instrument.quote}"
        if self.linear:
            self.symbol += f":{instrument.quote}"
        self.exchange.set_markets([self._market()])
        if binance:
            kind = "linear" if self.linear else "spot"
            category = self.exchange.get_future_ws_category("depth")
            self.url = self.exchange.get_ws_url(kind, category) + "/0"
        else:
            self.url = self.exchange.get_url("books", "public")
        self.client = self.exchange.client(self.url)

    def _market(self) -> dict[str, Any]:
        instrument = self.tape.instrument
        return self.exchange.safe_market_structure(
            {
                "id": instrument.raw_symbol,
                "lowercaseId": instrument.raw_symbol.lower(),
                "symbol": self.symbol,
                "base": instrument.base,
                "quote": instrument.quote,
                "settle": instrument.quote if self.linear else None,
                "type": "swap" if self.linear else "spot",
                "spot": not self.linear,
                "swap": self.linear,
                "contract": self.linear,
                "linear": self.linear or None,
                "option": False,
                "active": True,
                "precision": {"price": 1e-8, "amount": 1e-8},
            }
        )

    async def open(self) -> None:
        """Play the opening; the book stands afterwards."""
        if self.tape.kind == "book" and self.tape.snapshot is not None:
            self.exchange.publicGetDepth = self.exchange.fapiPublicGetDepth = self._snapshot
            subscription = {
                "symbol": self.symbol,
                "limit": None,
                "type": "linear" if self.linear else "spot",
                "params": {},
            }
            self.client.subscriptions[f"orderbook::{self.symbol}"] = subscription
            self.exchange.handle_order_book_subscription(self.client, {}, subscription)
        else:
            self.client.subscriptions[f"books:{self.symbol}"] = True
        for frame in self.tape.opening:
            self.client.handle_message(_message(frame))
        if self.tape.snapshot is not None:
            await self._loaded()

    async def _loaded(self) -> None:
        """Its snapshot is loaded in a task of its own; nothing tells when."""
        while self.exchange.orderbooks[self.symbol]["nonce"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def _snapshot(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.tape.snapshot or {}


def _message(frame: bytes) -> WSMessage:
    return WSMessage(WSMsgType.TEXT, frame.decode(), None)


async def _measure(tape: Tape) -> float:
    spent_s, frames = 0.0, [_message(frame) for frame in tape.frames]
    for _ in range(tape.repeat):
        feed = Feed(tape)
        await feed.open()
        handle = feed.client.handle_message
        started_s = time.process_time()
        for frame in frames:
            handle(frame)
        spent_s += time.process_time() - started_s
        await feed.exchange.close()
    return spent_s / (tape.repeat * len(frames))


def measure(tape: Tape) -> float:
    """CPU seconds a message."""
    return asyncio.run(_measure(tape))


async def _outcome(tape: Tape) -> dict[str, Any]:
    feed = Feed(tape)
    await feed.open()
    count, notional, last_id = 0, Decimal(0), ""
    for frame in (*tape.opening, *tape.frames):
        if tape.kind == "book" and frame in tape.opening:
            continue
        feed.client.handle_message(_message(frame))
        if tape.kind == "trade":
            trade = feed.exchange.trades[feed.symbol][-1]
            notional += Decimal(str(trade["price"])) * Decimal(str(trade["amount"]))
            count, last_id = count + 1, trade["id"]
    await feed.exchange.close()
    if tape.kind == "trade":
        return {"count": count, "notional": str(notional), "last_id": last_id}
    book = feed.exchange.orderbooks[feed.symbol]
    return {
        side: [[repr(price), repr(quantity)] for price, quantity, *_ in book[side]]
        for side in ("bids", "asks")
    }


def outcome(tape: Tape) -> dict[str, Any]:
    """What stands at the end."""
    return asyncio.run(_outcome(tape))
