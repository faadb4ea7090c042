"""Messages as they are published, for those who look on; nothing is stored, acknowledged or kept.

A plain NATS subscription beside JetStream: it begins now, a reader that is too slow loses messages,
and a message the publisher sent again is seen again. What must be complete reads the streams
(subscription.py).
"""

from types import TracebackType
from typing import Self

from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeoutError

from config.settings import NatsSettings
from workers.bus.connection import close, connect
from workers.model.errors import TransportError

FLUSH_S = 2


class Feed:
    """What arrives on a subject from now on; `async with Feed(...) as feed`.

    Args:
        settings: the servers.
        subject: with NATS wildcards where wanted, `trade-data.binance_spot.*`.
        name: of the connection, seen in NATS's monitoring.
    """

    def __init__(
        self, settings: NatsSettings, subject: str, name: str = "marketprism-feed"
    ) -> None:
        self._servers, self._subject, self._name = settings.servers, subject, name

    async def __aenter__(self) -> Self:
        """Connect and subscribe; what is published after this is seen.

        Raises:
            TransportError: no server answers.
        """
        self._client: Client = await connect(self._servers, self._name)
        try:
            self._subscription: Subscription = await self._client.subscribe(self._subject)
            await self._client.flush(timeout=FLUSH_S)
        except (NatsError, OSError) as error:
            await close(self._client)
            raise self._lost(error) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await close(self._client)

    async def next(self, timeout_s: float) -> tuple[str, bytes] | None:
        """Subject and payload of the next message; None if there was none in time.

        Raises:
            TransportError: the connection was lost.
        """
        try:
            message = await self._subscription.next_msg(timeout=timeout_s)
        except NatsTimeoutError as error:
            if self._client.is_connected:
                return None
            raise self._lost(error) from error
        except NatsError as error:
            raise self._lost(error) from error
        return message.subject, message.data

    def _lost(self, error: Exception) -> TransportError:
        return TransportError(f"{self._subject}: the connection to NATS was lost ({error!r})")
