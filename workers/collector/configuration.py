"""The settings of a running collector: read again when asked, or when their file changes."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
import watchfiles

from config.load import Loaded
from config.problem import ConfigError
from config.settings import Settings
from workers.collector.reloading import Reload, compare
from workers.model.errors import MarketPrismError

log = structlog.get_logger(__name__)

Read = Callable[[], Loaded]
Apply = Callable[[Reload], Awaitable[None]]


class BrokenConfiguration(MarketPrismError):
    """The file cannot be used; nothing has changed."""


class Configuration:
    """For the service's loop.

    Args:
        settings: in force at the start.
        exchange: whose collector it is.
        apply: carries a change out.
        read: reads the file and the environment; None: there is nothing to read.

    Attributes:
        settings: in force now.
    """

    def __init__(self, settings: Settings, exchange: str, apply: Apply, read: Read | None) -> None:
        self.settings, self._exchange = settings, exchange
        self._apply, self._read = apply, read
        self._one = asyncio.Lock()
        self._state: dict[str, Any] = {"reloads": 0, "restart_for": [], "error": None}

    async def reload(self) -> dict[str, Any]:
        """Take over what is written now, as far as that goes without a restart.

        Returns:
            applied, next_session, restart: paths with the value before and now.

        Raises:
            BrokenConfiguration: the file cannot be used; nothing has changed.
        """
        if self._read is None:
            raise BrokenConfiguration("this collector was made from no file; nothing has changed")
        async with self._one:
            try:
                loaded = await asyncio.to_thread(self._read)
            except ConfigError as error:
                self._state["error"] = str(error)
                raise BrokenConfiguration(
                    f"the settings are not read again, nothing has changed: {error}"
                ) from error
            found = compare(self.settings, loaded.settings, self._exchange)
            self.settings = found.settings
            if found.applied or found.next_session:
                await self._apply(found)
            self._state |= {
                "reloads": self._state["reloads"] + 1,
                "restart_for": sorted(found.restart),
                "error": None,
            }
            answer = {
                "applied": found.applied,
                "next_session": found.next_session,
                "restart": found.restart,
            }
            if any(answer.values()):
                log.warning("settings read again", exchange=self._exchange, **answer)
            return answer

    async def watch(self) -> None:
        """Read again whenever a file of the settings changes; until cancelled."""
        files = await asyncio.to_thread(self._files)
        if not files:
            return
        # The folders: editors put a new file in the old one's place.
        async for changes in watchfiles.awatch(
            *{str(Path(each).parent) for each in files}, recursive=False, debounce=400
        ):
            if not files & {str(Path(path)) for _, path in changes}:
                continue
            try:
                await self.reload()
            except (MarketPrismError, TimeoutError) as error:
                log.error("settings not read again", exchange=self._exchange, error=str(error))

    def status(self) -> dict[str, Any]:
        """Plain data: reloads, restart_for (paths that wait for a restart), error."""
        return dict(self._state)

    def _files(self) -> set[str]:
        if self._read is None:
            return set()
        try:
            return {str(each.resolve()) for each in self._read().files}
        except ConfigError as error:
            log.error("settings are not watched", exchange=self._exchange, error=str(error))
            return set()
