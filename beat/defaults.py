"""The default schedule, made anew when the settings' files change under a running beat."""

import logging
from collections.abc import Sequence
from pathlib import Path

from beat.entries import Entry
from beat.schedule import schedule
from config import ConfigError, Settings
from config.load import load_with_origins

logger = logging.getLogger("celery.beat")


class Defaults:
    """Entries of the settings as they are now.

    Settings this cannot follow (where Redis is, the database's name) need a restart of beat.

    Args:
        settings: as beat began with them.

    Attributes:
        entries: by name.
        expires_s: how long a task lives, `celery.task_expires`.
    """

    def __init__(self, settings: Settings) -> None:
        self._take(settings)
        try:
            self._files: Sequence[Path] = load_with_origins().files
        except ConfigError as error:
            logger.warning("beat: changes of the settings need a restart: %s", error)
            self._files = []
        self._seen = self._looks()

    def changed(self) -> bool:
        """Whether the files changed since the last call, and are right; then follow them."""
        looks = self._looks()
        if looks == self._seen:
            return False
        self._seen = looks
        try:
            loaded = load_with_origins()
        except ConfigError as error:
            logger.error("beat: the changed settings are wrong, the old schedule stays: %s", error)
            return False
        self._files = loaded.files
        self._seen = self._looks()
        self._take(loaded.settings)
        logger.info("beat: the settings changed")
        return True

    def _take(self, settings: Settings) -> None:
        self.entries: dict[str, Entry] = schedule(settings)
        self.expires_s = settings.celery.task_expires

    def _looks(self) -> list[tuple[Path, int, int]]:
        """What tells a changed file from an unchanged one."""
        found = []
        for file in self._files:
            try:
                status = file.stat()
            except OSError:
                found.append((file, 0, 0))
            else:
                found.append((file, status.st_mtime_ns, status.st_size))
        return found
