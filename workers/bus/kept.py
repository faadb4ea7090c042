"""Messages a stream keeps, looked at one by one and removed one by one; nothing is consumed.

For streams that people look into, such as DEAD_LETTERS: a call of the JetStream API a message.
"""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

from nats.aio.client import Client
from nats.errors import Error as NatsError

from workers.bus.connection import close, connect
from workers.bus.outgoing import Outgoing
from workers.bus.refusals import read_refusal
from workers.bus.streams import API_TIMEOUT_S, StreamError, call
from workers.model.errors import TransportError

ALL = ">"


class Kept(NamedTuple):
    """A message as the stream holds it.

    Args:
        sequence: its number in the stream.
        subject: where it was published.
        data: its payload.
        stored_ns: when JetStream took it, nanoseconds UTC.
    """

    sequence: int
    subject: str
    data: bytes
    stored_ns: int


class Taken(NamedTuple):
    """JetStream's answer to a publish; `duplicate`: it knew the id, `sequence` is the older one."""

    stream: str
    sequence: int
    duplicate: bool


class KeptMessages:
    """A stream under the eyes of a person; `async with KeptMessages(...) as kept`.

    Every method raises StreamError where JetStream refuses (no such stream), TransportError where
    it does not answer.

    Args:
        servers: NATS addresses.
        stream: name of the stream.
    """

    def __init__(self, servers: Sequence[str], stream: str) -> None:
        self._servers, self._stream = servers, stream

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            TransportError: no server answers.
        """
        self._client: Client = await connect(self._servers, f"marketprism-{self._stream}")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await close(self._client)

    async def subjects(self) -> dict[str, int]:
        """How many messages are kept of each subject; empty where the stream was never made."""
        info = await call(
            self._client,
            f"STREAM.INFO.{self._stream}",
            {"subjects_filter": ALL},
            missing_ok=True,
        )
        return dict(sorted(((info or {}).get("state", {}).get("subjects") or {}).items()))

    async def last_sequence(self) -> int:
        """The number of the newest message the stream ever took; 0 for none."""
        info = await call(self._client, f"STREAM.INFO.{self._stream}", {}, missing_ok=True)
        return int(info["state"]["last_seq"]) if info else 0

    async def get(self, sequence: int) -> Kept | None:
        """One message by its number; None if it is not kept (any more)."""
        return await self._get({"seq": sequence})

    async def first(self, subject: str) -> Kept | None:
        """The oldest message of a subject, which may have wildcards."""
        return await self._get({"seq": 0, "next_by_subj": subject})

    async def last(self, subject: str) -> Kept | None:
        """The newest message of a subject."""
        return await self._get({"last_by_subj": subject})

    async def each(self, subject: str = ALL, after: int = 0) -> AsyncIterator[Kept]:
        """Messages of a subject behind a number, oldest first."""
        while (found := await self._get({"seq": after + 1, "next_by_subj": subject})) is not None:
            after = found.sequence
            yield found

    async def remove(self, sequence: int) -> bool:
        """Remove one message; False if it was not there."""
        request = {"seq": sequence, "no_erase": True}
        try:
            await call(self._client, f"STREAM.MSG.DELETE.{self._stream}", request)
        except StreamError:
            if await self.get(sequence) is not None:
                raise
            return False
        return True

    async def publish(self, message: Outgoing) -> Taken:
        """Publish a message, to whatever stream has its subject.

        Raises:
            StreamError: JetStream refuses it, in its own words.
            TransportError: NATS did not answer.
        """
        headers = {"Nats-Msg-Id": message.message_id}
        try:
            reply = await self._client.request(
                message.subject, message.payload, API_TIMEOUT_S, headers=headers
            )
        except (NatsError, OSError, TimeoutError) as error:
            raise TransportError(f"publishing to {message.subject}: {error!r}") from error
        refusal = read_refusal(reply.data, reply.headers)
        if refusal is not None:
            raise StreamError(f"{message.subject} was not taken: {refusal.text}")
        answer = json.loads(reply.data)
        return Taken(answer["stream"], int(answer["seq"]), bool(answer.get("duplicate")))

    async def acknowledged(self, stream: str, durable: str) -> int:
        """The number up to which a consumer has acknowledged everything of its stream."""
        info = await call(self._client, f"CONSUMER.INFO.{stream}.{durable}", {})
        return int((info or {})["ack_floor"]["stream_seq"])

    async def _get(self, request: dict[str, Any]) -> Kept | None:
        found = await call(self._client, f"STREAM.MSG.GET.{self._stream}", request, missing_ok=True)
        if found is None:
            return None
        message = found["message"]
        return Kept(
            int(message["seq"]),
            message["subject"],
            base64.b64decode(message.get("data", "")),
            _ns(message["time"]),
        )


def _ns(text: str) -> int:
    """Nanoseconds of `2026-11-23T01:02:03.123456789Z`; JetStream leaves zeros at the end out."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0")[:9] or 0)
