"""The side door for tests and demonstrations: `/sim/*`. Nothing here is part of an exchange."""

import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from workers.simulator.disturbance import Disturbance
from workers.simulator.doors import JSON, Doors
from workers.simulator.faults import Fault, FaultBox
from workers.simulator.hub import Hub
from workers.simulator.live import Market
from workers.simulator.playback import Playback
from workers.simulator.truth import Unknown

MOST_RATE = 20_000.0

Answer = Callable[[web.Request], Awaitable[web.Response]]


class Admin:
    """State, truth, faults and brakes of one dialect.

    Args:
        name: of the dialect.
        doors, hub, faults: its parts.
        source: its markets, or what is played.
        posts: what else may be ordered, by the last part of the path.
    """

    def __init__(
        self,
        name: str,
        doors: Doors,
        hub: Hub,
        faults: FaultBox,
        source: Market | Playback,
        posts: Mapping[str, Answer] | None = None,
    ) -> None:
        self.name = name
        self._doors, self._hub, self._faults, self._source = doors, hub, faults, source
        self._market = source if isinstance(source, Market) else None
        self._disturbance = Disturbance(faults, doors, self._market, source.now_us)
        self._posts = dict(posts or {})
        self._started_s = time.monotonic()

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Where it answers, below `/sim` or `/sim/<exchange>`."""
        return [
            web.get(f"{prefix}/state", self.state),
            web.get(f"{prefix}/truth/book", self.book),
            web.get(f"{prefix}/truth/trades", self.trades),
            web.get(f"{prefix}/truth/summary", self.summary),
            web.get(f"{prefix}/faults", self.list_faults),
            web.post(f"{prefix}/faults", self.order_faults),
            web.delete(f"{prefix}/faults", self.clear_faults),
            web.delete(f"{prefix}/faults/{{number:\\d+}}", self.clear_faults),
            web.post(f"{prefix}/pause", self.pause),
            web.post(f"{prefix}/resume", self.resume),
            web.post(f"{prefix}/rate", self.rate),
            web.get(f"{prefix}/play", self.play),
            *(web.post(f"{prefix}/{name}", each) for name, each in self._posts.items()),
        ]

    async def state(self, request: web.Request) -> web.Response:
        """Connections, counters, limits hit."""
        doors, market = self._doors, self._market
        return json_response(
            {
                "mode": "playback" if market is None else "market",
                "dialect": self.name,
                "uptime_s": round(time.monotonic() - self._started_s, 3),
                "connections": [each.facts() for each in doors.connections.values()],
                "published": self._hub.published,
                "requests": doors.requests,
                "used_weight": doors.used_weight(),
                "limited": doors.limited,
                "ended": doors.ended,
                "rate": market.rate if market else None,
                "paused": market.paused if market else None,
                "halted": sorted(market.halted) if market else [],
                "gone": sorted(market.gone) if market else [],
                "skipped_s": market.pacer.skipped_s if market else 0,
            }
        )

    async def book(self, request: web.Request) -> web.Response:
        """`?symbol=&update_id=&depth=`: the book right after an update id, default now."""
        return self._told(
            lambda market: market.truth().book(
                request.query.get("symbol", ""),
                _whole(request, "update_id"),
                _whole(request, "depth"),
            )
        )

    async def trades(self, request: web.Request) -> web.Response:
        """`?symbol=&from_id=&to_id=`: every trade made, both ends inclusive."""
        return self._told(
            lambda market: market.truth().trades(
                request.query.get("symbol", ""),
                _whole(request, "from_id"),
                _whole(request, "to_id"),
            )
        )

    async def summary(self, request: web.Request) -> web.Response:
        """Ids and counts per symbol."""
        return json_response(self._market.truth().summary() if self._market else {})

    async def list_faults(self, request: web.Request) -> web.Response:
        """All faults since the last DELETE."""
        return json_response(self._faults.report())

    async def order_faults(self, request: web.Request) -> web.Response:
        """One fault, or a list of them."""
        body = await request.read()
        try:
            orders = msgspec.json.decode(body, type=Fault | list[Fault])
        except msgspec.DecodeError as error:
            return json_response({"error": str(error)}, 400)
        several = orders if isinstance(orders, list) else [orders]
        numbers = [self._disturbance.order(each).number for each in several]
        return json_response({"ids": numbers}, 201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Take back one fault or all."""
        number = request.match_info.get("number")
        cleared = self._disturbance.clear(int(number) if number else None)
        return json_response({"cleared": cleared}, 404 if number and not cleared else 200)

    async def pause(self, request: web.Request) -> web.Response:
        """Stand still; answers once every book change has been published."""
        if self._market is None:
            return json_response({"error": "a recording cannot be paused"}, 409)
        await self._market.pause()
        return await self.summary(request)

    async def resume(self, request: web.Request) -> web.Response:
        """Go on."""
        if self._market is None:
            return json_response({"error": "a recording cannot be paused"}, 409)
        self._market.resume()
        return json_response({"paused": False})

    async def rate(self, request: web.Request) -> web.Response:
        """`{"rate": 500}`: messages a second, all symbols of the dialect together."""
        if self._market is None:
            return json_response({"error": "a recording has its own rate"}, 409)
        rate = await asked_rate(request)
        if isinstance(rate, web.Response):
            return rate
        self._market.set_rate(rate)
        return json_response({"rate": rate})

    async def play(self, request: web.Request) -> web.Response:
        """Where the playback is."""
        if not isinstance(self._source, Playback):
            return json_response({"error": "nothing is played; start with --play"}, 409)
        return json_response(self._source.status())

    def _told(self, ask: Callable[[Market], object]) -> web.Response:
        try:
            if self._market is None:
                raise Unknown(404, "a recording is played; it has no truth beside it")
            return json_response(ask(self._market))
        except Unknown as error:
            return json_response({"error": error.reason}, error.status)


async def asked_rate(request: web.Request) -> float | web.Response:
    """The rate in a request's body, or the answer to a wrong one."""
    try:
        rate = msgspec.json.decode(await request.read(), type=dict[str, float])["rate"]
    except (msgspec.DecodeError, KeyError):
        return json_response({"error": 'send {"rate": <messages a second>}'}, 400)
    if not 0 < rate <= MOST_RATE:
        reason = f"rate {rate:g}: choose more than 0, at most {MOST_RATE:g}"
        return json_response({"error": reason}, 400)
    return rate


def json_response(value: object, status: int = 200) -> web.Response:
    """An answer of the side door."""
    return web.Response(status=status, body=msgspec.json.encode(value), content_type=JSON)


def _whole(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Unknown(400, f"{name}={text}: write a whole number")
    return int(text)
