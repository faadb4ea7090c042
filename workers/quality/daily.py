"""The report of each day, kept as a page and as JSON."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.settings import ClickHouseSettings
from workers.quality.page import page
from workers.quality.report import HOUR_NS, Report, report
from workers.quality.words import moment

FOLDER = "reports"
SETTLED_NS = 6 * HOUR_NS
"""So long after a day its rows may still come: from a spool, a stream, a ledger that was behind."""


def yesterday_ns() -> int:
    """The first nanosecond of the day before this one, UTC."""
    today = datetime.now(UTC).date()
    before = datetime.combine(today - timedelta(days=1), datetime.min.time(), UTC)
    return round(before.timestamp()) * 1_000_000_000


def daily_report(
    settings: ClickHouseSettings, folder: Path, begin_ns: int | None = None
) -> list[Path]:
    """Write the report of yesterday, unless one was written when its day was settled.

    Args:
        settings: of ClickHouse.
        folder: of all reports.
        begin_ns: of the day; default: yesterday.

    Returns:
        The files written; none where nothing was to do.

    Raises:
        StoreError: ClickHouse refused or is away; the next time writes it.
        OSError: the disk refused.
    """
    begin_ns = yesterday_ns() if begin_ns is None else begin_ns
    file = folder / f"completeness-{moment(begin_ns, '%Y-%m-%d')}.html"
    if _is_settled(file.with_suffix(".json")):
        return []
    return write_report(report(settings, begin_ns), file)


def write_report(found: Report, file: Path) -> list[Path]:
    """The page and the JSON beside it; a reader sees the old files or the new ones.

    Raises:
        OSError: the disk refused.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    files = {file: page(found), file.with_suffix(".json"): json.dumps(found.shown(), indent=1)}
    for path, text in files.items():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    return list(files)


def _is_settled(file: Path) -> bool:
    """Whether nothing was missing or waited for when it was made, and the day was long over."""
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
        waiting = {"open", "filling"} & set(made["gaps_by_state"])
        late = made["made_ns"] - made["end_ns"] > SETTLED_NS
        return late and not waiting and not made["total"]["missing"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
