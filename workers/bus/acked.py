"""One message published and acknowledged: for the few that somebody waits for."""

import asyncio

import structlog
from nats.errors import Error as NatsError

from workers.bus.link import Link
from workers.bus.refusals import read_refusal
from workers.transport.reconnect import Backoff

log = structlog.get_logger(__name__)

REPLY_TIMEOUT_S = 5.0


async def publish_acked(link: Link, subject: str, payload: bytes, message_id: str) -> None:
    """Publish until JetStream has it, however long that takes; logs the first failure."""
    backoff = Backoff(0.2, 10.0)
    while True:
        client = await link.client()
        headers = {"Nats-Msg-Id": message_id}
        try:
            reply = await client.request(subject, payload, REPLY_TIMEOUT_S, headers=headers)
            refusal = read_refusal(reply.data, reply.headers)
            text = refusal.text if refusal else ""
        except (NatsError, OSError, TimeoutError) as error:
            text = repr(error)
        if not text:
            return
        if not backoff.attempts:
            log.error("nats_refuses", name=link.name, subject=subject, error=text)
        await asyncio.sleep(backoff.next_s())
