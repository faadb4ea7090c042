"""How one collector reaches its exchange: addresses, proxy, and the budgets it shares."""

from typing import Any

from config.settings import Settings
from workers.exchanges.base import Exchange
from workers.model.clock import Clock
from workers.telemetry.metrics import Counters
from workers.transport.call import CallPolicy
from workers.transport.connects import Connects
from workers.transport.http import HttpClient
from workers.transport.network import Network
from workers.transport.rates import open_budget, open_window
from workers.transport.report import limits_report
from workers.transport.websocket import WebSocketConnection

REST_S = 5.0
"""An endpoint that failed too often is left alone no longer than this: books wait for it."""


class Access:
    """Connects to nothing by itself.

    Attributes:
        budget: REST weight, shared with every process behind the same address.
        connects: connection attempts, shared likewise.
        calls: how REST calls are made.
    """

    def __init__(
        self, settings: Settings, exchange: Exchange, counters: Counters, clock: Clock
    ) -> None:
        self._exchange, self._section = exchange, settings.exchanges[exchange.name]
        self._connect_timeout_s = settings.stability.reconnect.connect_timeout
        self._network = Network.from_settings(settings.network)
        limits = exchange.limits
        self.budget = open_budget(
            exchange.name,
            limits,
            redis_url=settings.redis.url,
            egress=self._network.egress(self._section.rest_url),
            clock=clock,
        )
        attempts = open_window(
            limits.counted_as or exchange.name,
            limits.connects,
            limits.connect_window_s,
            redis_url=settings.redis.url,
            egress=self._network.egress(self._section.ws_url),
            clock=clock,
        )
        self.connects = Connects(exchange.name, attempts, counters)
        self.calls = CallPolicy(exchange.name, counters, rest_s=REST_S, clock=clock)

    def dial(self, url: str) -> WebSocketConnection:
        """A WebSocket, not connected yet."""
        return WebSocketConnection(
            url, connect_timeout_s=self._connect_timeout_s, network=self._network
        )

    def client(self) -> HttpClient:
        """A REST session; one thread at a time may use it."""
        return HttpClient(
            self._section.rest_url,
            exchange=self._exchange.name,
            timeout_s=self._section.rest_timeout,
            budget=self.budget,
            read_error=self._exchange.read_error,
            used_weight_header=self._exchange.limits.used_weight_header,
            network=self._network,
        )

    def limits(self) -> dict[str, Any]:
        """Budgets and circuit breakers by exchange, for status pages; see `limits_report`."""
        return {self._exchange.name: limits_report(self.budget, self.calls, self.connects)}

    def close(self) -> None:
        """Whoever waits for the budget, or between attempts, need not any more."""
        self.calls.close()
        self.budget.close()
