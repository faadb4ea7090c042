"""From the settings in force to those written now: what a running collector can take over. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from config.section import Section
from config.settings import Settings

LIVE_OF_EXCHANGE = frozenset({"symbols", "channels", "shards", "publish_depth", "publish_interval"})
LIVE = ("stability.memory", "stability.errors", "stability.performance", "log.level")
"""Paths that apply at once, those below them too; thresholds count anew."""
NEXT_SESSION = ("stability.heartbeat",)
"""Apply to every connection opened from now on."""
PARTS = ("stability", "redis", "nats", "network", "log", "telemetry", "data_dir")
"""What a collector reads beside its own exchange; the rest of the tree is not its concern."""


@dataclass(frozen=True)
class Reload:
    """What becomes of new settings.

    Args:
        settings: those in force from now on.
        applied: paths that apply at once, with the values before and now.
        next_session: the same for new connections alone.
        restart: paths whose change needs a restart; not in force.
    """

    settings: Settings
    applied: dict[str, list[Any]] = field(default_factory=dict)
    next_session: dict[str, list[Any]] = field(default_factory=dict)
    restart: dict[str, list[Any]] = field(default_factory=dict)


def compare(old: Settings, new: Settings, exchange: str) -> Reload:
    """Divide what differs, for the collector of one exchange.

    Args:
        old: in force.
        new: as written now.
        exchange: whose collector it is; if it is not in `new`, that needs a restart.
    """
    own = f"exchanges.{exchange}"
    applied: dict[str, list[Any]] = {}
    later: dict[str, list[Any]] = {}
    restart: dict[str, list[Any]] = {}
    if exchange not in new.exchanges:
        return Reload(old, restart={own: ["there", "gone"]})
    for path, before, now in _differences(old, new):
        head = path.partition(".")[0]
        if path.startswith(f"{own}."):
            live = path.removeprefix(f"{own}.") in LIVE_OF_EXCHANGE
            (applied if live else restart)[path] = [before, now]
        elif _below(path, LIVE):
            applied[path] = [before, now]
        elif _below(path, NEXT_SESSION):
            later[path] = [before, now]
        elif head in PARTS:
            restart[path] = [before, now]
    return Reload(_with(old, new, [*applied, *later]), applied, later, restart)


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}.") for root in roots)


def _differences(old: Section, new: Section, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, value before and value now of every setting that differs."""
    for name in type(old).model_fields:
        before, now = getattr(old, name), getattr(new, name)
        here = f"{path}{name}"
        if before == now:
            continue
        if isinstance(before, Section) and isinstance(now, Section):
            yield from _differences(before, now, f"{here}.")
        elif name == "exchanges":
            for each in before.keys() & now.keys():
                yield from _differences(before[each], now[each], f"{here}.{each}.")
        else:
            yield here, _plain(before), _plain(now)


def _with(old: Settings, new: Settings, paths: list[str]) -> Settings:
    """The old tree with the new values of some settings."""
    tree = old
    for path in paths:
        tree = _replaced(tree, new, path.split("."))
    return tree


def _replaced(old: Any, new: Any, keys: list[str]) -> Any:
    key, *rest = keys
    if isinstance(old, dict):
        return old | {key: _replaced(old[key], new[key], rest) if rest else new[key]}
    value = getattr(new, key)
    if rest:
        value = _replaced(getattr(old, key), value, rest)
    return old.model_copy(update={key: value})


def _plain(value: Any) -> Any:
    """For answers and logs; what is secret stays so."""
    return value if isinstance(value, int | float | str | list | None) else str(value)
