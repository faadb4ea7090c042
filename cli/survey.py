"""One view of everything, as plain data: what `marketprism status --json` prints.

The shape is stable; keys are only added:

    ok          bool: nothing in `reasons`
    reasons     [str]: why not, a sentence each
    running     bool: a local stack runs, or any service answers
    stack       {pid, data_dir, started_ns, ready, simulated}, null without a local stack
    servers     {redis|nats|clickhouse: {address, reachable, latency_ms, error}}
    services    {name: {node, state, pid, uptime_s, memory_mb, error}}; names such as
                collector.binance_spot, writer, worker
    symbols     [{exchange, symbol, origin, channels}]; origin: settings, added, removed
    books       [{exchange, symbol, state, verified_depth, best_bid, best_ask, last_update_id,
                age_s, bids, asks, updates, gaps, resyncs}]; best_*: [price, quantity] or null,
                bids and asks: levels held
    connections [{exchange, shard, index, state, url, age_s, frames, attempts, handovers,
                last_error}]; state: connecting, connected, replacing (its successor is being
                made), waiting, stopped; attempts: since it was last connected; handovers: to a
                successor
    streams     [{exchange, channel, symbol, messages, rate, age_s}]; rate: messages a second
    limits      [{exchange, budget, service, used, usable, limit, window_s, wait_s, paused_until,
                source}]; budget: weight, connects, or calls of an endpoint; source: redis, local
                share (Redis is away), this process
    breakers    [{exchange, service, endpoint, state}]; state: closed, open, half-open
    writer      {connected, lag_s, streams: {JetStream stream: {...}}}, null if it does not answer
    jetstream   [{stream, messages, bytes, writer_pending}], null if NATS does not tell
    rows        {table: rows}, null if ClickHouse does not tell
    pages       {flower, nats, clickhouse}: addresses for a browser
"""

from typing import Any
from urllib.parse import urlsplit

from cli import limits_view, probes
from cli.expected import has_book
from cli.service_lines import CONNECTED
from cli.status_source import StatusSource
from config import queues
from config.settings import Settings
from config.shards import shard_of
from workers.local.presence import running

PATIENCE_S = 2.2
"""The whole survey takes at most this long."""
SERVICES_S = 1.2
AGAIN_S = 0.5
"""After the last answer, and up to a second more: kombu looks at Redis that rarely."""
LAGGING_S = 10.0
"""The writer being that far behind is worth a word."""
GENERAL_WORKER = "worker"


def survey(settings: Settings) -> dict[str, Any]:
    """Look at everything at once; see the module for the shape."""
    answers = probes.all_at_once(
        {
            "redis": lambda: probes.redis_server(settings),
            "nats": lambda: probes.nats_server(settings),
            "clickhouse": lambda: probes.clickhouse_server(settings),
            "services": lambda: _ask_services(settings),
            "jetstream": lambda: probes.jetstream(settings),
            "rows": lambda: probes.stored_rows(settings),
        },
        PATIENCE_S,
    )
    views = by_name(_known(answers["services"]) or {})
    status = {name: view.get("status") or {} for name, (_, view) in views.items()}
    limits = [(name, each["limits"]) for name, each in status.items() if "limits" in each]
    seen: dict[str, Any] = {
        "stack": _stack(settings),
        "servers": {
            name: _server(settings, name, answers[name]) for name in ("redis", "nats", "clickhouse")
        },
        "services": {name: _service(node, view) for name, (node, view) in views.items()},
        "symbols": [],
        "books": [],
        "connections": [],
        "streams": [],
        "limits": limits_view.budgets(limits),
        "breakers": limits_view.breakers(limits),
        "writer": None,
        "jetstream": _known(answers["jetstream"]),
        "rows": _known(answers["rows"]),
        "pages": _pages(settings),
    }
    for name, each in status.items():
        if name == queues.WRITER:
            seen["writer"] = {key: each.get(key) for key in ("connected", "lag_s", "streams")}
        elif "exchange" in each:
            _add_exchange(seen, each)
    reasons = shortcomings(settings, seen)
    is_running = seen["stack"] is not None or bool(views)
    return {"ok": not reasons, "reasons": reasons, "running": is_running, **seen}


def _ask_services(settings: Settings) -> dict[str, Any]:
    """Every worker's view; over as soon as all that are expected have answered."""
    if probes.redis_server(settings).error:
        return {}  # Celery would go on trying; the broker's own probe says why
    source = StatusSource(settings)
    try:
        expected = _expected(settings)
        found = source.services(SERVICES_S, expected=len(expected))
        names = {view.get("name") for view in found.values()}
        if len(found) >= len(expected) and not names.issuperset(expected):
            # Those that stand by were among the first; nobody tells how many there are.
            found |= source.services(AGAIN_S)
        return found
    finally:
        source.close()


def _expected(settings: Settings) -> list[str]:
    return [*settings.collectors(), queues.WRITER, GENERAL_WORKER]


def shortcomings(settings: Settings, seen: dict[str, Any]) -> list[str]:
    """What is not as it should be, a sentence each; empty: nothing is."""
    found = [
        f"{name} does not answer at {each['address']}: {each['error']}"
        for name, each in seen["servers"].items()
        if not each["reachable"]
    ]
    exchanges = settings.enabled_exchanges()
    redis_answers = seen["servers"]["redis"]["reachable"]
    if not redis_answers:
        found.append("the services cannot be asked without redis; they may well be running")
    for name in _expected(settings) if redis_answers else []:
        service = seen["services"].get(name)
        if service is None:
            found.append(f"{name} does not answer")
        elif service["state"] != "running" or service["error"]:
            found.append(f"{name} is {service['state']}: {service['error'] or 'no reason given'}")
    books = {(book["exchange"], book["symbol"]): book for book in seen["books"]}
    origins = {
        (each["exchange"], each["symbol"]): each["origin"] for each in seen.get("symbols", [])
    }
    for exchange, each in exchanges.items():
        for symbol in each.symbols:
            if queues.collector(exchange, shard_of(symbol, each.shards)) not in seen["services"]:
                continue  # said above
            if not has_book(each, symbol) or origins.get((exchange, symbol)) == "removed":
                continue
            book = books.get((exchange, symbol))
            state = book["state"] if book else "not there"
            if state != "SYNCED":
                found.append(f"{exchange} {symbol}: the book is {state}, must be SYNCED")
    for each in seen["connections"]:
        if each["state"] not in CONNECTED:
            error = each["last_error"] or "no error yet"
            found.append(
                f"{each['exchange']}: connection {each['index']} is {each['state']}: {error}"
            )
    return found + _writer_shortcomings(seen["writer"])


def _writer_shortcomings(writer: dict[str, Any] | None) -> list[str]:
    found = []
    for stream, each in ((writer or {}).get("streams") or {}).items():
        if each.get("error"):
            found.append(f"writer: {stream}: {each['error']}")
        elif (each.get("lag_s") or 0) > LAGGING_S:
            found.append(f"writer: {stream} is {each['lag_s']:.0f} s behind")
    return found


def _known(answer: Any) -> Any:
    """An answer; None in place of an error."""
    return None if isinstance(answer, Exception) else answer


def by_name(services: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Node and view by service name; a second worker of one name goes by its node."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    # Of two collectors of one name the one that stands by comes second.
    for node, view in sorted(services.items(), key=lambda each: each[1].get("state") == "standby"):
        name = str(view.get("name") or node)
        found[node if name in found else name] = (node, view)
    return found


def _stack(settings: Settings) -> dict[str, Any] | None:
    stack = running(settings.data_path)
    if stack is None:
        return None
    return {
        "pid": stack.pid,
        "data_dir": str(settings.data_path),
        "started_ns": stack.started_ns,
        "ready": stack.ready,
        "simulated": settings.local.simulate,
    }


def _server(settings: Settings, name: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, probes.Server):
        return answer.as_dict()
    at = {
        "redis": f"{settings.redis.host}:{settings.redis.port}",
        "nats": settings.nats.servers[0].rpartition("@")[2],
        "clickhouse": f"{settings.clickhouse.host}:{settings.clickhouse.port}",
    }
    return probes.Server(at[name], error=str(answer)).as_dict()


def _service(node: str, view: dict[str, Any]) -> dict[str, Any]:
    status = view.get("status") or {}
    return {
        "node": node,
        "state": view.get("state", "unknown"),
        "pid": view.get("pid"),
        "uptime_s": view.get("uptime_s"),
        "memory_mb": status.get("memory_mb"),
        "error": view.get("error") or status.get("error") or status.get("last_error"),
    }


def _add_exchange(seen: dict[str, Any], status: dict[str, Any]) -> None:
    exchange = status["exchange"]
    for symbol, facts in sorted((status.get("symbols") or {}).items()):
        seen["symbols"].append({"exchange": exchange, "symbol": symbol, **facts})
    for symbol, book in sorted((status.get("books") or {}).items()):
        facts = {
            "state": book.get("state"),
            "verified_depth": book.get("verified_depth"),
            "best_bid": book.get("best_bid"),
            "best_ask": book.get("best_ask"),
            "last_update_id": book.get("last_update_id"),
            "age_s": book.get("age_s"),
            "bids": book.get("bid_count"),
            "asks": book.get("ask_count"),
            "updates": book.get("updates"),
            "gaps": book.get("gaps"),
            "resyncs": book.get("resyncs"),
        }
        seen["books"].append({"exchange": exchange, "symbol": symbol, **facts})
    for each in status.get("connections") or []:
        keys = ("index", "state", "url", "age_s", "frames", "attempts", "handovers", "last_error")
        where = {"exchange": exchange, "shard": status.get("shard", 0)}
        seen["connections"].append(where | {key: each.get(key) for key in keys})
    for channel, symbols in sorted((status.get("streams") or {}).items()):
        for symbol, each in sorted(symbols.items()):
            row = {"exchange": exchange, "channel": channel, "symbol": symbol}
            seen["streams"].append(
                row | {key: each.get(key) for key in ("messages", "rate", "age_s")}
            )


def _pages(settings: Settings) -> dict[str, str]:
    nats_host = urlsplit(settings.nats.servers[0]).hostname
    return {
        "flower": settings.flower.url,
        "nats": f"http://{nats_host}:{settings.nats.monitoring_port}",
        "clickhouse": f"http://{settings.clickhouse.host}:{settings.clickhouse.http_port}/play",
    }
