"""JetStream streams and consumers: declared in config/nats_unified_streams.yaml, made true here."""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from nats.aio.client import Client
from nats.errors import Error as NatsError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from config import ROOT, ConfigError, Problem
from config.durations import Duration
from workers.bus.connection import close, connect
from workers.bus.link import Link
from workers.model.errors import MarketPrismError, TransportError

API_TIMEOUT_S = 5.0
NOT_FOUND, UNAVAILABLE = 404, 503
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_NS = 1_000_000_000


class StreamError(MarketPrismError):
    """NATS refused a stream or consumer as it is declared.

    Args:
        message: the stream, what differs with both values, and NATS's own words.
        code: NATS's error code, 0 where it gave none.
    """

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


def parse_size(value: object) -> int:
    """Bytes in `512MB` or `2GB` (powers of 1024); a bare number is bytes."""
    found = re.fullmatch(r"\s*(\d+)\s*([KMGT]?B)?\s*", str(value))
    if not found:
        raise ValueError("write a size such as 512MB or 2GB")
    return int(found[1]) * _UNITS[found[2] or "B"]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Consumer(_Declared):
    """A durable pull consumer; every message is acknowledged by itself (see subscription.py)."""

    ack_wait: Duration = 10.0
    max_ack_pending: int = Field(100_000, ge=1)
    filter: str | None = None
    deliver: Literal["all", "new"] = "all"

    def wanted(self, name: str) -> dict[str, Any]:
        """The fields we decide, as JetStream spells them."""
        fields = {
            "durable_name": name,
            "ack_policy": "explicit",
            "deliver_policy": self.deliver,
            "ack_wait": round(self.ack_wait * _NS),
            "max_ack_pending": self.max_ack_pending,
            "max_deliver": -1,
        }
        return fields | ({"filter_subject": self.filter} if self.filter else {})


class Stream(_Declared):
    """A stream: which subjects it keeps, how long, how much."""

    subjects: list[str] = Field(min_length=1)
    storage: Literal["file", "memory"] = "file"
    discard: Literal["old", "new"] = "old"
    max_age: Duration
    max_bytes: Annotated[int, BeforeValidator(parse_size)]
    duplicate_window: Duration = 120.0
    compression: Literal["none", "s2"] = "none"
    consumers: dict[str, Consumer] = {}

    def wanted(self, name: str) -> dict[str, Any]:
        """The fields we decide, as JetStream spells them."""
        return {
            "name": name,
            "subjects": self.subjects,
            "retention": "limits",
            "storage": self.storage,
            "discard": self.discard,
            "max_age": round(self.max_age * _NS),
            "max_bytes": self.max_bytes,
            "duplicate_window": round(self.duplicate_window * _NS),
            "compression": self.compression,
        }


class _File(_Declared):
    streams: dict[str, Stream]
    defaults: dict[str, Any] = {}
    writer: dict[str, Any] = {}


def load_streams(path: Path | str) -> dict[str, Stream]:
    """The declared streams by name.

    Args:
        path: the YAML file; relative to config/.

    Raises:
        ConfigError: the file cannot be read, or a declaration is wrong; names every place.
    """
    file = ROOT / "config" / path
    try:
        tree = yaml.safe_load(file.read_text())
        return _File.model_validate(tree).streams
    except (OSError, yaml.YAMLError) as error:
        text = str(error).replace("\n", " ")
        raise ConfigError([Problem(str(file), text, "name a readable file", "file")]) from error
    except ValidationError as error:
        raise ConfigError(
            [
                Problem(
                    ".".join(str(key) for key in item["loc"]),
                    repr(item["input"]),
                    item["msg"].removeprefix("Value error, "),
                    str(file),
                )
                for item in error.errors()
            ]
        ) from error


async def ensure_streams(servers: Sequence[str], streams_file: Path | str) -> list[str]:
    """Create what is missing, update what differs; safe when two processes do it together.

    Returns:
        One line per change, empty when everything was as declared.

    Raises:
        ConfigError: the file is wrong.
        StreamError: NATS refuses a change; names the stream, the fields and both values.
        TransportError: NATS did not answer.
    """
    declared = load_streams(streams_file)
    client = await connect(servers, "marketprism-streams")
    try:
        changes = []
        for name, stream in declared.items():
            changes += await make_stream(client, name, stream)
            for durable, consumer in stream.consumers.items():
                changes += await make_consumer(client, name, durable, consumer)
        return changes
    finally:
        await close(client)


async def ensure_consumer(link: Link, stream: str, name: str, consumer: Consumer) -> list[str]:
    """One consumer that is in no file, created or brought up to date; changes as above.

    Raises:
        StreamError: there is no such stream, or NATS refuses the change.
        TransportError: NATS did not answer.
    """
    return await make_consumer(await link.client(), stream, name, consumer)


async def make_stream(client: Client, name: str, stream: Stream) -> list[str]:
    """One stream created or brought up to date; raises and returns as `ensure_streams`."""
    wanted = stream.wanted(name)
    found = await call(client, f"STREAM.INFO.{name}", {}, missing_ok=True)
    if found is None:
        try:
            await call(client, f"STREAM.CREATE.{name}", wanted)
        except StreamError as error:
            raise StreamError(f"stream {name} cannot be created: {error}", error.code) from error
        return [f"stream {name}: created for {', '.join(stream.subjects)}"]
    current = found["config"]
    differing = differing_fields(current, wanted)
    if not differing:
        return []
    try:
        await call(client, f"STREAM.UPDATE.{name}", current | wanted)
    except StreamError as error:
        text = f"stream {name}: NATS keeps {_both(current, wanted, differing)}: {error}"
        raise StreamError(text, error.code) from error
    return [f"stream {name}: {_both(current, wanted, differing)}"]


async def make_consumer(client: Client, stream: str, name: str, consumer: Consumer) -> list[str]:
    """One consumer created or brought up to date; raises and returns as `ensure_streams`."""
    wanted = consumer.wanted(name)
    where = f"stream {stream}, consumer {name}"
    found = await call(client, f"CONSUMER.INFO.{stream}.{name}", {}, missing_ok=True)
    current = found["config"] if found else {}
    differing = differing_fields(current, wanted)
    if found and not differing:
        return []
    request = {"stream_name": stream, "config": current | wanted}
    try:
        await call(client, f"CONSUMER.DURABLE.CREATE.{stream}.{name}", request)
    except StreamError as error:
        text = f"{where}: NATS keeps {_both(current, wanted, differing)}: {error}"
        raise StreamError(text, error.code) from error
    return [f"{where}: {_both(current, wanted, differing)}" if found else f"{where}: created"]


def differing_fields(current: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Names of the fields we decide that NATS has otherwise."""

    # NATS leaves fields out that have their zero value, "none" included for compression
    def plain(value: object) -> object:
        return None if value in (0, "", "none", None) else value

    return [key for key in wanted if plain(current.get(key)) != plain(wanted[key])]


def _both(current: dict[str, Any], wanted: dict[str, Any], keys: list[str]) -> str:
    return ", ".join(f"{key} {current.get(key)!r}, declared {wanted[key]!r}" for key in keys)


async def call(
    client: Client, endpoint: str, request: dict[str, Any], *, missing_ok: bool = False
) -> dict[str, Any] | None:
    """One call of the JetStream API; None for "not found" where that is an answer.

    Raises:
        StreamError: JetStream said no.
        TransportError: it did not answer, or is not ready.
    """
    try:
        reply = await client.request(
            f"$JS.API.{endpoint}", json.dumps(request).encode(), timeout=API_TIMEOUT_S
        )
    except (NatsError, OSError, TimeoutError) as error:
        raise TransportError(f"JetStream did not answer {endpoint}: {error!r}") from error
    answer: dict[str, Any] = json.loads(reply.data)
    problem = answer.get("error")
    if problem is None:
        return answer
    if missing_ok and problem.get("code") == NOT_FOUND:
        return None
    if problem.get("code") == UNAVAILABLE:
        raise TransportError(f"JetStream is not ready for {endpoint}: {problem}")
    raise StreamError(str(problem.get("description")), int(problem.get("err_code", 0)))


class StreamPosition(NamedTuple):
    """What a stream holds: its first and last sequence number, and how many messages."""

    first: int
    last: int
    messages: int


async def stream_position(link: Link, name: str) -> StreamPosition:
    """Ask where a stream begins and ends now.

    Raises:
        StreamError: there is no such stream.
        TransportError: NATS did not answer.
    """
    info = await call(await link.client(), f"STREAM.INFO.{name}", {})
    state = (info or {})["state"]
    return StreamPosition(state["first_seq"], state["last_seq"], state["messages"])


async def last_delivered(link: Link, stream: str, durable: str) -> int:
    """The highest sequence number a consumer was ever given, 0 for none.

    Raises:
        StreamError: there is no such consumer.
        TransportError: NATS did not answer.
    """
    info = await call(await link.client(), f"CONSUMER.INFO.{stream}.{durable}", {})
    delivered: int = (info or {})["delivered"]["stream_seq"]
    return delivered


async def last_messages(servers: Sequence[str], subjects: Iterable[str]) -> dict[str, bytes]:
    """The newest message held of each subject; those without one are left out.

    Raises:
        StreamError: JetStream refused to tell.
        TransportError: NATS did not answer.
    """
    client = await connect(servers, "marketprism-last-messages")
    try:
        found = {}
        for subject in subjects:
            names = await call(client, "STREAM.NAMES", {"subject": subject})
            for stream in (names or {}).get("streams") or ():
                request = {"last_by_subj": subject}
                held = await call(client, f"STREAM.MSG.GET.{stream}", request, missing_ok=True)
                if held is not None:
                    found[subject] = base64.b64decode(held["message"].get("data", ""))
        return found
    finally:
        await close(client)
