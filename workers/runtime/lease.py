"""Exactly one active holder of a service: a lease in Redis with a fencing token, and a roll call.

Redis decides who holds the lease; the roll call over NATS tells who is really at work. Together:

1. A process waits while somebody holds the lease, or is heard within `TTL_S`.
2. A free lease is taken after it stood free for `GRACE_S`: a holder whose Redis came back empty has
   renewed it by then. After a good-bye it is taken at once.
3. The holder renews every `RENEW_S`. Redis being away changes nothing for it.
4. Without Redis nobody takes over from a holder that is heard. If Redis is away and the roll silent
   for `ALONE_S`, both at once, nobody is at work: then, and only then, it starts without Redis.
5. Tokens only grow. Who finds another owner in Redis, or hears a greater token, stops at once.

So a killed holder is replaced within TTL_S + GRACE_S and a second or two for connecting. What both
published meanwhile, if ever, carries the same message ids and is stored once.
"""

import asyncio
import os
import secrets
import socket
from typing import Any, Literal

import structlog

from config import Settings
from workers.bus.roll_call import RollCall
from workers.model.clock import Clock, SystemClock
from workers.model.errors import MarketPrismError
from workers.runtime.lease_key import LeaseKey

log = structlog.get_logger(__name__)

TTL_S = 4.0
RENEW_S = 1.0
GRACE_S = 1.5
ALONE_S = 5.0
LOOK_S = 0.25

LeaseState = Literal["standby", "held", "alone", "lost", "released"]


class LeaseLost(MarketPrismError):
    """Another process holds the lease; this one must not go on."""


class Lease:
    """The right to run one service, for one process.

    Args:
        settings: Redis, NATS.
        name: of the service.
        clock: measures grace and silence.

    Attributes:
        state: standby, held, alone (at work, Redis away), lost or released.
        token: grows with every holder; 0 before the lease was held.
        holder: who has it, as far as is known.
    """

    def __init__(self, settings: Settings, name: str, clock: Clock | None = None) -> None:
        self.name = name
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._clock: Clock = clock or SystemClock()
        self._key = LeaseKey(settings.redis, name, self.owner, TTL_S)
        self._roll = RollCall(settings.nats.servers, name, self.owner, self._clock)
        self.state: LeaseState = "standby"
        self.token = 0
        self.holder: str | None = None

    async def enter(self) -> None:
        """Wait until this process is the holder."""
        self._roll.start()
        free_s: float | None = None
        away_s: float | None = None
        while True:
            seen = await self._key.look()
            now_s = self._clock.monotonic_s()
            before, self.holder = self.holder, seen.holder or self._at_work(now_s)
            if self.holder not in (None, before):
                log.info("lease_held_by_another", service=self.name, holder=self.holder)
            if not seen.reachable:
                free_s, away_s = None, away_s if away_s is not None else now_s
                if self._nobody_since(away_s, now_s):
                    self.token = max(self._clock.now_ns() // 1_000_000, self._last_token() + 1)
                    self.state = "alone"
                    break
            else:
                away_s = None
                if self.holder is not None:
                    free_s = None
                else:
                    free_s = free_s if free_s is not None else now_s
                    if now_s - free_s >= GRACE_S or self._said_goodbye():
                        token = await self._key.take(self._last_token())
                        if token is not None:
                            self.token, self.state = token, "held"
                            break
            await asyncio.sleep(LOOK_S)
        self.holder = self.owner
        await self._roll.call(self.token)
        log.info("lease_taken", service=self.name, token=self.token, state=self.state)

    async def hold(self) -> None:
        """Renew until cancelled.

        Raises:
            LeaseLost: another holder is at work.
        """
        while True:
            seen = await self._key.renew(self.token)
            if seen.holder is not None:
                self._lose(seen.holder, "Redis names it")
            state: LeaseState = "held" if seen.reachable else "alone"
            if state != self.state:
                log.warning(
                    "lease_without_redis" if state == "alone" else "lease_renewed_again",
                    service=self.name,
                    token=self.token,
                    error=self._key.last_error,
                )
                self.state = state
            await self._roll.call(self.token)
            await self._sleep_listening()

    async def leave(self) -> None:
        """Give the lease back, for the next to take it at once; also before it was held."""
        if self.state in ("held", "alone"):
            self.state = "released"
            await self._key.release()
            await self._roll.call(self.token, leaving=True)
        await self._roll.stop()
        await self._key.close()

    def status(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "state": self.state,
            "owner": self.owner,
            "holder": self.holder,
            "token": self.token,
            "redis_error": self._key.last_error,
        }

    async def _sleep_listening(self) -> None:
        """Until the next renewal, giving way meanwhile to a greater token."""
        until_s = self._clock.monotonic_s() + RENEW_S
        while (now_s := self._clock.monotonic_s()) < until_s:
            heard = self._roll.heard
            if heard and not heard.call.leaving and now_s - heard.at_s < TTL_S:
                theirs = (heard.call.token, heard.call.owner)
                if theirs > (self.token, self.owner):
                    self._lose(heard.call.owner, f"it called with token {heard.call.token}")
            await asyncio.sleep(LOOK_S)

    def _lose(self, other: str, how: str) -> None:
        self.state, self.holder = "lost", other
        raise LeaseLost(
            f"{self.name}: the lease with token {self.token} is lost to {other} ({how}); stopping"
        )

    def _at_work(self, now_s: float) -> str | None:
        """Who was heard at work within TTL_S."""
        heard = self._roll.heard
        if heard is None or heard.call.leaving or now_s - heard.at_s > TTL_S:
            return None
        return heard.call.owner

    def _nobody_since(self, away_s: float, now_s: float) -> bool:
        """Whether Redis was away and the roll silent, with ears open, for ALONE_S."""
        listening_s = self._roll.listening_since_s
        if listening_s is None:
            return False
        heard = self._roll.heard
        last_s = heard.at_s if heard else listening_s
        return now_s - max(away_s, listening_s, last_s) >= ALONE_S

    def _said_goodbye(self) -> bool:
        return self._roll.heard is not None and self._roll.heard.call.leaving

    def _last_token(self) -> int:
        return self._roll.heard.call.token if self._roll.heard else 0
