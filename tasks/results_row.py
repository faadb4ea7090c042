"""The state of a run as a row, without secrets; pure."""

import json
import re
import time
from collections.abc import Sequence
from typing import Any

from celery import states
from kombu.utils.encoding import safe_str

from config.logging import MASK, mask
from workers.store.task_results import NS, TaskRun

SHOWN_CHARACTERS = 4000
_SECRET_NAME = re.compile(
    r"passw|secret|token|credential|authorization|api_?key|private_?key|passphrase", re.IGNORECASE
)
FINAL = 1 << 62
FORGOTTEN = 1 << 63


def row(
    task_id: str,
    state: str,
    result: str,
    *,
    request: Any = None,
    error: str = "",
    traceback: str = "",
    children: str = "",
    secrets: Sequence[str] = (),
) -> TaskRun:
    """A run's state now.

    Args:
        task_id: of the run.
        state: Celery's.
        result: JSON, without secrets.
        request: Celery's context of the run; the time it started is kept on it.
        error: what went wrong, in one line.
        traceback: where.
        children: JSON of the tasks it sent.
        secrets: texts that must not appear.
    """
    now_ns = time.time_ns()
    final = state in states.READY_STATES
    if request is not None and state == states.STARTED:
        request.started_ns = now_ns
    started_ns = getattr(request, "started_ns", None)
    delivery = getattr(request, "delivery_info", None) or {}
    return TaskRun(
        task_id=task_id,
        name=_text(getattr(request, "task", None)),
        arguments=arguments(request, secrets),
        queue=_text(delivery.get("routing_key")),
        worker=_text(getattr(request, "hostname", None)),
        state=state,
        started_ns=started_ns,
        finished_ns=now_ns if final else None,
        runtime_s=(now_ns - started_ns) / NS if final and started_ns else None,
        retries=getattr(request, "retries", None) or 0,
        error=clean(error, secrets)[:SHOWN_CHARACTERS],
        traceback=clean(traceback, secrets),
        result=result,
        children=children,
        group_id=_text(getattr(request, "group", None)),
        parent_id=_text(getattr(request, "parent_id", None)),
        version=now_ns + (FINAL if final else 0),
    )


def forgotten(task_id: str) -> TaskRun:
    """The row that hides a run."""
    return TaskRun(task_id, version=time.time_ns() + FORGOTTEN, forgotten=1)


def arguments(request: Any, secrets: Sequence[str]) -> str:
    """A run's arguments as JSON, short and without secrets."""
    args = getattr(request, "args", None) or ()
    kwargs = getattr(request, "kwargs", None) or {}
    given = {**({"args": list(args)} if args else {}), **kwargs} if isinstance(kwargs, dict) else {}
    text = json.dumps(without_secrets(given, secrets), default=safe_str, ensure_ascii=False)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def without_secrets(data: Any, secrets: Sequence[str]) -> Any:
    """The same data, secrets in its texts and values of telling names masked."""
    if isinstance(data, str):
        return clean(data, secrets)
    if isinstance(data, dict):
        return {
            key: MASK
            if isinstance(value, str) and _SECRET_NAME.search(str(key))
            else without_secrets(value, secrets)
            for key, value in data.items()
        }
    if isinstance(data, list | tuple | set | frozenset):
        return [without_secrets(each, secrets) for each in data]
    return data


def clean(text: str, secrets: Sequence[str]) -> str:
    """Text without secrets, and such that ClickHouse can keep it."""
    return mask(safe_str(text), secrets).encode("utf-8", "backslashreplace").decode()


def _text(value: object) -> str:
    return "" if value is None else str(value)
