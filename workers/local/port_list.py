"""The ports a local stack listens on, and the settings that choose them."""

import threading
import time
from dataclasses import dataclass

from config.environment import variable_of
from config.settings import Settings
from workers.local.ports import LOOPBACK, PortTaken, is_free
from workers.local.servers import is_local, nats_port


@dataclass(frozen=True)
class StackPort:
    """A port, by the setting that chose it."""

    port: int
    setting: str
    address: str = LOOPBACK

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return variable_of(tuple(self.setting.split(".")))


def stack_ports(settings: Settings) -> list[StackPort]:
    """Every port the stack's processes will listen on."""
    found = []
    if is_local(settings.redis.host):
        found.append(StackPort(settings.redis.port, "redis.port"))
    if is_local(settings.nats.servers[0]):
        found.append(StackPort(nats_port(settings), "nats.servers"))
        found.append(StackPort(settings.nats.monitoring_port, "nats.monitoring_port"))
    if is_local(settings.clickhouse.host):
        found.append(StackPort(settings.clickhouse.port, "clickhouse.port"))
        found.append(StackPort(settings.clickhouse.http_port, "clickhouse.http_port"))
    if settings.local.simulate:
        simulator = settings.simulator
        found.append(StackPort(simulator.port, "simulator.port", simulator.address))
    found.append(StackPort(settings.flower.port, "flower.port", settings.flower.address))
    found += [
        StackPort(port, f"telemetry.ports.{name}", settings.telemetry.address)
        for name, port in settings.telemetry.ports.items()
    ]
    return found


def check_ports(settings: Settings, patience_s: float = 0.0) -> None:
    """Make sure every port is free; that none is wanted twice is the settings' business.

    Args:
        settings: say which ports.
        patience_s: wait that long for ports of a stack that is just ending.

    Raises:
        PortTaken: names the port, the setting, the variable and who holds it.
    """
    deadline, pause = time.monotonic() + patience_s, threading.Event()
    for each in stack_ports(settings):
        while not is_free(each.port, each.address):
            if time.monotonic() >= deadline:
                raise PortTaken(each.port, each.setting, each.variable)
            pause.wait(0.1)
