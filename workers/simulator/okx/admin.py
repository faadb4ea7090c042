"""The side door of the OKX dialect: the same `/sim/*` as the Binance dialect has, and two more."""

import time

import msgspec
from aiohttp import web

from workers.simulator.admin import MOST_RATE
from workers.simulator.faults import Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.okx.disturbance import Disturbance
from workers.simulator.okx.exchange import JSON, Exchange
from workers.simulator.okx.market import OkxMarket
from workers.simulator.okx.payloads import encode_json
from workers.simulator.okx.truth import OkxTruth
from workers.simulator.truth import Unknown


class Admin:
    """State, truth, faults and the market's brakes."""

    def __init__(
        self,
        exchange: Exchange,
        hub: Hub,
        faults: FaultBox,
        disturbance: Disturbance,
        market: OkxMarket,
    ) -> None:
        self._exchange, self._hub, self._faults = exchange, hub, faults
        self._disturbance, self._market = disturbance, market
        self._started_s = time.monotonic()
        self._truth = OkxTruth(market)

    def routes(self) -> list[web.RouteDef]:
        """Where it answers."""
        return [
            web.get("/sim/state", self.state),
            web.get("/sim/truth/book", self.book),
            web.get("/sim/truth/trades", self.trades),
            web.get("/sim/truth/summary", self.summary),
            web.get("/sim/faults", self.list_faults),
            web.post("/sim/faults", self.order_faults),
            web.delete("/sim/faults", self.clear_faults),
            web.delete("/sim/faults/{number:\\d+}", self.clear_faults),
            web.post("/sim/pause", self.pause),
            web.post("/sim/resume", self.resume),
            web.post("/sim/rate", self.rate),
            web.post("/sim/reset_sequence", self.reset_sequence),
        ]

    async def state(self, request: web.Request) -> web.Response:
        """Connections, counters, limits hit."""
        exchange, market = self._exchange, self._market
        rows = [
            {
                "number": each.number,
                "business": each.business,
                "age_s": round(time.monotonic() - each.opened_s, 3),
                "streams": each.subscriptions(),
                "messages_sent": each.messages_sent,
                "bytes_sent": each.bytes_sent,
                "messages_received": each.received,
                "messages_refused": each.refused,
                "backlog_bytes": each.backlog(),
            }
            for each in exchange.connections.values()
        ]
        return _json(
            {
                "mode": "market",
                "dialect": "okx",
                "uptime_s": round(time.monotonic() - self._started_s, 3),
                "connections": rows,
                "published": self._hub.published,
                "requests": exchange.requests,
                "limited": exchange.limited,
                "ended": exchange.ended,
                "rate": market.rate,
                "paused": market.paused,
                "halted": sorted(market.halted),
                "skipped_s": market.pacer.skipped_s,
            }
        )

    async def book(self, request: web.Request) -> web.Response:
        """`?symbol=&update_id=&depth=`: the book right after a `seqId`, default now."""
        try:
            seq_id, depth = _whole(request, "update_id"), _whole(request, "depth")
            return _json(self._truth.book(request.query.get("symbol", ""), seq_id, depth))
        except Unknown as error:
            return _json({"error": error.reason}, error.status)

    async def trades(self, request: web.Request) -> web.Response:
        """`?symbol=&from_id=&to_id=`: every trade made, both ends inclusive."""
        try:
            first, last = _whole(request, "from_id"), _whole(request, "to_id")
            return _json(self._truth.trades(request.query.get("symbol", ""), first, last))
        except Unknown as error:
            return _json({"error": error.reason}, error.status)

    async def summary(self, request: web.Request) -> web.Response:
        """Ids and counts per instrument."""
        return _json(self._truth.summary())

    async def list_faults(self, request: web.Request) -> web.Response:
        """All faults since the last DELETE."""
        return _json(self._faults.report())

    async def order_faults(self, request: web.Request) -> web.Response:
        """One fault, or a list of them."""
        try:
            orders = msgspec.json.decode(await request.read(), type=Fault | list[Fault])
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        several = orders if isinstance(orders, list) else [orders]
        return _json({"ids": [self._disturbance.order(each).number for each in several]}, 201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Take back one fault or all."""
        number = request.match_info.get("number")
        cleared = self._disturbance.clear(int(number) if number else None)
        return _json({"cleared": cleared}, 404 if number and not cleared else 200)

    async def pause(self, request: web.Request) -> web.Response:
        """Stand still; answers once every book change has been published."""
        await self._market.pause()
        return await self.summary(request)

    async def resume(self, request: web.Request) -> web.Response:
        """Go on."""
        self._market.resume()
        return _json({"paused": False})

    async def rate(self, request: web.Request) -> web.Response:
        """`{"rate": 500}`: messages a second, all instruments together."""
        try:
            rate = msgspec.json.decode(await request.read(), type=dict[str, float])["rate"]
        except (msgspec.DecodeError, KeyError):
            return _json({"error": 'send {"rate": <messages a second>}'}, 400)
        if not 0 < rate <= MOST_RATE:
            return _json(
                {"error": f"rate {rate:g}: choose more than 0, at most {MOST_RATE:g}"}, 400
            )
        self._market.set_rate(rate)
        return _json({"rate": rate})

    async def reset_sequence(self, request: web.Request) -> web.Response:
        """`{"symbol": "BTC-USDT"}`: the next push of its `books` begins the numbers again."""
        try:
            symbol = msgspec.json.decode(await request.read(), type=dict[str, str])["symbol"]
        except (msgspec.DecodeError, KeyError):
            return _json({"error": 'send {"symbol": <instrument id>}'}, 400)
        publisher = self._market.find(symbol)
        if publisher is None:
            return _json({"error": f"no symbol {symbol}"}, 404)
        publisher.reset_sequence()
        return _json({"symbol": publisher.listing.inst_id})


def _whole(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Unknown(400, f"{name}={text}: write a whole number")
    return int(text)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode_json(value), content_type=JSON)
