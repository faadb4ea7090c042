"""What the streams file declares beside what NATS has: looked at, told, and applied one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from nats.aio.client import Client

from workers.bus.connection import close, connect
from workers.bus.streams import (
    Stream,
    StreamError,
    call,
    differing_fields,
    make_consumer,
    make_stream,
)

FIXED = {
    "storage": "NATS does not move a stream that exists to other storage",
    "deliver_policy": "NATS does not change where a consumer that exists began",
}
"""What JetStream is known to refuse; anything else it says itself when it is asked."""

_NS = 1_000_000_000


class Field(NamedTuple):
    """A field that differs: as NATS has it and as it is declared, both as JetStream spells them."""

    name: str
    found: Any
    declared: Any


@dataclass(frozen=True)
class Difference:
    """One stream or consumer that is not as declared.

    Args:
        stream: its name.
        consumer: None for the stream itself.
        kind: it is missing, or some fields differ.
        fields: those that differ; empty for what is missing.
        refusal: why NATS will not take the change; None: nothing is known against it.
        loss: what the change throws away; None: nothing.
    """

    stream: str
    consumer: str | None
    kind: Literal["missing", "changed"]
    fields: Sequence[Field] = ()
    refusal: str | None = None
    loss: str | None = None


@dataclass(frozen=True)
class Found:
    """What NATS has.

    Args:
        config: of the stream, as JetStream spells it.
        state: its messages, bytes, first and last.
        consumers: JetStream's information by name.
    """

    config: dict[str, Any]
    state: dict[str, Any]
    consumers: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Applied:
    """A difference and what came of it: `error` is NATS's own reason, None if it was taken."""

    difference: Difference
    error: str | None


async def look(servers: Sequence[str]) -> dict[str, Found]:
    """Every stream of the server with its consumers, by name.

    Raises:
        StreamError: JetStream refuses to tell; TransportError: NATS did not answer.
    """
    client = await connect(servers, "marketprism-streams")
    try:
        return await _look(client)
    finally:
        await close(client)


async def _look(client: Client) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for info in await _pages(client, "STREAM.LIST", "streams"):
        name = info["config"]["name"]
        consumers = await _pages(client, f"CONSUMER.LIST.{name}", "consumers")
        by_name = {each["name"]: each for each in consumers}
        found[name] = Found(info["config"], info["state"], by_name)
    return dict(sorted(found.items()))


async def _pages(client: Client, endpoint: str, key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = await call(client, endpoint, {"offset": len(rows)}) or {}
        rows += page.get(key) or []
        if len(rows) >= page.get("total", 0) or not page.get(key):
            return rows


def compare(
    declared: Mapping[str, Stream], found: Mapping[str, Found], now_ns: int
) -> list[Difference]:
    """What is to be made or changed so that everything is as declared. Pure."""
    differences: list[Difference] = []
    for name, stream in declared.items():
        has = found.get(name)
        if has is None:
            differences.append(Difference(name, None, "missing"))
        elif fields := _fields(has.config, stream.wanted(name)):
            loss = _loss(stream, has.state, now_ns)
            differences.append(Difference(name, None, "changed", fields, _refusal(fields), loss))
        for durable, consumer in stream.consumers.items():
            info = has.consumers.get(durable) if has else None
            if info is None:
                differences.append(Difference(name, durable, "missing"))
            elif fields := _fields(info["config"], consumer.wanted(durable)):
                differences.append(Difference(name, durable, "changed", fields, _refusal(fields)))
    return differences


def undeclared(declared: Mapping[str, Stream], found: Mapping[str, Found]) -> list[str]:
    """Streams and consumers nobody declares here; they are left alone."""
    names = []
    for name, has in found.items():
        if name not in declared:
            names.append(f"stream {name}")
        else:
            extra = sorted(has.consumers.keys() - declared[name].consumers.keys())
            names += [f"stream {name}, consumer {each}" for each in extra]
    return names


async def apply(
    servers: Sequence[str], declared: Mapping[str, Stream], differences: Sequence[Difference]
) -> list[Applied]:
    """Make every change NATS takes; one that is refused does not hold up the others.

    Raises:
        TransportError: NATS did not answer; what was applied before stays.
    """
    client = await connect(servers, "marketprism-streams")
    try:
        done = []
        for each in differences:
            stream, error = declared[each.stream], None
            try:
                if each.consumer is None:
                    await make_stream(client, each.stream, stream)
                else:
                    consumer = stream.consumers[each.consumer]
                    await make_consumer(client, each.stream, each.consumer, consumer)
            except StreamError as refused:
                error = str(refused)
            done.append(Applied(each, error))
        return done
    finally:
        await close(client)


def _fields(current: dict[str, Any], wanted: dict[str, Any]) -> list[Field]:
    names = differing_fields(current, wanted)
    return [Field(name, current.get(name), wanted[name]) for name in names]


def _refusal(fields: Sequence[Field]) -> str | None:
    return "; ".join(FIXED[each.name] for each in fields if each.name in FIXED) or None


def _loss(stream: Stream, state: dict[str, Any], now_ns: int) -> str | None:
    """What the new limits would drop at once."""
    if not state.get("messages"):
        return None
    losses = []
    if state["bytes"] > stream.max_bytes:
        losses.append(f"it holds {state['bytes']} bytes and would keep {stream.max_bytes}")
    oldest_ns = int(datetime.fromisoformat(state["first_ts"]).timestamp() * _NS)
    age_s = (now_ns - oldest_ns) / _NS
    if age_s > stream.max_age:
        losses.append(f"its oldest message is {age_s:.0f} s old, kept are {stream.max_age:g} s")
    return "; ".join(losses) or None
