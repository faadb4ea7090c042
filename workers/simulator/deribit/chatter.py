"""Channels that belong to no instrument: indices, volatility, and the noise of platform_state."""

from workers.simulator.deribit import indices
from workers.simulator.deribit.channels import stream_of
from workers.simulator.deribit.numbers import encode, raw
from workers.simulator.hub import Hub
from workers.simulator.market.engine import STEP_US
from workers.simulator.market.fair import Worths

SECOND_STEPS = 1_000_000 // STEP_US
CHAT_STEPS = 75
"""platform_state: 2.7 messages a second, measured."""

VOLATILE = {"btc_usd": "BTC", "eth_usd": "ETH"}
"""The volatility indices that speak; all others are confirmed and stay silent."""


class Chatter:
    """What is said each second and each 375 ms.

    Args:
        hub: where events go.
        now_us: engine time at the start.
        worths: what coins are worth.
    """

    def __init__(self, hub: Hub, now_us: int, worths: Worths) -> None:
        self.now_us = now_us
        self._hub, self._worths = hub, worths
        self._steps = self._talked = 0

    def step(self) -> None:
        """Let one step of engine time pass."""
        self.now_us += STEP_US
        self._steps += 1
        if self._steps % CHAT_STEPS == 0:
            name = indices.CHATTY[self._talked % len(indices.CHATTY)]
            self._talked += 1
            self.platform({"price_index": name, "locked": False, "reasons": []})
        if self._steps % SECOND_STEPS == 0:
            now_ms = self.now_us // 1000
            for name, currency in VOLATILE.items():
                value = raw(indices.volatility(currency, now_ms))
                data = {"timestamp": now_ms, "volatility": value, "index_name": name}
                self._say(f"deribit_volatility_index.{name}", data)
            for name in indices.CHATTY:
                self._price(name, now_ms)

    def platform(self, data: dict[str, object]) -> None:
        """`platform_state`."""
        self._say("platform_state", data)

    def state(self, kind: str, currency: str, name: str, state: str) -> None:
        """`instrument.state.{kind}.{currency}`."""
        data = {"timestamp": self.now_us // 1000, "state": state, "instrument_name": name}
        for each in (currency, "any"):
            self._say(f"instrument.state.{kind}.{each}", data)

    def creation(self, kind: str, currency: str, row: dict[str, object]) -> None:
        """`instrument.creation.{kind}.{currency}`."""
        for each_kind in (kind, "any"):
            for each in (currency, "any"):
                self._say(f"instrument.creation.{each_kind}.{each}", row)

    def _price(self, name: str, now_ms: int) -> None:
        channel = f"deribit_price_index.{name}"
        if self._hub.wanted(stream_of(channel)):
            price = raw(indices.index_price(name, now_ms, self._worths), exponents=False)
            self._say(channel, {"timestamp": now_ms, "price": price, "index_name": name})

    def _say(self, channel: str, data: dict[str, object]) -> None:
        self._hub.publish(stream_of(channel), lambda _: encode(data))
