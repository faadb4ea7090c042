"""Streams for people and programs."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.views import NS, span
from config.durations import format_duration
from workers.bus.stream_changes import Applied, Difference, Field, Found
from workers.bus.streams import Stream

TIMES = frozenset({"max_age", "duplicate_window", "ack_wait"})
UNITS = ("B", "KB", "MB", "GB", "TB")


def table(found: Mapping[str, Found], declared: Mapping[str, Stream]) -> RenderableType:
    """A line for each stream and each of its consumers."""
    drawn = _table("stream", "messages", "size", "of", "oldest", "consumer", "waiting", "unacked")
    for name, each in found.items():
        state, config = each.state, each.config
        known = declared.get(name)
        first: list[str | Text] = [
            _named(name, known is not None),
            f"{state['messages']:,}",
            size(state["bytes"]),
            size(config["max_bytes"]),
            _age(state),
        ]
        for durable, info in sorted(each.consumers.items()) or [("", {})]:
            of_ours = not durable or (known is not None and durable in known.consumers)
            waiting, unacked = info.get("num_pending", ""), info.get("num_ack_pending", "")
            drawn.add_row(*first, _named(durable, of_ours), f"{waiting}", f"{unacked}")
            first = [""] * 5
    return drawn


def differences(found: Sequence[Difference]) -> RenderableType:
    """A line for each field that differs."""
    drawn = _table("stream", "consumer", "field", "NATS has", "declared", "")
    for each in found:
        where = each.stream, each.consumer or ""
        if each.kind == "missing":
            drawn.add_row(*where, "", "nothing", "", Text("would be made", style="green"))
        for number, field in enumerate(each.fields):
            note = Text("; ".join(filter(None, (each.refusal, each.loss))), style="red")
            drawn.add_row(
                *(where if number == 0 else ("", "")),
                field.name,
                value(field.name, field.found),
                value(field.name, field.declared),
                note if number == 0 else "",
            )
    return drawn


def applied_line(applied: Applied) -> Text:
    """One change and what came of it."""
    each = applied.difference
    where = f"stream {each.stream}" + (f", consumer {each.consumer}" if each.consumer else "")
    words = "made" if each.kind == "missing" else "; ".join(map(_change, each.fields))
    if applied.error is None:
        return Text(f"{where}: {words}")
    return Text(f"{where}: {words}: refused: {each.refusal or applied.error}", style="red")


def plain(name: str, found: Found, declared: Mapping[str, Stream]) -> dict[str, Any]:
    """A stream for programs."""
    state, config = found.state, found.config
    known = declared.get(name)
    return {
        "declared": known is not None,
        "subjects": config["subjects"],
        "storage": config["storage"],
        "messages": state["messages"],
        "bytes": state["bytes"],
        "max_bytes": config["max_bytes"],
        "max_age_s": config["max_age"] / NS,
        "first_sequence": state["first_seq"],
        "last_sequence": state["last_seq"],
        "oldest_at": state["first_ts"] if state["messages"] else None,
        "consumers": {
            durable: {
                "declared": known is not None and durable in known.consumers,
                "filter": info["config"].get("filter_subject"),
                "waiting": info["num_pending"],
                "unacknowledged": info["num_ack_pending"],
                "redelivered": info["num_redelivered"],
                "acknowledged_to": info["ack_floor"]["stream_seq"],
            }
            for durable, info in sorted(found.consumers.items())
        },
    }


def plain_difference(each: Difference) -> dict[str, Any]:
    """A difference for programs."""
    return {
        "stream": each.stream,
        "consumer": each.consumer,
        "kind": each.kind,
        "fields": {
            field.name: {"found": field.found, "declared": field.declared} for field in each.fields
        },
        "refusal": each.refusal,
        "loss": each.loss,
    }


def plain_applied(each: Applied) -> dict[str, Any]:
    """A change and what came of it, for programs."""
    return plain_difference(each.difference) | {"applied": each.error is None, "error": each.error}


def size(count: int) -> str:
    """Bytes as the streams file writes them, `1.5GB`."""
    amount, unit = float(count), UNITS[0]
    for unit in UNITS:
        if abs(amount) < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.3g}{unit}" if amount < 1000 else f"{amount:.0f}{unit}"


def value(name: str, content: object) -> str:
    """A value as the streams file writes it."""
    if name in TIMES and isinstance(content, int):
        return format_duration(content / NS)
    if name == "max_bytes" and isinstance(content, int):
        return size(content)
    return ", ".join(content) if isinstance(content, list) else str(content)


def _change(field: Field) -> str:
    return f"{field.name} {value(field.name, field.found)} -> {value(field.name, field.declared)}"


def _age(state: dict[str, Any]) -> str:
    if not state["messages"]:
        return ""
    age = datetime.now(UTC) - datetime.fromisoformat(state["first_ts"])
    return span(round(age.total_seconds() * NS))


def _named(name: str, declared: bool) -> Text:
    return Text(name if declared else f"{name} (not declared)", style="" if declared else "yellow")


def _table(*columns: str) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        right = column in ("messages", "size", "of", "oldest", "waiting", "unacked")
        drawn.add_column(column, justify="right" if right else "left", overflow="fold")
    return drawn
