"""What the services say of themselves, a line each, or all in one."""

from typing import Any

from rich.table import Table
from rich.text import Text

from cli.look import Look

AWAY = "not answering"
CONNECTED = frozenset({"connected", "replacing"})
"""States of a connection that carries data; `replacing`: its successor is being made."""


def services(look: Look, names: list[str]) -> Table:
    """A line for each service, with a light."""
    grid = Table.grid(padding=(0, 2))
    for name in names:
        line = service_line(look, name)
        style = "red" if line == AWAY else "green"
        grid.add_row(Text("●", style=style), name, Text(line, style="dim"))
    return grid


def one_line(look: Look, names: list[str]) -> Text:
    """All services in one line; those that do not answer by name."""
    away = [name for name in names if name not in look.services]
    text = Text("● ", style="red" if away else "green", no_wrap=True, overflow="ellipsis")
    text.append(f"{len(names) - len(away)} of {len(names)} services", style="default")
    if away:
        return text.append(f", {AWAY}: {', '.join(away)}")
    total = dict.fromkeys(("published", "queued", "dropped"), 0)
    for name in names:
        for word, count in look.status(name).get("publisher", {}).items():
            if word in total:
                total[word] += int(count or 0)
    facts = ", ".join(f"{word} {count:,}" for word, count in total.items())
    lag_s = next(
        (look.status(name).get("lag_s") for name in names if "lag_s" in look.status(name)), 0
    )
    return text.append(f" · {facts} · writer lag {float(lag_s or 0):.1f} s", style="dim")


def service_line(look: Look, name: str) -> str:
    """State, age, memory, and what it did."""
    view = look.services.get(name)
    if view is None:
        return AWAY
    status = view.get("status", {})
    parts = [f"{view['state']} {span(float(view['uptime_s']))}"]
    if "memory_mb" in status:
        parts.append(f"{status['memory_mb']:.0f} MB")
    words = (status.get("phase"), status.get("state"))
    parts += [str(word) for word in words if word and word != view["state"]]
    parts += _connections(status)
    publisher = status.get("publisher", {})
    if publisher:
        parts.append(
            f"published {publisher.get('published', 0):,}, "
            f"queued {publisher.get('queued', 0):,}, dropped {publisher.get('dropped', 0):,}"
        )
    parts += _sinks(status)
    if view.get("error"):
        parts.append(str(view["error"]))
    return " · ".join(parts)


def _connections(status: dict[str, Any]) -> list[str]:
    found = status.get("connections")
    if not found:
        return []
    connected = sum(each.get("state") in CONNECTED for each in found)
    return [f"{connected} of {len(found)} connected"]


def _sinks(status: dict[str, Any]) -> list[str]:
    """What a writer says of its streams."""
    sinks = [each for each in status.get("streams", {}).values() if "stored_rows" in each]
    if not sinks:
        return []
    total = {
        word: sum(int(each.get(word) or 0) for each in sinks)
        for word in ("stored_rows", "batches", "pending", "refused", "retries")
    }
    parts = [
        "connected" if status.get("connected") else "waiting for NATS",
        f"stored {total['stored_rows']:,} in {total['batches']:,} batches",
        f"pending {total['pending']:,}",
        f"lag {float(status.get('lag_s') or 0):.1f} s",
    ]
    parts += [f"{word} {total[word]:,}" for word in ("refused", "retries") if total[word]]
    return parts + [str(each["error"]) for each in sinks if each.get("error")][:1]


def span(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
