"""The side door for tests and demonstrations: `/sim/*`. Nothing here is part of the exchange."""

import time

import msgspec
from aiohttp import web

from workers.simulator.binance.payloads import encode_json
from workers.simulator.disturbance import Disturbance
from workers.simulator.exchange import JSON, Exchange
from workers.simulator.faults import Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.playback import Playback
from workers.simulator.truth import Truth, Unknown

MOST_RATE = 20_000.0


class Admin:
    """State, truth, faults and the market's brakes."""

    def __init__(
        self,
        exchange: Exchange,
        hub: Hub,
        faults: FaultBox,
        disturbance: Disturbance,
        source: Market | Playback,
    ) -> None:
        self._exchange, self._hub, self._faults = exchange, hub, faults
        self._disturbance, self._source = disturbance, source
        self._started_s = time.monotonic()
        self._truth = source.truth() if isinstance(source, Market) else Truth({})

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
            web.get("/sim/play", self.play),
        ]

    async def state(self, request: web.Request) -> web.Response:
        """Connections, counters, limits hit."""
        exchange, source = self._exchange, self._source
        rows = [
            {
                "number": each.number,
                "combined": each.combined,
                "microseconds": each.variant.microseconds,
                "age_s": round(time.monotonic() - each.opened_s, 3),
                "streams": each.subscriptions(),
                "messages_sent": each.messages_sent,
                "bytes_sent": each.bytes_sent,
                "messages_received": each.received,
                "pings_sent": each.pings_sent,
                "backlog_bytes": each.backlog(),
            }
            for each in exchange.connections.values()
        ]
        return _json(
            {
                "mode": "market" if isinstance(source, Market) else "playback",
                "uptime_s": round(time.monotonic() - self._started_s, 3),
                "connections": rows,
                "published": self._hub.published,
                "requests": exchange.requests,
                "used_weight": exchange.used_weight(),
                "limited": exchange.limited,
                "ended": exchange.ended,
                "rate": source.rate if isinstance(source, Market) else None,
                "paused": source.paused if isinstance(source, Market) else None,
                "halted": sorted(source.halted) if isinstance(source, Market) else [],
                "skipped_s": source.pacer.skipped_s if isinstance(source, Market) else 0,
            }
        )

    async def book(self, request: web.Request) -> web.Response:
        """`?symbol=&update_id=&depth=`: the book right after an update id, default now."""
        try:
            update_id, depth = _whole(request, "update_id"), _whole(request, "depth")
            return _body(self._truth.book(request.query.get("symbol", ""), update_id, depth))
        except Unknown as error:
            return _unknown(error)

    async def trades(self, request: web.Request) -> web.Response:
        """`?symbol=&from_id=&to_id=`: every trade made, both ends inclusive."""
        try:
            first, last = _whole(request, "from_id"), _whole(request, "to_id")
            return _body(self._truth.trades(request.query.get("symbol", ""), first, last))
        except Unknown as error:
            return _unknown(error)

    async def summary(self, request: web.Request) -> web.Response:
        """Ids and counts per symbol."""
        return _json(self._truth.summary())

    async def list_faults(self, request: web.Request) -> web.Response:
        """All faults since the last DELETE."""
        return _json(self._faults.report())

    async def order_faults(self, request: web.Request) -> web.Response:
        """One fault, or a list of them."""
        body = await request.read()
        try:
            orders = msgspec.json.decode(body, type=Fault | list[Fault])
        except msgspec.DecodeError as error:
            return _json({"error": str(error)}, 400)
        several = orders if isinstance(orders, list) else [orders]
        numbers = [self._disturbance.order(each).number for each in several]
        return _json({"ids": numbers}, 201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Take back one fault or all."""
        number = request.match_info.get("number")
        cleared = self._disturbance.clear(int(number) if number else None)
        return _json({"cleared": cleared}, 404 if number and not cleared else 200)

    async def pause(self, request: web.Request) -> web.Response:
        """Stand still; answers once every book change has been published."""
        if not isinstance(self._source, Market):
            return _json({"error": "a recording cannot be paused"}, 409)
        await self._source.pause()
        return await self.summary(request)

    async def resume(self, request: web.Request) -> web.Response:
        """Go on."""
        if not isinstance(self._source, Market):
            return _json({"error": "a recording cannot be paused"}, 409)
        self._source.resume()
        return _json({"paused": False})

    async def rate(self, request: web.Request) -> web.Response:
        """`{"rate": 500}`: messages a second, all symbols together."""
        if not isinstance(self._source, Market):
            return _json({"error": "a recording has its own rate"}, 409)
        try:
            rate = msgspec.json.decode(await request.read(), type=dict[str, float])["rate"]
        except (msgspec.DecodeError, KeyError):
            return _json({"error": 'send {"rate": <messages a second>}'}, 400)
        if not 0 < rate <= MOST_RATE:
            return _json(
                {"error": f"rate {rate:g}: choose more than 0, at most {MOST_RATE:g}"}, 400
            )
        self._source.set_rate(rate)
        return _json({"rate": rate})

    async def play(self, request: web.Request) -> web.Response:
        """Where the playback is."""
        if isinstance(self._source, Market):
            return _json({"error": "nothing is played; start with --play"}, 409)
        return _json(self._source.status())


def _whole(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Unknown(400, f"{name}={text}: write a whole number")
    return int(text)


def _unknown(error: Unknown) -> web.Response:
    return _json({"error": error.reason}, error.status)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode_json(value), content_type=JSON)


def _body(body: bytes) -> web.Response:
    return web.Response(body=body, content_type=JSON)
