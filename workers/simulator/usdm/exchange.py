"""The HTTP face of USD-M: that of Binance, with routes for streams.

Source: "Important WebSocket Change Notice" of 2026-03-06. Where nothing else needs the paths, the
retired `/ws` and `/stream` connect and deliver what /public does.
"""

from aiohttp import web

from workers.simulator.binance.connection import Connection, ConnectionOptions
from workers.simulator.binance.exchange import Exchange
from workers.simulator.binance.limits import LimitOptions
from workers.simulator.hub import Hub, Variant
from workers.simulator.line import Socket
from workers.simulator.usdm.names import carries

ROUTES = ("public", "market", "private")
"""The last is for accounts: the exchange's own client opens it, and nothing comes there."""


class RoutedConnection(Connection):
    """A client on one route: streams of the other are acknowledged and silent.

    Args:
        at: its socket.
        route: one of `ROUTES`.
    """

    def __init__(
        self,
        at: Socket,
        *,
        route: str,
        hub: Hub,
        variant: Variant,
        limits: LimitOptions,
        options: ConnectionOptions,
    ) -> None:
        super().__init__(at, hub=hub, variant=variant, limits=limits, options=options)
        self.route = route

    def hear(self, stream: str) -> None:
        """Let events of a stream come, if they come this way."""
        if carries(self.route, stream):
            super().hear(stream)

    def facts(self) -> dict[str, object]:
        """As `GET /sim/state` shows it."""
        return {**super().facts(), "route": self.route}


class UsdmExchange(Exchange):
    """Doors, limits and connections."""

    def routes(self, *, alone: bool) -> list[web.RouteDef]:
        """Where the exchange answers; `alone` also on the paths that were retired."""
        doors = [f"/{each}" for each in ROUTES] + ([""] if alone else [])
        return [
            web.get("/fapi/{tail:.+}", self.rest),
            web.get("/futures/data/{tail:.+}", self.rest),
            *(
                route
                for door in doors
                for route in (
                    web.get(f"{door}/ws", self.raw),
                    web.get(f"{door}/ws/{{streams:.*}}", self.raw),
                    web.get(f"{door}/stream", self.combined),
                    web.get(f"{door}/stream/", self.combined),
                )
            ),
        ]

    def connection(self, at: Socket, variant: Variant, request: web.Request) -> Connection:
        """A client that has just come."""
        first = request.path.split("/")[1]
        route = first if first in ROUTES else "public"
        return RoutedConnection(
            at,
            route=route,
            hub=self.hub,
            variant=variant,
            limits=self.limits,
            options=self.times,
        )
