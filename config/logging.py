"""One log format for Celery and the services: lines for people on a terminal, JSON elsewhere.

Every record passes through the same chain, whoever wrote it (structlog or the standard library),
and leaves it without secrets.
"""

import logging
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import LogSettings, Settings

MASK = "***"
_PASSWORD_IN_URL = re.compile(r"(?P<before>\w://[^:/@\s'\"]*):[^@/\s'\"]+@")


def secrets_of(settings: Settings) -> list[str]:
    """Every secret in the settings, to be masked: in clear, and as it is written in an address."""
    given = (settings.redis.password, settings.clickhouse.password)
    clear = [each.get_secret_value() for each in given if each]
    return sorted({form for each in clear for form in (each, quote(each, safe="")) if form})


def mask(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without passwords in URLs and without any of `secrets`."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _PASSWORD_IN_URL.sub(rf"\g<before>:{MASK}@", text)


class _Masking:
    """Last link of the chain: the finished line, masked."""

    def __init__(self, render: Processor, secrets: Sequence[str]) -> None:
        self._render, self._secrets = render, tuple(secrets)

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        return mask(str(self._render(logger, name, event)), self._secrets)


def configure(
    settings: LogSettings,
    *,
    secrets: Sequence[str] = (),
    level: int | str | None = None,
    file: str | Path | None = None,
) -> None:
    """Send all logging of this process through one handler.

    Args:
        settings: level and format.
        secrets: texts that must never appear.
        level: instead of the settings' level, for `celery --loglevel`.
        file: instead of standard error, for `celery --logfile`.
    """
    console = settings.format == "console" or (
        settings.format == "auto" and file is None and sys.stderr.isatty()
    )
    render: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    finish: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if not console:
        finish.append(structlog.processors.format_exc_info)
    handler: logging.Handler = (
        logging.FileHandler(file) if file is not None else logging.StreamHandler(sys.stderr)
    )
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[*finish, _Masking(render, secrets)]
        )
    )
    root = logging.getLogger()
    for before in root.handlers:
        if isinstance(before.formatter, structlog.stdlib.ProcessorFormatter):
            before.close()
    root.handlers[:] = [handler]
    root.setLevel(level if level is not None else settings.level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
